"""What another method sees of the data: of a table its columns on one scale, as k-means does beside a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tf_gmvae.clustering.recipe import with_columns
from tf_gmvae.data.split import Dataset
from tf_gmvae.errors import InputError
from tf_gmvae.tables.columns import Columns
from tf_gmvae.tables.likelihood import ColumnsLikelihood
from train.run.method_settings import MethodSettings


def columns_of(settings: MethodSettings, dataset: Dataset) -> Columns | None:
    """The columns that a run which begins puts on one scale.

    Args:
        settings: `MethodSettings`.
        dataset: `Dataset` of the run.

    Returns:
        `Columns`, as the training part has them; None where examples are no rows: images, series, points of the
        plane.

    Raises:
        InputError: if a value of a table is missing.
    """
    if len(dataset.train.data_shape) != 1 or settings.dataset == "synthetic":
        return None
    for split in filter(None, (dataset.train, dataset.test)):
        _check_whole(split.examples, settings, dataset)
    return with_columns(dataset).columns


def seen(dataset: Dataset, columns: Columns | None) -> Dataset:
    """The data as the method sees them.

    Args:
        dataset: `Dataset`.
        columns: `Columns` of the run, or None: it sees the examples as they are.

    Returns:
        `Dataset`, of a table with its standardised features as examples, float32 (N, F'), see `ColumnFeatures`.
    """
    if columns is None:
        return dataset
    features = ColumnsLikelihood(columns).features()
    train, test = (
        None if split is None else replace(split, examples=features(split.examples).numpy(), missing=False)
        for split in (dataset.train, dataset.test)
    )
    assert train is not None
    return replace(dataset, train=train, test=test, columns=None)


def _check_whole(examples, settings, dataset):
    if not np.isnan(examples).any():
        return
    row, column = (int(number) for number in np.argwhere(np.isnan(examples))[0])
    which = column if dataset.columns is None else repr(dataset.columns.names[column])
    raise InputError(
        f"{dataset.name} has no value in column {which}, row {row}, and {settings.method} takes no missing "
        "values: fill them, or use train.main, which does."
    )
