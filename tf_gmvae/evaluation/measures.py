"""Scores of a clustering, on NumPy arrays (section "Evaluation" of the paper, Table 1).

A posterior is an array (N, K), p(z | y) of every example; labels are an array (N,) of class labels of any
kind. Labels serve scoring alone. No score depends on the order of the examples.
"""

import numpy as np
from numpy.typing import ArrayLike

from tf_gmvae.errors import InputError
from tf_gmvae.evaluation.labels import coded

# What `table1_accuracy` does, as runs record it beside their scores.
TABLE1_PROTOCOL = "most certain by log-odds; among equals the most frequent label"


def table1_accuracy(posterior: ArrayLike, labels: ArrayLike, log_posterior: ArrayLike | None = None) -> float:
    """Accuracy by the protocol of Table 1 (after Makhzani et al. 2015).

    Each cluster gives the label of its most certain example, the one with the highest p(z_k | y) of all
    examples, to every example assigned (argmax) to it. A cluster with none assigned contributes nothing.

    In floating point p(z_k | y) is exactly 1 for many examples, so the most certain is found by `log_odds`. Where
    several examples are still equal, as all members of a k-means cluster are, the most frequent of their labels
    counts, and of labels equally frequent the smallest.

    Args:
        posterior: array (N, K).
        labels: array (N,).
        log_posterior: array (N, K), log p(z | y), which tells apart what the posterior rounds to 1; None takes
            the logarithm of the posterior.

    Returns:
        Share of examples that get their own label, in [0, 1].

    Raises:
        InputError: if the arrays do not fit each other, hold NaN, or the posterior holds negative numbers.
    """
    posterior, classes, codes = _checked(posterior, labels)
    certainty = log_odds(posterior, log_posterior)
    most_certain = certainty == certainty.max(axis=0)
    # Of equal counts argmax takes the first, and the classes are in order.
    given = [np.bincount(codes[chosen], minlength=len(classes)).argmax() for chosen in most_certain.T]
    return float(np.mean(np.take(given, posterior.argmax(axis=1)) == codes))


def log_odds(posterior: ArrayLike, log_posterior: ArrayLike | None = None) -> np.ndarray:
    """How certain every example is of every cluster, log p(z_k | y) - log(1 - p(z_k | y)).

    It orders the examples as p(z_k | y) does, and still tells them apart where that has been rounded to 1: the
    second logarithm is that of the sum of the other columns.

    Args:
        posterior: array (N, K).
        log_posterior: array (N, K), log p(z | y); None takes the logarithm of the posterior.

    Returns:
        float64 array (N, K), nats; infinite where all but one column are 0.

    Raises:
        InputError: if the arrays do not fit each other, hold NaN, or the posterior holds negative numbers.
    """
    posterior = checked_posterior(posterior)
    if log_posterior is None:
        with np.errstate(divide="ignore"):  # the logarithm of 0 is meant to be -inf
            log_posterior = np.log(posterior.astype("float64"))
    log_posterior = _checked_log_posterior(log_posterior, posterior.shape)
    # All columns before k and all after it, so that the sum of the others takes no difference of near equals.
    none = np.full((len(posterior), 1), -np.inf)
    before = np.logaddexp.accumulate(np.hstack([none, log_posterior[:, :-1]]), axis=1)
    after = np.logaddexp.accumulate(np.hstack([none, log_posterior[:, :0:-1]]), axis=1)[:, ::-1]
    with np.errstate(invalid="ignore"):
        odds = log_posterior - np.logaddexp(before, after)
    return np.where(np.isnan(odds), -np.inf, odds)  # a row of zeros is certain of nothing


def majority_accuracy(posterior: ArrayLike, labels: ArrayLike) -> float:
    """Accuracy when each cluster stands for the most frequent label among its examples.

    Args:
        posterior: array (N, K).
        labels: array (N,).

    Returns:
        Share in [0, 1]. It grows with K and reaches 1 at one cluster an example.

    Raises:
        InputError: if the arrays do not fit each other, hold NaN, or the posterior holds negative numbers.
    """
    _, counts = contingency(posterior, labels)
    return float(counts.max(axis=1).sum() / counts.sum())


def hungarian_accuracy(posterior: ArrayLike, labels: ArrayLike) -> float | None:
    """Accuracy under the best one-to-one match of clusters and classes.

    Args:
        posterior: array (N, K).
        labels: array (N,).

    Returns:
        Share in [0, 1], or None where K differs from the number of classes and no such match exists.

    Raises:
        InputError: if the arrays do not fit each other, hold NaN, or the posterior holds negative numbers.
    """
    from scipy.optimize import linear_sum_assignment

    _, counts = contingency(posterior, labels)
    if counts.shape[0] != counts.shape[1]:
        return None
    matched = counts[linear_sum_assignment(counts, maximize=True)]
    return float(matched.sum() / counts.sum())


