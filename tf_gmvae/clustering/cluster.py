"""Clusters of data in one call."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tf_gmvae.checks import whole_number
from tf_gmvae.clustering import answers
from tf_gmvae.clustering.recipe import Recipe, with_columns
from tf_gmvae.data import described
from tf_gmvae.data.frames import is_frame
from tf_gmvae.data.load import load
from tf_gmvae.data.pictures import told_of_large
from tf_gmvae.data.split import Dataset, Split
from tf_gmvae.errors import InputError
from tf_gmvae.inputs import readable
from tf_gmvae.model.gmvae import GMVAE
from tf_gmvae.start import how_many
from tf_gmvae.start.how_many import HowMany
from tf_gmvae.tables.describing import check_no_kinds
from tf_gmvae.tables.precision import merged_of_array

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Clustering:
    """What was found.

    Attributes:
        clusters: int64 array (N,), the cluster of each example, 0 to K - 1.
        probabilities: float32 array (N, K), p(z | y): how sure it is; rows sum to one.
        model: trained `GMVAE`, for everything else: `predict` of new data, `embed`, `generate`, `score`, `save`.
        how_many: `HowMany`, how the number of clusters was chosen, and how sure it is; None where it was given.

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(20, 4))
        >>> model = tf_gmvae.GMVAE.for_table(rows, num_components=2, seed=0)
        >>> posterior = model.predict(rows, verbose=0)
        >>> found = tf_gmvae.Clustering(posterior.argmax(axis=1), posterior, model)  # as `cluster` makes it
        >>> found.model.embed(rows).x.shape
        (20, 4)
    """

    clusters: np.ndarray
    probabilities: np.ndarray
    model: GMVAE
    how_many: HowMany | None = None


def cluster(
    data: Any,
    *,
    num_components: int | str = 10,
    seed: int = 0,
    kinds: Mapping[str, str] | None = None,
    column_scale: str = "each",
    known: np.ndarray | None = None,
    verbose: int | str = 0,
) -> Clustering:
    """Finds clusters in data; half a minute for a table of some hundred rows, minutes for thousands of images.

    Tables of thousands of columns take minutes, too, and images in arrays of more than 96 pixels a side hours, of
    which a warning tells; those of files are resized, as `train.main` does it. Tables and images come to the
    clusters of `python -m train.main --dataset=... --num_components=...`, by the networks that fit their shape.
    Training holds on to the clusters of the start; where networks have learned these only in part, as of images of
    more than 784 values, it goes on learning them.

    Args:
        data: DataFrame of pandas or polars, or `pyarrow.Table`, whose columns may be numbers, counts, yes/no or
            categories, with missing values; array (N, F), NaN where a value is missing; images (N, H, W) or
            (N, H, W, C), uint8 or floats in [0, 1]; path of a file or name that `data.load` takes; or a
            `data.Split`, as of series (N, T, C), or what `data.load` returns, of which the training part is taken.
        num_components: K, clusters to find; "auto" chooses as many as are found again in samples of the data, see
            `start.how_many`. Default 10.
        seed: integer from 0 on; the same seed gives the same clusters. Default 0.
        kinds: dict of "real", "count", "yes_no" or "category" by the name of a DataFrame's column, where a guess
            would be wrong. Default None.
        column_scale: "each", every column of numbers is divided by its own deviation; "common", all by one, as
            the dimensions of an embedding must be, whose proportions mean something. Default "each".
        known: array (N,) of whole numbers: the classes of a few examples, which guide the search, and -1 for all
            others; at most K classes. Default None: nothing is known.
        verbose: 0 is silent, 1 and 2 show progress as `fit` of Keras does. Default 0.

    Returns:
        `Clustering`.

    Raises:
        InputError: if the data cannot be read, or hold too few different examples for K clusters.

    Example:
        >>> from sklearn.datasets import load_wine
        >>> wines = load_wine(as_frame=True).data
        >>> found = tf_gmvae.cluster(wines, num_components=3)
        >>> found.clusters.shape, found.probabilities.shape
        ((178,), (178, 3))
    """
    number = how_many.checked("num_components", num_components)
    dataset = with_columns(as_dataset(data, kinds), column_scale)
    fitted = Recipe(number, whole_number("seed", seed, 0), verbose=verbose).fitted(dataset, known)
    posterior = answers.posterior(fitted.model, dataset.train.examples)
    return Clustering(posterior.argmax(axis=1), posterior, *fitted)


def as_dataset(data: Any, kinds: Mapping[str, str] | None = None) -> Dataset:
    """Data in whatever form as a data set.

    Args:
        data: as in `cluster`.
        kinds: as in `cluster`. Default None.

    Returns:
        `tf_gmvae.data.Dataset`, with `columns` where `data` is a table that names them.

    Raises:
        InputError: if they cannot be read.
    """
    if isinstance(data, str | Path):
        return load(str(data), kinds=kinds, image_size="auto")
    if is_frame(data):
        return frame_dataset(data, kinds)
    check_no_kinds(kinds)
    if isinstance(data, Dataset):
        return data
    if isinstance(data, Split):
        return Dataset("data", data)
    array = readable(data)
    if not isinstance(array, np.ndarray):
        raise InputError(
            f"cluster takes a table, an array, or the path of a file. Received: {type(data).__name__}. "
            "Streams are for GMVAE.initialize and fit."
        )
    if array.ndim == 1 and hasattr(data, "to_frame"):
        raise InputError("A column alone is no table: pass its .to_frame().")
    return array_dataset("data", array)


def frame_dataset(frame: Any, kinds: Mapping[str, str] | None = None) -> Dataset:
    """A table in memory as a data set; columns that tell nothing are left out, with a warning.

    Args:
        frame: DataFrame of pandas or polars, or `pyarrow.Table`.
        kinds: as in `cluster`. Default None.

    Returns:
        `tf_gmvae.data.Dataset`.

    Raises:
        InputError: if it has fewer than two rows, or no column to find clusters in.
    """
    if len(frame) < 2:
        raise InputError(
            f"The table has {len(frame)} row{'s' * (len(frame) != 1)}: give one with a row for each example."
        )
    columns, table = described.of_frame(frame, kinds)
    return Dataset("table", Split(columns.numbers(table), missing=True), columns=columns)


def array_dataset(name: str, array: np.ndarray) -> Dataset:
    """An array of examples as a data set.

    Args:
        name: text, what it is called.
        array: as `array_split` takes it, of the type that it was given in.

    Returns:
        `tf_gmvae.data.Dataset`.

    Raises:
        InputError: as `array_split`.
    """
    split = array_split(array)
    if told := told_of_large(split.examples):
        log.warning("%s.", told)
    return Dataset(name, split, merged=merged_of_array(array) if array.ndim == 2 else "")


def array_split(array: np.ndarray) -> Split:
    """An array of examples as a split: vectors as float32 in which NaN is a missing value, images with channels.

    Args:
        array: array (N, F), (N, H, W) or (N, H, W, C).

    Returns:
        `Split`.

    Raises:
        InputError: if a value is infinite, or too large for float32.
    """
    if array.ndim != 2:
        return Split.from_arrays(array)
    with np.errstate(over="ignore"):  # what overflows is then named
        return Split(np.ascontiguousarray(array, "float32"), missing=True)
