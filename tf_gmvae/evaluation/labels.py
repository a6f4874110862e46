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
        InputError: naming the first label that is missing: None, NaN, NaT, NA or masked.
    """
    hidden = np.ma.getmaskarray(labels).ravel() if np.ma.isMaskedArray(labels) else False
    given, labels = labels, np.asarray(labels)
    missing = np.zeros(labels.size, bool)
    if labels.dtype.kind == "f":
        missing = np.isnan(labels).ravel()
    elif labels.dtype.kind in "mM":
        missing = np.isnat(labels).ravel()
    elif labels.dtype.kind in "OT":
        missing = _absent(labels)
    elif labels.dtype.kind in "US" and not isinstance(given, np.ndarray):
        missing = _absent(np.asarray(given, object))  # among texts, NumPy makes the text "nan" of NaN
    missing |= hidden
    if missing.any():
        raise InputError(
            f"The label of example {int(missing.argmax())} is missing: score those that have one, "
            "posterior[known] and labels[known]."
        )
    if labels.dtype.kind != "O":
        classes, codes = np.unique(labels, return_inverse=True)
        return classes, codes.reshape(labels.shape)
    different = dict.fromkeys(labels.flat)
    try:
        ordered = sorted(different)
    except TypeError:  # numbers and texts, say
        ordered = sorted(different, key=str)
    classes = np.empty(len(ordered), object)
    classes[:] = ordered
    number_of = {label: number for number, label in enumerate(ordered)}
    return classes, np.array([number_of[label] for label in labels.flat], "int64").reshape(labels.shape)


def _absent(labels):
    return np.array([is_absent(label) for label in labels.flat], bool)
