"""The data set of a run, of one that begins, goes on or was trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from tf_gmvae import data
from tf_gmvae.clustering.recipe import with_columns
from tf_gmvae.data.load import kind_of
from tf_gmvae.data.pictures import ImageSize
from tf_gmvae.data.shards.split import ShardedSplit
from tf_gmvae.data.table import load_table
from tf_gmvae.errors import InputError
from tf_gmvae.tables.columns import Columns
from tf_gmvae.tables.likelihood import ColumnsLikelihood
from train.run import counts
from train.run.choices import preset_of
from train.run.folder import RunFolder
from train.run.method_settings import MethodSettings
from train.run.saved import columns_of
from train.run.settings import Settings

Chosen = TypeVar("Chosen", Settings, MethodSettings)


def load_data(
    settings: Settings | MethodSettings, image_size: ImageSize = None, known: Columns | None = None
) -> data.Dataset:
    """Loads the data set of a run.

    Args:
        settings: `Settings` or `MethodSettings`.
        image_size: as in `data.load`, where the settings have none. Default None.
        known: `Columns` of a model that was trained on it: which columns are data, and of which kind, is then not
            guessed anew, since the version that trained it may have guessed otherwise. Default None.

    Returns:
        `tf_gmvae.data.Dataset`.

    Raises:
        InputError: if it cannot be had.
    """
    settings = settings.found
    options = options_of(settings)
    if options["image_size"] is None:
        options["image_size"] = image_size
    dataset = _loaded(settings, options, known)
    # The other methods take vectors as they are.
    if not isinstance(settings, Settings):
        return dataset
    by_columns = settings.likelihood in (None, ColumnsLikelihood.name)
    if by_columns and preset_of(settings, dataset).name == "table":
        return with_columns(dataset, settings.column_scale)
    if settings.column_scale != "each":
        raise InputError("--column_scale=common goes with --preset=table and --likelihood=columns: leave it out.")
    return dataset


def _loaded(settings, options, known):
    dataset = data.load(settings.dataset, settings.data_dir, **options, seed=settings.seed)
    if known is None or dataset.columns is None or dataset.columns.meanings == known.meanings:
        return dataset
    if kind_of(settings.dataset) not in ("table", "parquet"):  # shards have the columns that they were made by
        return dataset
    of_table = {name: options[name] for name in ("label_column", "id_column")}
    try:
        return load_table(Path(settings.dataset).expanduser(), **of_table, known=known)
    except InputError:  # another file: `counts.check_columns` tells what differs
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
        check_there(folder.path, settings.found, settings.data_dir)
    dataset = load_data(settings, image_size, None if began_with is None else _known_columns(settings, folder))
    size = dataset.image_size
    if began_with is not None and isinstance(dataset.train, ShardedSplit):
        size = began_with.image_size  # runs of earlier versions do not have that of their shards
    return dataset, replace(settings, image_size=size)


def _known_columns(settings, folder):
    """Those that the run that goes on was trained on: its model knows them, or stands beside them."""
    if isinstance(settings, Settings):
        return columns_of(folder)
    return counts.columns(folder) if folder.model.is_file() else None


def check_there(run: str | Path, settings: Settings | MethodSettings, data_dir: str | None) -> None:
    """Refuses data of a run that are not where they were, nor where they are said to be.

    Args:
        run: path of the run.
        settings: its settings.
        data_dir: path of the folder in which they lie now, or None.

    Raises:
        InputError: if they are not there.
    """
    if not settings.is_there:
        nor = f", nor in {data_dir}" if data_dir else ""
        raise InputError(
            f"The data of the run {run} were {settings.dataset}, which is not to be found from here{nor}: "
            f"give --data_dir= with the folder in which {Path(settings.dataset).name} lies now, or go to "
            "where the run was made."
        )
