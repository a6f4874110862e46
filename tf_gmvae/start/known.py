"""The few examples whose class is known, and what they tell a start. NumPy arrays throughout."""

from __future__ import annotations

import warnings

import numpy as np

from tf_gmvae.errors import InputError

# The class of an example of which nothing is known.
UNKNOWN = -1


def checked(known: object, num_examples: int, num_components: int) -> np.ndarray | None:
    """The classes of examples as an array.

    Args:
        known: array (N,) of whole numbers, -1 where nothing is known; or None.
        num_examples: integer N.
        num_components: K.

    Returns:
        Int64 array (N,): -1, or a number from 0 to C - 1; None of None.

    Raises:
        InputError: if it is something else, knows nothing, or has more classes than there are components.
    """
    if known is None:
        return None
    array = np.asarray(known)
    if array.shape != (num_examples,) or array.dtype.kind not in "iu":
        raise InputError(
            f"`known` must be {num_examples} whole numbers, one an example: its class, or -1. Received: an array "
            f"of shape {array.shape} and type {array.dtype}."
        )
    classes = np.unique(array[array >= 0])
    if not len(classes):
        raise InputError("`known` is -1 everywhere: give the class of some examples, or leave it out.")
    if len(classes) > num_components:
        raise InputError(
            f"`known` has {len(classes)} classes, but there are {num_components} components: use more components."
        )
    return np.where(array >= 0, np.searchsorted(classes, array), UNKNOWN)


def first(order: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Numbers of examples with those of the known ones first.

    Args:
        order: integer array (N,), numbers from 0 to N - 1.
        known: integer array (N,), classes, -1 where unknown.

    Returns:
        Integer array (N,), otherwise in the order they had.
    """
    return order[np.argsort(known[order] < 0, kind="stable")]


def of_parts(parts: np.ndarray, known: np.ndarray, num_parts: int) -> np.ndarray:
    """The class that most of the known examples of a part have.

    Args:
        parts: integer array (N,), the part of each example.
        known: integer array (N,), classes, -1 where unknown.
        num_parts: integer, how many parts there are.

    Returns:
        Integer array (parts,): -1 of a part without a known example.
    """
    counts = _counts(parts, known, num_parts)
    return np.where(counts.any(axis=1), counts.argmax(axis=1), UNKNOWN)


def right(clusters: np.ndarray, known: np.ndarray, num_components: int) -> np.ndarray:
    """Which of the known examples are in a cluster of their class.

    Args:
        clusters: integer array (N,).
        known: integer array (N,), classes, -1 where unknown.
        num_components: K.

    Returns:
        Array of bools, one for each known example: whether its class is the most frequent one among the known
        examples of its cluster.
    """
    is_known = known >= 0
    return of_parts(clusters, known, num_components)[clusters[is_known]] == known[is_known]


def discriminated(points: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The classes of all examples as linear discriminants of the known ones tell them.

    Args:
        points: array (N, F).
        known: integer array (N,), classes from 0 to C - 1, each of two examples or more, -1 where unknown.

    Returns:
        Array (N, C), posterior of the classes, and an array of bools, one for each known example: whether its
        class is told right when it is not among the known ones itself.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.model_selection import LeaveOneOut, cross_val_predict

    is_known = known >= 0
    values, classes = points[is_known].astype("float64"), known[is_known]
    # Of few examples the covariances are drawn towards their mean (Ledoit and Wolf 2004).
    discriminants = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    with warnings.catch_warnings():
        # Of two examples of a class one is left: its covariance is none, and that of all classes is their mean.
        warnings.filterwarnings("ignore", message="Only one sample available")
        told = cross_val_predict(discriminants, values, classes, cv=LeaveOneOut()) == classes
    return discriminants.fit(values, classes).predict_proba(points), told


def settled(labels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Soft labels in which the known examples are in a cluster of their class, if there is one.

    Args:
        labels: array (N, K), soft labels.
        known: integer array (N,), classes, -1 where unknown.

    Returns:
        Array (N, K): a known example is certain of that cluster of its class which it is likeliest in.
    """
    class_of = of_parts(labels.argmax(axis=1), known, labels.shape[1])
    rows = np.flatnonzero((known >= 0) & np.isin(known, class_of))
    of_its_class = np.where(class_of == known[rows, None], labels[rows], -1.0)
    labels = labels.copy()
    labels[rows] = np.eye(labels.shape[1], dtype=labels.dtype)[of_its_class.argmax(axis=1)]
    return labels


def _counts(parts, known, num_parts):
    counts = np.zeros((num_parts, known.max() + 1), "int64")
    is_known = known >= 0
    np.add.at(counts, (parts[is_known], known[is_known]), 1)
    return counts
