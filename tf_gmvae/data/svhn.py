"""SVHN's cropped digits from their original .mat files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tf_gmvae.data import sizes
from tf_gmvae.data.reading import reading
from tf_gmvae.data.split import Dataset, Split
from tf_gmvae.errors import InputError

_TRAIN, _EXTRA, _TEST = "train_32x32.mat", "extra_32x32.mat", "test_32x32.mat"
_IMAGE_SHAPE = (32, 32, 3)
_CHUNK = 4096

CLASS_NAMES = tuple("0123456789")


def has_svhn_files(folder: str | Path) -> bool:
    """Whether the folder holds any of the three files, so that a missing one is worth a message."""
    return any((Path(folder) / name).exists() for name in (_TRAIN, _EXTRA, _TEST))


def load_svhn(folder: str | Path) -> Dataset:
    """Loads SVHN from the files of its authors.

    Args:
        folder: Where `train_32x32.mat` and `test_32x32.mat` are. If `extra_32x32.mat` is there too, its
            images follow the training images.

    Returns:
        A `Dataset` of `(N, 32, 32, 3)` uint8 images with labels, where the file's label 10 is the digit 0.

    Raises:
        InputError: If a file is missing, damaged, or holds something else.
    """
    folder = Path(folder)
    missing = [name for name in (_TRAIN, _TEST) if not (folder / name).exists()]
    if missing:
        raise InputError(f"{folder} lacks {', '.join(missing)}: put the missing file(s) beside the others.")
    train_files = [folder / name for name in (_TRAIN, _EXTRA) if (folder / name).exists()]
    return Dataset("svhn", _read_files(train_files), _read_files([folder / _TEST]), CLASS_NAMES)


def _read_files(paths):
    counts = [_count_images(path) for path in paths]
    # Beside the one array that stays there is one file's own.
    for path, count in zip(paths, counts, strict=True):
        sizes.check(path, (sum(counts) + count) * int(np.prod(_IMAGE_SHAPE)))
    # Train and extra together are 1.9 GB: they go straight into the one array that stays, so that beside it
    # there is never more than one file's own array.
    images = np.empty((sum(counts), *_IMAGE_SHAPE), np.uint8)
    labels = np.empty(sum(counts), np.int64)
    start = 0
    for path, count in zip(paths, counts, strict=True):
        _fill(path, images[start : start + count], labels[start : start + count])
        start += count
    return Split(images, labels)


def _count_images(path):
    from scipy.io import whosmat
    from scipy.io.matlab import MatReadError

    with reading(path, "a MAT file of SVHN"):
        try:
            shapes = {key: (shape, dtype) for key, shape, dtype in whosmat(path)}
        except MatReadError as error:
            raise ValueError(*error.args) from None
    if not {"X", "y"} <= shapes.keys():
        raise InputError(
            f"{path} must hold the arrays X and y, but holds {', '.join(sorted(shapes)) or 'nothing'}: it "
            "is cut short or another file, so download the file of cropped digits (format 2) again."
        )
    sizes.check(path, 8 * int(np.prod(shapes["y"][0], dtype="float64")))
    shape, dtype = shapes["X"]
    if len(shape) != 4 or shape[:3] != _IMAGE_SHAPE or dtype != "uint8" or shape[3] == 0:
        raise InputError(
            f"{path} must hold X as uint8 of shape (32, 32, 3, N), but holds {dtype} of shape {shape}: download "
            "the file of cropped digits (format 2) again."
        )
    return shape[3]


def _fill(path, images, labels):
    from scipy.io import loadmat

    with reading(path, "a MAT file of SVHN"):
        arrays = loadmat(path, variable_names=["X", "y"])
    digits = arrays["y"].ravel()
    if len(digits) != len(labels):
        raise InputError(f"{path} holds {len(labels)} images but {len(digits)} labels: download it again.")
    outside = (digits < 1) | (digits > 10)
    if outside.any():
        raise InputError(
            f"{path} must have labels from 1 to 10, but has {digits[outside][0]} for image "
            f"{int(outside.argmax())}: download it again."
        )
    labels[:] = digits % 10
    for start in range(0, len(images), _CHUNK):
        images[start : start + _CHUNK] = arrays["X"][..., start : start + _CHUNK].transpose(3, 0, 1, 2)
