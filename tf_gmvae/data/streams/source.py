"""Data of any size in pieces that are read one by one, each as it is asked for, maybe by a process of its own."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tf_gmvae.data import described
from tf_gmvae.data.pictures import ImageSize, resize_arrays, resized
from tf_gmvae.data.reading import reading
from tf_gmvae.data.split import Dataset, Split
from tf_gmvae.sampling import drawn
from tf_gmvae.tables.columns import Columns

# Examples that are in memory at a time.
BLOCK = 1024
# Of a piece, the most examples and bytes: of few large files batches are read sooner than of many.
PIECE, PIECE_BYTES = 500_000, 2**28
# Rows by which columns are described.
DESCRIBED = 200_000


class Skipped(NamedTuple):
    """What a piece holds but could not be read, and was left out.

    Attributes:
        ids: Tuple of texts.
    """

    ids: tuple[str, ...]


class Unseen(NamedTuple):
    """What a piece of a table holds in a column that none of the rows had by which it was described.

    Attributes:
        column: Text, its name.
        num_values: Integer, values that count as missing for it.
    """

    column: str
    num_values: int


@dataclass(frozen=True)
class Piece:
    """A part of the data that is read on its own.

    Attributes:
        split: "train" or "test".
        read: Function without arguments to an iterator of `Split`, each of some examples, of `Skipped` and of
            `Unseen`; it can be pickled.
        fingerprint: Text by which other data in the same place are told apart, without reading all of them, see
            `fingerprint_of`. Default empty.
    """

    split: str
    read: Callable[[], Iterator[Split | Skipped | Unseen]]
    fingerprint: str = ""


@dataclass(frozen=True)
class Source:
    """Data as pieces.

    Attributes:
        pieces: In their order.
        class_names: The name of label 0, 1, ..., or None.
        columns: `Columns` of a table; None of other data.
        image_size: The side in pixels of the squares that images are resized to, or None.
        is_parallel: Whether processes can read pieces side by side. Default True.
    """

    pieces: tuple[Piece, ...]
    class_names: tuple[str, ...] | None = None
    columns: Columns | None = None
    image_size: int | None = None
    is_parallel: bool = True


def of_dataset(dataset: Dataset) -> Source:
    """Data that are in memory.

    Args:
        dataset: `Dataset`.

    Returns:
        Its `Source`, of one process.
    """
    columns = dataset.columns
    if columns is None and len(dataset.train.data_shape) == 1:
        columns = described.of_array(dataset.train.examples.astype("float32"), dataset.merged)
    parts = {"train": dataset.train} | ({} if dataset.test is None else {"test": dataset.test})
    pieces = [
        Piece(
            name, functools.partial(_of_split, split, begin, end, columns is not None), _hashed(split, begin, end)
        )
        for name, split in parts.items()
        for begin, end in ranges(split.num_examples, split.examples[0].nbytes)
    ]
    return Source(tuple(pieces), dataset.class_names, columns, dataset.image_size, is_parallel=False)


def of_npy(path: Path, series: bool, image_size: ImageSize = None) -> Source:
    """A .npy file that is left on the disk.

    Args:
        path: The file, which `data.load` could read if it were small.
        series: As in `data.load`.
        image_size: As in `data.load`. Default None.

    Returns:
        Its `Source`.

    Raises:
        InputError: If a side is given for what are no images.
    """
    array = _opened(path)
    first = next(_of_npy(path, 0, 1, series, False, None))
    side = resize_arrays(Dataset(str(path), first), image_size).image_size
    columns = None
    if array.ndim == 2 and not series:
        columns = described.of_array(np.asarray(array[drawn(len(array), DESCRIBED, seed=0)]))
    pieces = [
        Piece(
            "train",
            functools.partial(_of_npy, path, begin, end, series, columns is not None, side),
            f"{state_of(path)} {begin} {end}",
        )
        for begin, end in ranges(len(array), array[0].nbytes)
    ]
    return Source(tuple(pieces), columns=columns, image_size=side)


def ranges(size: int, bytes_each: int = 1) -> list[tuple[int, int]]:
    """Pieces of a number of examples, of at most `PIECE` and `PIECE_BYTES`.

    Args:
        size: Number of examples.
        bytes_each: Of an example. Default 1.

    Returns:
        List of pairs of begin and end.
    """
    piece = min(PIECE, max(1, PIECE_BYTES // bytes_each))
    return [(begin, min(begin + piece, size)) for begin in range(0, size, piece)]


def state_of(path: Path, root: Path | None = None, with_time: bool = True) -> str:
    """What tells of a file whether it has changed.

    Args:
        path: Path of the file.
        root: Folder from which on it is named. Default None: the one that it is in.
        with_time: Whether it is another file if it has been written again since. Default True.

    Returns:
        Text of name, size and time; of a file that cannot be looked at the name alone.
    """
    name = str(path.relative_to(root or path.parent))
    try:
        status = path.stat()
    except OSError:  # whoever reads it has a sentence for that
        return repr(name)
    return f"{name!r} {status.st_size}" + f" {status.st_mtime_ns}" * with_time


def fingerprint_of(texts: Iterable[str]) -> str:
    """What stands for texts, however many there are.

    Args:
        texts: What is known of data, as by `state_of`.

    Returns:
        Hexadecimal digits, the same for the same texts alone.
    """
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode() + b"\n")
    return digest.hexdigest()


def _hashed(split, begin, end):
    digest = hashlib.sha256()
    for values in (split.examples, split.labels, split.ids):
        if values is not None:
            digest.update(values[begin:end].tobytes())
    return digest.hexdigest()


def _of_split(split, begin, end, as_floats):
    for numbers in (np.arange(b, min(b + BLOCK, end)) for b in range(begin, end, BLOCK)):
        part = split.take(numbers)
        # uint8 stay what they are, for a likelihood that has a scale for them.
        as_rows = as_floats and part.dtype != np.uint8
        examples = part.examples.astype("float32") if as_rows else part.examples
        yield Split(examples, part.labels, part.ids, part.missing or as_rows)


def _opened(path):
    with reading(path, "a .npy file", "write it again with np.save, from a plain numeric array"):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if array.ndim < 2 or not array.size:
            raise ValueError(f"its shape is {array.shape}")
    return array


def _of_npy(path, begin, end, series, as_floats, side):
    array = _opened(path)
    for first in range(begin, end, BLOCK):
        rows = np.array(array[first : min(first + BLOCK, end)])
        if series and rows.ndim == 2:
            rows = rows[..., np.newaxis]
        as_rows = as_floats and rows.dtype != np.uint8
        split = Split.from_arrays(rows.astype("float32") if as_rows else rows, series=series)
        yield split if side is None else resized(split, side)
