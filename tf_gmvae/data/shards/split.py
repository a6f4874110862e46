"""Data larger than memory: a split in files, of which batches and samples are read, never all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import tensorflow as tf

from tf_gmvae.data.split import Split
from tf_gmvae.errors import InputError, in_short

# Readers hold no block in advance, since records are asked for in any order, and have no threads of their own.
_READER_OPTIONS = "readahead_buffer_size:0,max_parallelism:1"


@dataclass(frozen=True)
class ShardFile:
    """One file of records.

    Attributes:
        path: Where it lies.
        num_examples: Records in it, at least 1.
        num_bytes: Its size.
        sha256: Its check sum, in hexadecimal digits.
    """

    path: Path
    num_examples: int
    num_bytes: int
    sha256: str


class ShardedSplit(Split):
    """One split in shards: what `Split` is, without being in memory.

    `to_batches` shuffles it as a whole, and `take` reads a part. Its `examples`, `labels` and `ids` cannot be had.

    Args:
        files: The files, in their order.
        data_shape: Shape of one example.
        dtype: "uint8" or "float32".
        num_classes: One more than the largest label, or None where there are none.
        has_ids: Whether the records have ids.
        missing: Whether NaN marks a missing value.
        extremes: Smallest and largest value of all examples that is not NaN.

    Raises:
        InputError: If a file is missing, or not as long as it should be.
    """

    def __init__(
        self,
        files: tuple[ShardFile, ...],
        data_shape: tuple[int, ...],
        dtype: str,
        num_classes: int | None,
        has_ids: bool,
        missing: bool,
        extremes: tuple[float, float],
    ) -> None:
        for file in files:
            _check_length(file)
        given = {
            "files": files, "_data_shape": data_shape, "_dtype": np.dtype(dtype), "_num_classes": num_classes,
            "has_ids": has_ids, "missing": missing, "_extremes": extremes,
            "_ends": np.cumsum([file.num_examples for file in files]), "_readers": {},
        }  # fmt: skip
        self.__dict__.update(given)  # of a frozen dataclass, whose own fields are refused below

    files: tuple[ShardFile, ...]
    has_ids: bool
    _data_shape: tuple[int, ...]
    _dtype: np.dtype
    _num_classes: int | None
    _extremes: tuple[float, float]
    _ends: np.ndarray
    _readers: dict[int, Any]

    @property
    def examples(self) -> NoReturn:
        """Not in memory."""
        raise self._refusal("examples")

    @property
    def labels(self) -> NoReturn:
        """Not in memory."""
        raise self._refusal("labels")

    @property
    def ids(self) -> NoReturn:
        """Not in memory."""
        raise self._refusal("ids")

    def _refusal(self, name):
        return InputError(
            f"The {name} of {self.folder} are in shards, not in memory, but this needs them there: give a "
            "smaller part of the data, or in Python take(numbers)."
        )

    def __getstate__(self) -> dict[str, Any]:
        """Without what is open."""
        return {**self.__dict__, "_readers": {}}

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self.files[0].path.parent

    @property
    def num_examples(self) -> int:
        """Number of examples, N."""
        return int(self._ends[-1])

    @property
    def data_shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return self._data_shape

    @property
    def dtype(self) -> np.dtype:
        """Of the examples."""
        return self._dtype

    @property
    def extremes(self) -> tuple[float, float]:
        """Smallest and largest value that is not NaN."""
        return self._extremes

    @property
    def has_labels(self) -> bool:
        """Whether there are labels."""
        return self.num_classes is not None

    def check_names(self, what: str, class_names: tuple[str, ...]) -> None:
        """See `Split.check_names`; looks at the number of labels alone."""
        if self.num_classes is not None and self.num_classes > len(class_names):
            raise InputError(
                f"{what} must have a name each: make the shards again. Received: {self.num_classes} labels, "
                f"{len(class_names)} names."
            )

    @property
    def num_classes(self) -> int | None:
        """One more than the largest label, or None without labels."""
        return self._num_classes

    def take(self, numbers: np.ndarray) -> Split:
        """Reads some of the examples, with what is known of them.

        Args:
            numbers: `(N',)` integers, negative ones from the end; or `(N,)` bools.

        Returns:
            The `Split` of `N'`, in memory.

        Raises:
            IndexError: If there is no such example.
        """
        numbers = self._rows(np.asarray(numbers))
        examples, labels, ids = [], [], []
        for part in np.array_split(numbers, max(1, len(numbers) // 4096)):
            found = self.parsed(tf.constant(self.records(part)), with_all=True)
            examples.append(found["x"].numpy())
            if "label" in found:
                labels.append(found["label"].numpy())
            if "id" in found:
                ids.append(np.array([name.decode("utf-8", "replace") for name in found["id"].numpy()], dtype=str))
        return Split(
            np.concatenate(examples),
            np.concatenate(labels) if labels else None,
            np.concatenate(ids) if ids else None,
            self.missing,
        )

    def _rows(self, numbers):
        """Numbers from 0 on, of what NumPy takes as an index of N examples."""
        count = self.num_examples
        if numbers.dtype == bool and numbers.shape == (count,):
            return np.flatnonzero(numbers)
        is_known = numbers.dtype.kind in "iu" and numbers.ndim == 1
        if not is_known or (len(numbers) and not -count <= numbers.min() <= numbers.max() < count):
            raise IndexError(
                f"Examples must be named by integers from {-count} to {count - 1}, or {count} bools. Received: "
                f"{numbers!r}."
            )
        return np.where(numbers < 0, numbers + count, numbers)

    def records(self, numbers: np.ndarray) -> np.ndarray:
        """Reads records.

        Args:
            numbers: `(B,)` integers.

        Returns:
            `(B,)` bytes objects, in this order.

        Raises:
            InputError: If a file cannot be read.
        """
        ends = self._ends
        shards = np.searchsorted(ends, numbers, side="right")
        found = np.empty(len(numbers), object)
        for shard in np.unique(shards):
            here = np.flatnonzero(shards == shard)
            begin = ends[shard] - self.files[shard].num_examples
            try:
                found[here] = self._reader(int(shard)).read((numbers[here] - begin).tolist())
            except (OSError, RuntimeError, ValueError, IndexError) as error:
                _damaged(self.files[shard].path, error)
        return found

    def parsed(self, records: tf.Tensor, with_all: bool = False) -> dict[str, tf.Tensor]:
        """What is in records; also within a graph.

        Args:
            records: String tensor `(B,)`.
            with_all: Whether to return labels and ids as well, where there are any. Default False.

        Returns:
            Dict of "x", `(B, ...)` of the dtype of the split, and maybe "label", int64 `(B,)`, and "id", strings.
        """
        features = {"x": tf.io.FixedLenFeature((), tf.string)}
        if with_all and self.num_classes is not None:
            features["label"] = tf.io.FixedLenFeature((), tf.int64)
        if with_all and self.has_ids:
            features["id"] = tf.io.FixedLenFeature((), tf.string)
        found = tf.io.parse_example(records, features)
        values = tf.io.decode_raw(found["x"], tf.as_dtype(self.dtype))
        return {**found, "x": tf.reshape(values, (-1, *self.data_shape))}

    def _reader(self, shard):
        readers = self._readers
        if shard not in readers:
            readers[shard] = record_module().ArrayRecordReader(
                str(self.files[shard].path), options=_READER_OPTIONS
            )
            if readers[shard].num_records() != self.files[shard].num_examples:
                _damaged(self.files[shard].path, f"it has {readers[shard].num_records():,} records")
        return readers[shard]


def record_module() -> Any:
    """The module that reads and writes ArrayRecord files.

    Raises:
        InputError: if there is none for this system.
    """
    try:
        from array_record.python import array_record_module
    except ImportError:
        raise InputError("Shards need the package array_record: pip install array_record.") from None
    return array_record_module


def _check_length(file):
    try:
        found = file.path.stat().st_size
    except OSError as error:
        raise InputError(f"{file.path} is missing ({error.strerror}): copy or make the shards again.") from None
    if found != file.num_bytes:
        raise InputError(
            f"{file.path} has {found:,} bytes in place of {file.num_bytes:,}: it is cut short or another file. "
            "Copy or make the shards again."
        )


def _damaged(path: Path, error: object) -> NoReturn:
    reason = in_short(error)
    raise InputError(f"{path} is damaged ({reason}): copy or make the shards again.") from None
