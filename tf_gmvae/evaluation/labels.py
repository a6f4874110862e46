"""Class labels of any kind as numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tf_gmvae.checks import is_absent
from tf_gmvae.errors import InputError


def coded(labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The classes of labels, and the number of its class for each.

    Args:
        labels: array, list or tuple, of any shape: numbers, texts, bytes, bools, dates, or objects of several
            kinds. Equal ones are of one class.

    Returns:
        Pair of the classes that occur, in order, and an integer array of the shape of the labels.

    Raises:
        InputError: naming the first label that is missing (None, NaN, NaT, NA or masked), or has no hash.
    """
    hidden = np.ma.getmaskarray(labels).ravel() if np.ma.isMaskedArray(labels) else False
    labels = _array(labels)
    missing = np.zeros(labels.size, bool)
    if labels.dtype.kind == "f":
        missing = np.isnan(labels).ravel()
    elif labels.dtype.kind in "mM":
        missing = np.isnat(labels).ravel()
    elif labels.dtype.kind in "OT":
        missing = _absent(labels)
    missing |= hidden
    if missing.any():
        raise InputError(
            f"The label of example {int(missing.argmax())} is missing: score those that have one, "
            "posterior[known] and labels[known]."
        )
    if labels.dtype.kind != "O":
        classes, codes = np.unique(labels, return_inverse=True)
        return classes, codes.reshape(labels.shape)
    different = dict.fromkeys(map(_hashable, range(labels.size), labels.flat))
    try:
        ordered = sorted(different)
    except TypeError:  # numbers and texts, say
        ordered = sorted(different, key=lambda label: (str(label), type(label).__name__))
    classes = np.empty(len(ordered), object)
    classes[:] = ordered
    number_of = {label: number for number, label in enumerate(ordered)}
    return classes, np.array([number_of[label] for label in labels.flat], "int64").reshape(labels.shape)


def _array(labels: ArrayLike) -> np.ndarray:
    """Labels as an array, which is of objects where texts stand beside others: NumPy would make texts of all."""
    if hasattr(labels, "__array__"):
        return np.asarray(labels)
    objects, kinds = np.asarray(labels, object), (str, bytes, list)
    found = {next((kind for kind in kinds if isinstance(label, kind)), None) for label in objects.flat}
    return objects if len(found) > 1 or list in found else np.asarray(labels)


def _hashable(number, label):
    try:
        hash(label)
    except TypeError:
        raise InputError(
            f"The label of example {number} is a {type(label).__name__}, which may change: give numbers or texts "
            "as labels."
        ) from None
    return label


def _absent(labels):
    return np.array([is_absent(label) for label in labels.flat], bool)
