"""A start from which the paper's objective keeps its clusters.

Trained from random weights the model readily puts every example into one component: the objective holds clusters
once there are some, but does not find them. This finds them, without a label:

1. `clusters`: each example's nearest neighbours, where a slightly changed view of it counts as itself, and of
   images those whose strokes may bend a little; a map of these neighbourhoods, and a Gaussian mixture on it: soft
   labels.
2. `Pretraining`: encoder and decoder as a plain VAE.
3. `factors`: each cluster of latents as a Gaussian that moves with a few factors; it becomes the prior head, and
   the factors, as a linear function of the encoder's features, become q(w | y).
4. `GuidedTraining`: a few epochs of the objective at those labels, on views of the examples: what changes no
   cluster is learnt to change none, and the model corrects the labels it was given.

What follows is `fit`, with the paper's objective unchanged.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae import terminal
from tf_gmvae.callbacks.epoch_lines import EpochLines
from tf_gmvae.checks import nats, rate, whole_number
from tf_gmvae.data.pipeline import rows_of, to_batches
from tf_gmvae.errors import InputError
from tf_gmvae.inputs import Data
from tf_gmvae.model.part import Part
from tf_gmvae.optimizer import falling_rate
from tf_gmvae.start import clusters, effort, heads
from tf_gmvae.start import known as known_examples
from tf_gmvae.start.checkpoints import Checkpoints
from tf_gmvae.start.clusters import Views, view_layer
from tf_gmvae.start.sample import as_split, drawn, style_components
from tf_gmvae.start.stages import GuidedTraining, Pretraining, guidance_for

# Of either training: with few examples an epoch of the start is several passes over them.
LEAST_STEPS = 500
# Views of an example that are compared, examples on the map, and examples in which clusters are found, at most.
NUM_VIEWS, MAX_MAPPED, MAX_EXAMPLES = 8, 40_000, 60_000


class Start(NamedTuple):
    """The clusters that a start found.

    Attributes:
        labels: float32 array (S, K), soft labels of the examples they were found in; rows sum to one.
        indices: int64 array (S,), the numbers of these examples in the data, ascending.
    """

    labels: np.ndarray
    indices: np.ndarray


class Initialization(Part):
    """The method of `GMVAE` that gives it its start."""

    def initialize(
        self,
        data: Data,
        *,
        pretraining_epochs: int = 3,
        beta: float = 1.0,
        guided_epochs: int = 3,
        guidance: float | None = None,
        batch_size: int = 200,
        learning_rate: float = 1e-3,
        num_factors: int = 10,
        views: Views = "auto",
        num_views: int = NUM_VIEWS,
        max_mapped: int = MAX_MAPPED,
        max_examples: int = MAX_EXAMPLES,
        max_steps: int | None = None,
        binarize: str = "none",
        callbacks: Sequence[keras.callbacks.Callback] = (),
        checkpoints: str | Path | None = None,
        known: np.ndarray | None = None,
        found: Start | None = None,
        verbose: int | str = "auto",
    ) -> Start:
        """Finds clusters in the data and sets the model up with them; minutes for 60,000 images.

        Call it once, on a compiled model, before `fit`. The optimizer of `fit` is left as it is. The model's seed
        decides the outcome; no label is used but those of `known`. Frozen layers do not train, but priors, and
        heads of w and of deeper styles, are given their start all the same, with a warning.

        Args:
            data: a `data.Split`, an array (N, ...), or a `tf.data.Dataset`, `keras.utils.PyDataset` or other
                iterable of batches of examples or of (examples, labels), of one pass. A stream is read to its end
                once, and at most `max_examples` of it, drawn with equal chances, are kept in memory and trained
                on.
            pretraining_epochs: integer, epochs as a plain VAE; of small data together at least `LEAST_STEPS`
                steps, or of images beyond 32x32 pixels fewer, see `effort`. Default 3.
            beta: float, weight of the divergence from the prior in the pretraining. Where examples are small and
                few dimensions of x come into use, less than 1 shows the map more of them. Default 1.
            guided_epochs: integer, epochs at the labels found, likewise. Default 3.
            guidance: float, weight of the cross-entropy of p(z | x, w) to those labels, nats. Default None: 20,
                and of examples of more than 28x28 values more, in proportion to them.
            batch_size: integer, most examples of a step of both trainings; of few, large images it is less, see
                `effort`. Default 200.
            learning_rate: float, Adam's learning rate of both. Default 0.001.
            num_factors: integer, dimensions of w that start in use; 0 starts without a style. Default 10.
            views: what may change in an example without changing its cluster: "auto" turns, moves, scales and
                shears images a little (`layers.RandomAffine`) and leaves other data as they are; None leaves all
                as they are; a Keras layer, or a function of a batch, is used in their place. Default "auto".
            num_views: integer, views of an example that are compared with the others. Default 8.
            max_mapped: integer, largest number of examples on the map; the others take the labels of their
                neighbours there. Default 40,000.
            max_examples: integer, largest number of examples in which the clusters are found. Default 60,000.
            max_steps: integer, largest number of steps of either training. Default None: no such bound.
            binarize: as in `data.to_batches`. Default "none".
            callbacks: list of callbacks of both trainings. Default none.
            checkpoints: path of a folder in which the start keeps what it has done, epoch by epoch. A call with
                the same arguments on a new model goes on there, and with a seed ends as it would have without the
                break. The folder is removed at the end. Default None: a start that is killed begins again.
            known: array (N,) of whole numbers: the classes of a few examples, which guide the start, and -1 for
                all others; at most K classes. It finds the clusters that go best with them, and puts a known
                example into a cluster of its class. For data in memory. Default None: nothing is known.
            found: `Start` of the same data and seed, with clusters that were found before, as
                `start.how_many.ask` finds them: the search is left out. Default None.
            verbose: 0 is silent; else there is a line an epoch, and a bar on a terminal. Default "auto".

        Returns:
            `Start` of the soft labels and of the numbers of the examples that have them.

        Raises:
            InputError: if the data do not fit the model, or hold too few different examples for K clusters.
            TrainingDivergedError: at the first loss that is not finite.
        """
        pretraining_epochs = whole_number("pretraining_epochs", pretraining_epochs, 1)
        guided_epochs = whole_number("guided_epochs", guided_epochs, 0)
        beta, learning_rate = nats("beta", beta), rate("learning_rate", learning_rate)
        num_factors = whole_number("num_factors", num_factors, 0)
        num_views, batch_size = whole_number("num_views", num_views, 1), whole_number("batch_size", batch_size, 1)
        max_mapped, max_examples = (
            whole_number(name, value, max(2, self.num_components, *levels))
            for name, value, levels in (
                ("max_mapped", max_mapped, ()),
                ("max_examples", max_examples, style_components(self)),
            )
        )
        if max_steps is not None:
            max_steps = whole_number("max_steps", max_steps, 1)
            pretraining_epochs, guided_epochs = min(pretraining_epochs, max_steps), min(guided_epochs, max_steps)
        seed = int(np.random.default_rng().integers(2**31)) if self.seed is None else self.seed
        split, indices = as_split(self, data, max_examples, seed)
        guidance = guidance_for(split.data_shape) if guidance is None else nats("guidance", guidance)
        classes = known_examples.checked(known, split.num_examples, self.num_components)
        kept = Checkpoints(
            checkpoints,
            {
                "num_examples": split.num_examples, "data_shape": list(split.data_shape), "seed": self.seed,
                "num_components": self.num_components, "pretraining_epochs": pretraining_epochs, "beta": beta,
                "guided_epochs": guided_epochs, "guidance": guidance, "batch_size": batch_size,
                "learning_rate": learning_rate, "num_factors": num_factors, "views": _name(views),
                "num_views": num_views, "max_mapped": max_mapped, "max_examples": max_examples,
                "max_steps": max_steps, "binarize": binarize,
                "known": None if classes is None else hashlib.sha256(classes.tobytes()).hexdigest(),
                **_of_priors(self),
            },
        )  # fmt: skip
        say = terminal.say if verbose else lambda text: None
        step = functools.partial(terminal.step, shown=bool(verbose))

        epoch_of = functools.partial(
            effort.epoch, batch_size=batch_size, least_steps=LEAST_STEPS, max_steps=max_steps
        )

        def train(name, stage, examples, epochs, with_numbers=None):
            size, steps = epoch_of(examples, epochs)
            steps_done = kept.restore(stage, name)
            if steps_done:
                say(f"  Going on after epoch {steps_done // steps} of {epochs}.")
            batches = to_batches(
                examples, size, shuffle_seed=seed, num_epochs=None, drop_remainder=True, binarize=binarize,
                skip_batches=steps_done, with_numbers=with_numbers is not None,
            )  # fmt: skip
            stage.fit(
                batches if with_numbers is None else batches.map(with_numbers),
                steps_per_epoch=steps,
                initial_epoch=steps_done // steps,
                epochs=epochs,
                shuffle=False,  # the batches are shuffled
                callbacks=[*callbacks, *kept.callbacks(name), *([EpochLines()] if verbose else [])],
                verbose=0,
            )

        view = functools.partial(view_layer, views, self.data_shape, seed)
        sample, indices, classes = drawn(split, indices, max_examples, seed, classes)
        labels = _labels_before(kept, found, indices, self.num_components)
        if verbose and labels is None:
            size, steps = epoch_of(split, pretraining_epochs)
            steps = pretraining_epochs * steps + (
                guided_epochs and guided_epochs * epoch_of(sample, guided_epochs)[1]
            )
            estimated = effort.seconds(self, split.examples, size, steps, min(max_mapped, sample.num_examples))
            say(f"Start: about {effort.in_words(estimated)}.")
        if labels is None:
            say(
                f"Start 1/3: {self.num_components} cluster{'s' * (self.num_components > 1)} in "
                f"{sample.num_examples:,} examples."
            )
            labels = clusters.find(
                sample.examples, self.num_components, to_floats=self.examples,
                features=self.likelihood.features(), view=view(), num_views=num_views,
                max_mapped=max_mapped, seed=seed, say=say, step=step, classes=classes,
            )  # fmt: skip
            kept.keep_labels(labels)
        counts = np.bincount(labels.argmax(axis=1), minlength=self.num_components)
        say(f"  Examples a cluster: {', '.join(map(str, sorted(counts.tolist(), reverse=True)))}.")
        say(f"Start 2/3: {pretraining_epochs} epoch{'s' * (pretraining_epochs > 1)} as a plain VAE.")
        train("pretraining", Pretraining(self, learning_rate, beta), split, pretraining_epochs)
        with step("  Components from these clusters"):
            groups = heads.set_up(self, self._encoded(sample, binarize), labels, num_factors, seed)
        if guided_epochs:
            say(f"Start 3/3: {guided_epochs} epoch{'s' * (guided_epochs > 1)} at these clusters.")
            all_steps = guided_epochs * epoch_of(sample, guided_epochs)[1]
            falling = falling_rate(learning_rate, all_steps)
            train(
                "guided",
                GuidedTraining(self, falling, guidance, view()),
                sample,
                guided_epochs,
                rows_of(labels, *groups),
            )
        self.initialized = True
        kept.remove()
        return Start(labels, indices)

    def _encoded(self, sample, binarize):
        encode = self._encode_batch
        if not self.run_eagerly:
            encode = tf.function(encode, reduce_retracing=True, autograph=False)
        return self._over_batches(encode, to_batches(sample, 256, binarize=binarize), None)

    def _encode_batch(self, examples):
        features = self.encoder(examples, training=False)
        mean, log_var = self.x_head(features)
        return {
            "features": tf.cast(features, "float32"),
            "x_mean": tf.cast(mean, "float32"),
            "x_log_var": tf.cast(log_var, "float32"),
        }


def _of_priors(model):
    """What the record of a start says of priors that are not the paper's, which it does not name."""
    found = {} if model.component_prior.kind == "uniform" else {"component_prior": model.component_prior.kind}
    levels = [[level.num_components, level.style_dim] for level in model.style_prior.levels()]
    return {**found, "style_levels": levels} if levels else found


def _labels_before(kept, found, indices, num_components):
    """The labels that this start had found before it was killed, or that it was given, or None."""
    labels = kept.labels()
    if labels is not None or found is None:
        return labels
    if found.labels.shape != (len(indices), num_components) or not np.array_equal(found.indices, indices):
        raise InputError(
            f"`found` holds clusters of {len(found.indices)} examples, not of the {len(indices)} of these data in "
            f"{num_components} clusters: leave it out, or find them with the same data and seed."
        )
    kept.keep_labels(found.labels)
    return found.labels


def _name(views):
    return views if views is None or isinstance(views, str) else type(views).__name__
