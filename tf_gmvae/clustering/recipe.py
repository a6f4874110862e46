"""How clusters are found where nothing else is asked for: a model, its start, and a training that holds to it."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tf_gmvae import likelihoods, presets
from tf_gmvae.checks import rate
from tf_gmvae.data import described
from tf_gmvae.data.pipeline import rows_of, to_batches, whole_batches
from tf_gmvae.data.split import Dataset, Split
from tf_gmvae.errors import InputError
from tf_gmvae.likelihoods import Likelihood
from tf_gmvae.model.gmvae import GMVAE
from tf_gmvae.optimizer import FusedAdam, falling_rate
from tf_gmvae.start import how_many
from tf_gmvae.start.how_many import AUTO, HowMany
from tf_gmvae.start.sample import check_enough
from tf_gmvae.start.stages import guidance_for, labels_are_hard
from tf_gmvae.tables.describing import scaled
from tf_gmvae.tables.likelihood import ColumnsLikelihood
from tf_gmvae.values import check_values

# Epochs, and steps after which no further epoch begins.
EPOCHS, STEPS = 20, 2000
BATCH_SIZE, LEARNING_RATE = 100, 1e-4
# Where training goes on learning the labels of the start, the rate falls, from here.
LEARNING_RATE_AT_LABELS = 5e-4
# Steps up to which a training is over before TensorFlow would have made a graph of its step.
FEW_STEPS = 10


def epochs_for(num_examples: int, batch_size: int = BATCH_SIZE, most: int = EPOCHS) -> int:
    """Epochs of the training after the start.

    Args:
        num_examples: N, at least `batch_size`.
        batch_size: integer, examples of a step. Default 100.
        most: integer, largest number of them. Default 20.

    Returns:
        Integer: that number, or of much data as many as make 2,000 steps.
    """
    return min(most, math.ceil(STEPS / (num_examples // batch_size)))


def with_columns(dataset: Dataset, column_scale: str = "each") -> Dataset:
    """Vectors as the rows of a table, whose columns are described.

    Args:
        dataset: data of examples (F,), as of a .npz file; of a table the columns are known, and anything else is
            returned as it is.
        column_scale: "each" or "common", see `tables.describing.scaled`. Default "each".

    Returns:
        `tf_gmvae.data.Dataset`.

    Raises:
        InputError: if `column_scale` is something else, or the data have no columns to share a scale.
    """
    if dataset.columns is not None:
        return replace(dataset, columns=scaled(dataset.columns, column_scale))
    if len(dataset.train.data_shape) != 1:
        if column_scale != "each":
            raise InputError(
                f"A common scale is for the columns of tables and vectors; these examples are of shape "
                f"{dataset.train.data_shape}: leave column_scale out."
            )
        return dataset
    parts = [
        None if part is None else replace(part, examples=part.examples.astype("float32"))
        for part in (dataset.train, dataset.test)
    ]
    assert parts[0] is not None
    columns = scaled(described.of_array(parts[0].examples, dataset.merged), column_scale)
    return replace(dataset, train=parts[0], test=parts[1], columns=columns)


def likelihood_for(dataset: Dataset) -> Likelihood:
    """The likelihood that goes with the data: of vectors that of their columns, of images by their shape.

    Args:
        dataset: data, of which vectors have been through `with_columns`.

    Returns:
        `Likelihood`.

    Raises:
        InputError: if no networks fit the shape of the examples.
    """
    if dataset.columns is not None:
        return ColumnsLikelihood(dataset.columns)
    return likelihoods.get(presets.for_shape(dataset.train.data_shape).likelihood)


class Fitted(NamedTuple):
    """A model that has found clusters, and how many it was to find.

    Attributes:
        model: `GMVAE`.
        how_many: `HowMany`, where the number was asked of the data, else None.
    """

    model: GMVAE
    how_many: HowMany | None


@dataclass(frozen=True)
class Recipe:
    """The choices there are.

    Attributes:
        num_components: K, or "auto" to ask it of the data.
        seed: integer.
        latent_dim: D; None is the preset's. Default None.
        style_dim: W; likewise. Default None.
        hold: weight in nats of holding on to the clusters of the start. Default None: that of the labels in the
            start, see `start.stages.guidance_for`.
        learning_rate: Adam's, after the start, which stays. Default None: 0.0001, and at labels that are hard to
            learn, see `start.stages.labels_are_hard`, one that falls from 0.0005.
        batch_size: integer, examples of a step after the start. Default 100.
        max_epochs: integer, largest number of epochs after the start; None is that of `epochs_for`. Default None.
        max_steps: integer, largest number of steps of each training, the two of the start included. Default None:
            no such bound.
        verbose: as in Keras, 0 is silent. Default 0.
    """

    num_components: int | str
    seed: int
    latent_dim: int | None = None
    style_dim: int | None = None
    hold: float | None = None
    learning_rate: float | None = None
    batch_size: int = BATCH_SIZE
    max_epochs: int | None = None
    max_steps: int | None = None
    verbose: int | str = 0

    def model_for(self, dataset: Dataset, num_components: int) -> GMVAE:
        """The untrained model that goes with the data: of vectors that of a table, of images by their shape.

        Args:
            dataset: data, of which vectors have been through `with_columns`.
            num_components: K.

        Returns:
            `GMVAE`, compiled.

        Raises:
            InputError: if no networks fit the shape of the examples, or a choice is out of its range.
        """
        shape = dataset.train.data_shape
        is_table = dataset.columns is not None
        preset = presets.get("table") if is_table else presets.for_shape(shape)
        model = GMVAE.from_preset(
            preset.name,
            num_components=num_components,
            data_shape=shape,
            likelihood=likelihood_for(dataset),
            latent_dim=self.latent_dim,
            style_dim=self.style_dim,
            hold=guidance_for(shape) if self.hold is None else self.hold,
            seed=self.seed,
        )
        chosen = LEARNING_RATE if self.learning_rate is None else rate("learning_rate", self.learning_rate)
        few = self.max_steps is not None and self.max_steps <= FEW_STEPS
        model.compile(FusedAdam(chosen, epsilon=1e-8), run_eagerly=few, jit_compile=False if few else "auto")
        return model

    def fitted(self, dataset: Dataset, known: np.ndarray | None = None) -> Fitted:
        """A model that has found clusters in the training part of the data.

        Args:
            dataset: data; labels are not looked at.
            known: as in `GMVAE.initialize`. Default None.

        Returns:
            `Fitted`.

        Raises:
            InputError: if the data are not what a model can be trained on, or too few, or if classes are known and
                the number of clusters is not.
            TrainingDivergedError: at the first loss that is not finite.
        """
        dataset = with_columns(dataset)
        examples = replace(dataset.train, labels=None, ids=None)
        if isinstance(examples, Split):
            check_values(examples.examples, likelihood_for(dataset), may_choose=False)
        chosen, found = None, None
        with _many_models():
            if isinstance(self.num_components, int):
                num_components = self.num_components
            else:
                chosen, found = self._asked(dataset, examples, known)
                num_components = chosen.num_components
            check_enough(examples, num_components)
            model = self.model_for(dataset, num_components)
            start = model.initialize(
                examples, max_steps=self.max_steps, known=known, found=found, verbose=self.verbose
            )
            optimizer = model.optimizer
            self._train(model, examples, start)
        model.compile(optimizer)  # as any other from now on
        return Fitted(model, chosen)

    def _asked(self, dataset, examples, known):
        if known is not None:
            raise InputError(f"`known` guides the search for a known number of clusters: name it, not {AUTO!r}.")
        return how_many.ask(examples, likelihood_for(dataset), self.seed, verbose=bool(self.verbose))

    def _train(self, model, examples, start):
        size, steps = whole_batches(examples.num_examples, self.batch_size)
        most = EPOCHS if self.max_epochs is None else self.max_epochs
        epochs = epochs_for(examples.num_examples, size, most)
        if self.max_steps is not None:
            steps = min(steps, self.max_steps)
            epochs = min(epochs, self.max_steps // steps)
        held = model.predict(to_batches(examples, 256), verbose=0)
        if model.hold and labels_are_hard(examples.data_shape):
            held[start.indices] = start.labels
            if self.learning_rate is None:
                optimizer = FusedAdam(falling_rate(LEARNING_RATE_AT_LABELS, epochs * steps), epsilon=1e-8)
                model.compile(optimizer, run_eagerly=model.run_eagerly, jit_compile=model.jit_compile)
        batches = to_batches(
            examples, size, shuffle_seed=self.seed, num_epochs=None, drop_remainder=True, with_numbers=True
        )
        model.fit(
            batches.map(rows_of(held)),
            steps_per_epoch=steps,
            epochs=epochs,
            verbose=self.verbose,
        )


@contextlib.contextmanager
def _many_models() -> Iterator[None]:
    """Without TensorFlow's advice that a function is traced again: each model has its own."""

    def of_use(record):
        return "triggered tf.function retracing" not in record.getMessage()

    log = logging.getLogger("tensorflow")
    log.addFilter(of_use)
    try:
        yield
    finally:
        log.removeFilter(of_use)
