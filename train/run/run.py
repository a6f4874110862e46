"""A run as one object: where it lies, how it was set up, its data and its model."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tf_gmvae import GMVAE, data
from tf_gmvae.data.shards.split import ShardedSplit
from tf_gmvae.errors import InputError
from tf_gmvae.start.sample import check_enough
from tf_gmvae.values import check_values
from train.run import counts, guide, samples
from train.run.choices import likelihood_of, preset_of, style_prior_of
from train.run.definitions import AUTO, OPTIMIZERS
from train.run.folder import RunFolder
from train.run.loading import check_there, load_data
from train.run.saved import columns_of, digest_of, load_model
from train.run.settings import Settings

# Examples that are scored at a time.
EVALUATION_BATCH = 256
# What can be done with data that are not those of a run.
NEW_ROWS = "ask train.predict about the new rows, or train a new run on them"


@dataclass(frozen=True, eq=False)
class Run:
    """All that training, scoring, drawing and exporting need of a run.

    Attributes:
        folder: `RunFolder`, where the run lies.
        settings: resolved `Settings`.
        dataset: `tf_gmvae.data.Dataset`.
        model: compiled `GMVAE`.
        digest: of the file of the model, see `saved.check_current`. Default None: nobody else may write the run.
    """

    folder: RunFolder
    settings: Settings
    dataset: data.Dataset
    model: GMVAE
    digest: str | None = None

    def __post_init__(self) -> None:
        counts.check(self.folder, self.dataset, NEW_ROWS)
        known = getattr(self.model.likelihood, "columns", None)
        counts.check_columns(self.folder, self.dataset, known, NEW_ROWS)

    @classmethod
    def open(cls, path: str, data_dir: str | None = None) -> Run:
        """A run that was trained.

        Args:
            path: folder of the run.
            data_dir: where the original files of its data are now, if not where the run found them; default None.

        Returns:
            `Run`.

        Raises:
            InputError: if it is no run, has no model, or its data cannot be had.
        """
        folder = RunFolder(path)
        digest = digest_of(folder)
        settings = folder.read_settings()
        settings = settings.with_data_in(data_dir) if data_dir else settings.found
        folder.read_history()  # what is damaged is found out before any work
        folder.read_how_many()
        folder.read_start()
        folder.read_start_clusters()
        check_there(path, settings, data_dir)
        dataset = load_data(settings, known=columns_of(folder))
        return cls(folder, settings, model=load_model(folder), dataset=dataset, digest=digest)

    @functools.cached_property
    def scored(self) -> data.Split:
        """What is scored: the test part, or the training part where there is no other; of shards a sample."""
        return samples.in_memory(self.dataset.scored, self.settings.seed)

    @functools.cached_property
    def fitted(self) -> data.Split:
        """What simple methods are fitted to: the training part, or of shards a sample of it."""
        return samples.in_memory(self.dataset.train, self.settings.seed)

    def batches(self, split: data.Split, batch_size: int = EVALUATION_BATCH, **options: Any) -> tf.data.Dataset:
        """Batches of a part of the data as the run sees them.

        Args:
            split: part of the data.
            batch_size: examples of a batch; default `EVALUATION_BATCH`.
            **options: of `data.to_batches`; by default one pass in order.

        Returns:
            `tf.data.Dataset`.
        """
        return data.to_batches(split, batch_size, binarize=self.settings.binarize, **options)


def resolved(settings: Settings, dataset: data.Dataset, has_start: bool = False) -> Settings:
    """The settings with preset and likelihood named, once it is sure that they go with the data.

    Args:
        settings: `Settings`.
        dataset: data of the run.
        has_start: whether the run has its start already, which is all that known examples guide. Default False.

    Returns:
        `Settings`.

    Raises:
        InputError: if settings and data do not go together.
    """
    shape = dataset.train.data_shape
    preset = preset_of(settings, dataset)
    preset.check_shape(shape)
    likelihood = likelihood_of(settings, dataset)
    for split in filter(None, (dataset.train, dataset.test)):
        values = np.array(split.extremes, split.dtype) if isinstance(split, ShardedSplit) else split.examples
        check_values(values, likelihood)
    settings = settings.resolved(preset.name, likelihood.name, dataset.train.num_examples, shape)
    if settings.hold and settings.views == "none":
        raise InputError("--hold shows images in views, unlike --views=none: add --hold=0, or leave out --views.")
    if settings.style_prior_dim is not None and settings.style_components is None:
        raise InputError("--style_prior_dim goes with --style_components: add it, or leave it out.")
    if settings.initialize:
        levels = () if settings.style_components is None else (settings.style_components,)
        check_enough(samples.in_memory(dataset.train, settings.seed), settings.num_components, levels)
    if settings.guide_table is not None:
        if settings.num_components == AUTO:
            raise InputError(
                "--guide_labels guides the search for a known number of clusters: name --num_components."
            )
        if not settings.initialize:
            raise InputError("--guide_labels guides the start, which --noinitialize leaves out: drop one of them.")
        if not has_start:  # not after minutes of work
            guide.read(settings.guide_table, dataset.train, settings.num_components)
    return settings


def build_model(settings: Settings, dataset: data.Dataset) -> GMVAE:
    """Makes the untrained, compiled model of a run.

    Args:
        settings: resolved `Settings`.
        dataset: data of the run.

    Returns:
        `GMVAE`.
    """
    assert settings.preset is not None
    model = GMVAE.from_preset(
        settings.preset,
        num_components=settings.num_components,
        num_samples=settings.num_samples,
        min_information=settings.min_information,
        component_prior=settings.component_prior,
        style_prior=style_prior_of(settings),
        hold=settings.hold,
        likelihood=likelihood_of(settings, dataset),
        data_shape=dataset.train.data_shape,
        seed=settings.seed,
        initial_weights=settings.initial_weights,
        latent_dim=settings.latent_dim,
        style_dim=settings.style_dim,
    )
    assert settings.learning_rate is not None  # resolved
    model.compile(OPTIMIZERS[settings.optimizer](settings.learning_rate))
    return model
