"""A run as one object: where it lies, how it was set up, its data and its model."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from tf_gmvae import GMVAE, data
from tf_gmvae.clustering.recipe import with_columns
from tf_gmvae.data.pictures import ImageSize
from tf_gmvae.data.shards.split import ShardedSplit
from tf_gmvae.errors import InputError
from tf_gmvae.start.sample import check_enough
from tf_gmvae.tables.likelihood import ColumnsLikelihood
from tf_gmvae.values import check_values
from train.run import counts, guide, samples
from train.run.choices import likelihood_of, preset_of, style_prior_of
from train.run.definitions import AUTO, OPTIMIZERS
from train.run.folder import RunFolder
from train.run.method_settings import MethodSettings
from train.run.saved import digest_of, load_model
from train.run.settings import Settings

Chosen = TypeVar("Chosen", Settings, MethodSettings)
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
        known, found = getattr(self.model.likelihood, "columns", None), self.dataset.columns
        if known is not None and found is not None and known.meanings != found.meanings:
            differs = set(known.meanings) ^ set(found.meanings)
            raise InputError(
                f"{self.dataset.name} is not what the run in {self.folder.path} was trained on: its column "
                f"{min(differs)[0]!r} holds something else. Put the file back, {NEW_ROWS}."
            )

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
        _check_there(path, settings, data_dir)
        return cls(folder, settings, model=load_model(folder), dataset=load_data(settings), digest=digest)

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


def load_data(settings: Settings | MethodSettings, image_size: ImageSize = None) -> data.Dataset:
    """Loads the data set of a run.

    Args:
        settings: `Settings` or `MethodSettings`.
        image_size: as in `data.load`, where the settings have none. Default None.

    Returns:
        `tf_gmvae.data.Dataset`.

    Raises:
        InputError: if it cannot be had.
    """
    settings = settings.found
    options = options_of(settings)
    if options["image_size"] is None:
        options["image_size"] = image_size
    dataset = data.load(settings.dataset, settings.data_dir, **options, seed=settings.seed)
    # The other methods take vectors as they are.
    if not isinstance(settings, Settings):
        return dataset
    by_columns = settings.likelihood in (None, ColumnsLikelihood.name)
    if by_columns and preset_of(settings, dataset).name == "table":
        return with_columns(dataset, settings.column_scale)
    if settings.column_scale != "each":
        raise InputError("--column_scale=common goes with --preset=table and --likelihood=columns: leave it out.")
    return dataset


def check_in_memory(dataset: data.Dataset, command: str) -> None:
    """Refuses shards, where a command needs all examples at once.

    Args:
        dataset: `tf_gmvae.data.Dataset`.
        command: text, its name for the message.

    Raises:
        InputError: if the data are in shards.
    """
    if isinstance(dataset.train, ShardedSplit):
        raise InputError(
            f"{command} takes no shards: give --dataset= the data they were made of, or use train.main."
        )


def options_of(settings: Any) -> dict[str, Any]:
    """The options of `data.load` among settings or flags.

    Args:
        settings: `Settings`, `MethodSettings` or the flags of `definitions.define_data`.

    Raises:
        InputError: if one is not written as it should be.
    """
    return {
        "image_size": settings.image_size, "channels": settings.channels, "columns": _names(settings.columns),
        "label_column": settings.label_column, "id_column": settings.id_column, "kinds": _kinds(settings.kinds),
        "skip_broken": settings.skip_broken, "series": settings.series,
    }  # fmt: skip


def _names(listed):
    return None if listed is None else [name.strip() for name in listed.split(",") if name.strip()]


def _kinds(listed):
    pairs = [pair.rpartition(":") for pair in _names(listed) or ()]
    for name, colon, kind in pairs:
        if not (name and colon and kind):
            raise InputError(f"--kinds is written as age:real,region:category. Received: {listed!r}.")
    return {name: kind for name, _, kind in pairs} or None


def data_to_train_on(settings: Chosen, folder: RunFolder, resume: bool = False) -> tuple[data.Dataset, Chosen]:
    """Loads the data set of a run that begins or goes on.

    Args:
        settings: `Settings` or `MethodSettings`.
        folder: `RunFolder`.
        resume: whether the run that is there goes on; its images keep their size. Default False.

    Returns:
        `tf_gmvae.data.Dataset`, and the settings with the size of its images, if they were resized.

    Raises:
        InputError: if the data cannot be had, or the run began with other settings.
    """
    image_size: ImageSize = "auto"
    began_with = type(settings).read(folder.flags) if resume and folder.flags.is_file() else None
    if began_with is not None:
        image_size = began_with.image_size
        if isinstance(settings, Settings) and isinstance(began_with, Settings):
            settings = settings.with_choices_of(began_with)
        settings.check_same(began_with, but=settings.LEFT_OPEN)  # before hours of reading
        _check_there(folder.path, settings.found, settings.data_dir)
    dataset = load_data(settings, image_size)
    size = dataset.image_size
    if began_with is not None and isinstance(dataset.train, ShardedSplit):
        size = began_with.image_size  # runs of earlier versions do not have that of their shards
    return dataset, replace(settings, image_size=size)


def _check_there(run, settings, data_dir):
    if not settings.is_there:
        nor = f", nor in {data_dir}" if data_dir else ""
        raise InputError(
            f"The data of the run {run} were {settings.dataset}, which is not to be found from here{nor}: "
            f"give --data_dir= with the folder in which {Path(settings.dataset).name} lies now, or go to "
            "where the run was made."
        )


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
