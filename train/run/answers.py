"""What a model says of every example, by its id: the rows of clusters.csv and clusters.parquet."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tf_gmvae import disk
from tf_gmvae.data.shards.manifest import has_shards
from tf_gmvae.data.split import Split
from tf_gmvae.errors import InputError

if TYPE_CHECKING:
    import tensorflow as tf

    from tf_gmvae import GMVAE

CSV, PARQUET = ".csv", ".parquet"
# An example is an outlier if its ELBO is further below the first quartile of the training examples than three
# times the distance of the quartiles, which Tukey (1977) calls far out.
FAR_OUT = 3.0


class Answer(NamedTuple):
    """What a model says of N examples.

    Attributes:
        log_posterior: log p(z | y), (N, K), nats.
        elbo: (N,), nats.
    """

    log_posterior: np.ndarray
    elbo: np.ndarray

    @classmethod
    def of(cls, model: GMVAE, batches: tf.data.Dataset) -> Answer:
        """The answer of a model, at the noise of its exports.

        Args:
            model: `GMVAE`.
            batches: one pass over the examples, in order.

        Returns:
            `Answer`.
        """
        found = model.examine(batches, shared_noise=True)
        return cls(found.log_posterior, found.terms.elbo)


def outlier_below(elbos: np.ndarray) -> float:
    """The ELBO below which an example is an outlier.

    Args:
        elbos: array (N,), of the training examples, nats.

    Returns:
        Float, nats.
    """
    first, third = np.quantile(elbos, [0.25, 0.75])
    return float(first - FAR_OUT * (third - first))


def rows(
    splits: Mapping[str, Split],
    answer: Callable[[Split], Answer],
    threshold: float | None,
    names: Sequence[str] | None = None,
    group_of: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """The columns of the answers.

    Args:
        splits: dict of the parts of the data by name.
        answer: function of a part to its `Answer`.
        threshold: ELBO below which an example is an outlier, nats; None where it is not known.
        names: names of the K clusters; those of one name are one. Default None.
        group_of: integer array (K,), the group of each cluster. Default None: there are none.

    Returns:
        Dict of arrays (N,): id, split, cluster (0 to K - 1), name ("" without names), probability (of the cluster,
        or of all that share its name), runner_up (the second likeliest cluster of another name, -1 if there is
        none), group and group_probability (absent without groups), elbo, outlier (absent without a threshold).
    """
    columns: dict[str, list[np.ndarray]] = {}
    for part, split in splits.items():
        log_posterior, elbo = answer(split)
        found: dict[str, Any] = {"id": ids(split), "split": np.full(split.num_examples, part)}
        found.update(choices(log_posterior, names))
        if group_of is not None:
            grouped = _summed(np.exp(log_posterior), group_of)
            found["group"] = grouped.argmax(axis=1).astype("int32")
            found["group_probability"] = grouped.max(axis=1).astype("float32")
        found["elbo"] = elbo.astype("float32")
        if threshold is not None:
            found["outlier"] = ~(elbo >= threshold)  # NaN is no likely example either
        for name, values in found.items():
            columns.setdefault(name, []).append(values)
    return {name: np.concatenate(parts) for name, parts in columns.items()}


def ids(split: Split) -> np.ndarray:
    """The ids of examples: their own, or their numbers from 0 on.

    Args:
        split: `Split`.

    Returns:
        Array (N,) of strings.
    """
    return np.arange(split.num_examples).astype(str) if split.ids is None else split.ids


def choices(log_posterior: np.ndarray, names: Sequence[str] | None) -> dict[str, np.ndarray]:
    """The cluster of every example, where clusters of one name are one.

    Args:
        log_posterior: array (N, K), nats.
        names: as in `rows`.

    Returns:
        Dict of arrays (N,): cluster, name, probability and runner_up, as in `rows`.
    """
    num_components = log_posterior.shape[1]
    called = np.arange(num_components).astype(str) if names is None else np.asarray(names)
    _, group_of = np.unique(called, return_inverse=True)
    posterior = np.exp(log_posterior)
    groups = _summed(posterior, group_of)
    cluster = log_posterior.argmax(axis=1)
    if names is not None:  # of several clusters of one name, the likeliest of the likeliest name
        of_name = group_of[None, :] == groups.argmax(axis=1)[:, None]
        cluster = np.where(of_name, log_posterior, -np.inf).argmax(axis=1)
    others = np.where(group_of[None, :] == group_of[cluster][:, None], -np.inf, log_posterior)
    runner_up = np.where(np.isfinite(others.max(axis=1)), others.argmax(axis=1), -1)
    return {
        "cluster": cluster.astype("int32"),
        "name": np.full(len(cluster), "") if names is None else called[cluster],
        "probability": groups[np.arange(len(cluster)), group_of[cluster]].astype("float32"),
        "runner_up": runner_up.astype("int32"),
    }


def _summed(posterior, group_of):
    """The posterior over groups of clusters."""
    return np.minimum(posterior @ np.eye(group_of.max() + 1)[group_of], 1)  # float32 rows may sum to 1.0000001


def check_output(path: str | Path, dataset: str | Path) -> Path:
    """Finds out, before any work, whether answers can be written to a file.

    Args:
        path: path that ends in .csv or .parquet.
        dataset: what the answers are of, a name or a path: they neither take its place nor become a part of it.

    Returns:
        `Path`.

    Raises:
        InputError: if not.
    """
    path = Path(path)
    if path.suffix.lower() not in (CSV, PARQUET):
        raise InputError(f"--output must end in {CSV} or {PARQUET}. Received: {path}.")
    folder = Path(os.path.realpath(path)).parent if path.is_symlink() else path.parent  # where a link leads to
    if path.is_dir() or not folder.is_dir():
        fault = "is a folder" if path.is_dir() else f"lies in {folder}, which is no folder"
        raise InputError(f"--output={path} {fault}: give the path of a file in a folder that exists.")
    if path.exists() and not path.is_file():  # a file that takes its place would not reach whoever reads there
        raise InputError(f"--output={path} is a pipe or a device, and no file: give the path of a file.")
    data = Path(dataset).expanduser()
    if data.is_file() and data.resolve() == path.resolve():
        raise InputError(f"--output={path} is the data set itself: give the path of another file.")
    within = data.is_dir() and data.resolve() in path.resolve().parents and not has_shards(data)
    if within and path.suffix.lower() == PARQUET:
        raise InputError(f"--output={path} would be read as a part of {data}: give a path outside that folder.")
    return path


def write(parts: Iterable[Mapping[str, np.ndarray]], *paths: Path) -> None:
    """Writes the answers so that no reader ever finds half of them.

    Args:
        parts: answers of `rows`, one after the other, at least one.
        *paths: files that end in .csv or .parquet.
    """
    import pyarrow
    from pyarrow import csv, parquet

    with contextlib.ExitStack() as files:
        partials = [(path, files.enter_context(disk.whole(path))) for path in paths]
        writers: list[Any] = []
        for columns in parts:
            table = pyarrow.table({name: pyarrow.array(values) for name, values in columns.items()})
            for path, partial in partials if not writers else ():
                if path.suffix.lower() == PARQUET:
                    writer = parquet.ParquetWriter(partial, table.schema)
                else:
                    options = csv.WriteOptions(quoting_style="needed")
                    writer = csv.CSVWriter(str(partial), table.schema, write_options=options)
                writers.append(files.enter_context(writer))
            for writer in writers:
                writer.write_table(table)