def components_in_use(posterior: ArrayLike) -> int:
    """Number of components that are the most probable one for at least one example.

    Args:
        posterior: array (N, K).

    Returns:
        Integer from 1 to K.

    Raises:
        InputError: if the posterior is not a matrix of finite numbers >= 0.
    """
    return len(np.unique(checked_posterior(posterior).argmax(axis=1)))


def contingency(posterior: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Examples by cluster and class.

    Args:
        posterior: array (N, K).
        labels: array (N,).

    Returns:
        Pair of the classes that occur, in order, and the counts, an integer array (K, classes).

    Raises:
        InputError: if the arrays do not fit each other, hold NaN, or the posterior holds negative numbers.
    """
    posterior, classes, codes = _checked(posterior, labels)
    counts = np.zeros((posterior.shape[1], len(classes)), dtype=np.int64)
    np.add.at(counts, (posterior.argmax(axis=1), codes), 1)
    return classes, counts


def scores(
    posterior: ArrayLike, labels: ArrayLike | None = None, log_posterior: ArrayLike | None = None
) -> dict[str, float | None]:
    """All scores of a clustering.

    Args:
        posterior: array (N, K).
        labels: array (N,), or None where there are none.
        log_posterior: array (N, K), log p(z | y), for `table1_accuracy`. Default None.

    Returns:
        Dict with accuracy_table1, accuracy_majority, accuracy_hungarian (None where K differs from the
        number of classes), nmi, ari (all None without labels) and components_in_use.

    Raises:
        InputError: if the arrays do not fit each other, hold NaN, or the posterior holds negative numbers.

    Example:
        >>> found = tf_gmvae.evaluation.scores(np.eye(2)[[0, 0, 1, 1]], labels=[0, 0, 1, 0])
        >>> found["accuracy_hungarian"], found["components_in_use"]
        (0.75, 2)
    """
    result = dict.fromkeys(("accuracy_table1", "accuracy_majority", "accuracy_hungarian", "nmi", "ari"))
    if labels is not None:
        from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

        posterior, _, labels = _checked(posterior, labels)
        clusters = posterior.argmax(axis=1)
        result = {
            "accuracy_table1": table1_accuracy(posterior, labels, log_posterior),
            "accuracy_majority": majority_accuracy(posterior, labels),
            "accuracy_hungarian": hungarian_accuracy(posterior, labels),
            "nmi": float(normalized_mutual_info_score(labels, clusters)),
            "ari": float(adjusted_rand_score(labels, clusters)),
        }
    return {**result, "components_in_use": components_in_use(posterior)}


def checked_posterior(posterior: ArrayLike) -> np.ndarray:
    """A posterior as an array.

    Args:
        posterior: array (N, K).

    Returns:
        Array (N, K).

    Raises:
        InputError: if it is not a matrix of finite numbers >= 0, N and K at least 1.
    """
    posterior = np.asarray(posterior)
    if posterior.ndim != 2 or posterior.size == 0:
        raise InputError(f"A posterior must be an array (N, K) with N, K >= 1. Received: shape {posterior.shape}")
    if posterior.dtype.kind not in "fiu":
        raise InputError(f"A posterior must hold numbers. Received: an array of dtype {posterior.dtype}")
    if not np.isfinite(posterior).all():
        first = int(np.argwhere(~np.isfinite(posterior))[0, 0])
        raise InputError(
            f"The posterior of example {first} is not finite: the model has diverged, train it again."
        )
    if posterior.min() < 0:
        first = int(np.argwhere(posterior < 0)[0, 0])
        raise InputError(
            f"The posterior of example {first} has a negative number, and probabilities have none: if these "
            "are logarithms, give np.exp of them as the posterior, and themselves as log_posterior."
        )
    return posterior


def _checked_log_posterior(log_posterior: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    log_posterior = np.asarray(log_posterior)
    if log_posterior.shape != shape or log_posterior.dtype.kind not in "fiu":
        raise InputError(
            f"log_posterior must be an array of numbers {shape}, as the posterior is. Received: shape "
            f"{log_posterior.shape}, dtype {log_posterior.dtype}"
        )
    bad = np.isnan(log_posterior) | (log_posterior == np.inf)
    if bad.any():
        raise InputError(
            f"log_posterior of example {int(np.argwhere(bad)[0, 0])} is {log_posterior[bad][0]}, which no "
            "logarithm of a probability is."
        )
    return log_posterior.astype("float64")


def _checked(posterior: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The posterior, the classes in order, and the number of the class of each example."""
    posterior, (classes, codes) = checked_posterior(posterior), coded(labels)
    if codes.shape != (len(posterior),):
        raise InputError(
            f"There must be one label for each example: {len(posterior)} posteriors. Received: labels of shape "
            f"{codes.shape}"
        )
    return posterior, classes, codes
