"""MNIST and Fashion-MNIST from their original IDX files, gzipped or not."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np

from tf_gmvae.data import sizes
from tf_gmvae.data.reading import reading
from tf_gmvae.data.split import Dataset, Split
from tf_gmvae.errors import InputError

_GZIP_MAGIC = b"\x1f\x8b"
_UINT8_CODE = 0x08
_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

CLASS_NAMES = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
}  # fmt: skip


def has_idx_files(folder: str | Path) -> bool:
    """Whether the folder holds any of the four files, so that a missing one is worth a message."""
    return any(_find(folder, name) for name in _FILES)


def load_idx(name: str, folder: str | Path) -> Dataset:
    """Loads MNIST or Fashion-MNIST from the four files of its authors.

    Args:
        name: "mnist" or "fashion_mnist": the files have the same names, so the caller has to know.
        folder: Where `train-images-idx3-ubyte` and the three others are, each with or without `.gz`, or with
            a dot before `idx` as some archives have it.

    Returns:
        A `Dataset` of `(N, 28, 28, 1)` uint8 images with labels.

    Raises:
        InputError: If a file is missing, damaged, or does not go with its partner.
    """
    paths = [_find(folder, name) for name in _FILES]
    missing = [name for name, path in zip(_FILES, paths, strict=True) if path is None]
    if missing:
        raise InputError(
            f"{folder} lacks {', '.join(missing)} (with or without .gz): put the missing files beside the others."
        )
    train, test = (_read_pair(*paths[i : i + 2]) for i in (0, 2))
    return Dataset(name, train, test, CLASS_NAMES[name])


def read_idx(path: str | Path, ndim: int) -> np.ndarray:
    """Reads one IDX file of unsigned bytes.

    The format: two zero bytes, a dtype code, the number of dimensions, each dimension as a big-endian uint32,
    then the values, the last dimension varying fastest.

    Args:
        path: The file; gzip is recognised by its content.
        ndim: The number of dimensions that the file must have.

    Returns:
        A uint8 array of `ndim` dimensions.

    Raises:
        InputError: If the file is missing, damaged, or holds something else.
    """
    path = Path(path)
    with reading(path, "an IDX file"):
        with open(path, "rb") as file:
            is_packed = file.read(2) == _GZIP_MAGIC
        with gzip.open(path) if is_packed else open(path, "rb") as file:
            header = file.read(4 + 4 * ndim)
            shape = _shape(path, header, ndim)
            expected = math.prod(shape)
            sizes.check(path, expected)
            content = file.read(expected)
            # What is beyond is not unpacked, for it may have no end.
            more = bool(file.read(1))
    if more or len(content) != expected:
        found = "longer" if more else str(len(header) + len(content))
        raise InputError(
            f"{path} must be {len(header) + expected} bytes unpacked, by its header's dimensions {shape}, but is "
            f"{found}: download it again."
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def _shape(path, header, ndim):
    if len(header) < 4 + 4 * ndim or header[:2] != b"\0\0":
        raise InputError(
            f"{path} is not an IDX file (it begins with the bytes {header[:4].hex(' ')!r}): download it again."
        )
    if header[2] != _UINT8_CODE or header[3] != ndim:
        raise InputError(
            f"{path} must hold unsigned bytes (dtype code 0x08) in {ndim} dimension(s), but has the dtype code "
            f"0x{header[2]:02x} and {header[3]} dimension(s): check that files were not mixed up, or download "
            "it again."
        )
    return tuple(int(size) for size in np.frombuffer(header, ">u4", count=ndim, offset=4))


def _find(folder, name):
    stems = (name, name.replace("-idx", ".idx"))
    candidates = (Path(folder) / f"{stem}{suffix}" for stem in stems for suffix in ("", ".gz"))
    return next((path for path in candidates if path.exists()), None)


def _read_pair(image_path, label_path):
    images, labels = read_idx(image_path, 3), read_idx(label_path, 1)
    if len(images) != len(labels):
        raise InputError(
            f"{image_path} holds {len(images)} images but {label_path} holds {len(labels)} labels: they are not "
            "of one set, so download both again."
        )
    return Split.from_arrays(images, labels)
