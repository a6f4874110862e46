"""Scores of a clustering, on NumPy arrays (section "Evaluation" of the paper, Table 1).

A posterior is an array (N, K), p(z | y) of every example; labels are an array (N,) of class labels of any
kind. Labels serve scoring alone.
"""

import numpy as np

from tf_gmvae.errors import InputError


def table1_accuracy(posterior, labels):
    """Accuracy by the protocol of Table 1 (after Makhzani et al. 2015).

    Each cluster gives the label of its most certain example, the one with the highest p(z_k | y) of all
    examples, to every example assigned (argmax) to it. A cluster with none assigned contributes nothing.

    Args:
        posterior: array (N, K).
        labels: array (N,).

    Returns:
        Share of examples that get their own label, in [0, 1].

    Raises:
        InputError: if the arrays do not fit each other or hold NaN.
    """
    posterior, labels = _checked(posterior, labels)
    exemplar_labels = labels[posterior.argmax(axis=0)]
    return float(np.mean(exemplar_labels[posterior.argmax(axis=1)] == labels))


def majority_accuracy(posterior, labels):
    """Accuracy when each cluster stands for the most frequent label among its examples.

    Args:
        posterior: array (N, K).
        labels: array (N,).

    Returns:
        Share in [0, 1]. It grows with K and reaches 1 at one cluster an example.

    Raises:
        InputError: if the arrays do not fit each other or hold NaN.
    """
    _, counts = contingency(posterior, labels)
    return float(counts.max(axis=1).sum() / counts.sum())


def hungarian_accuracy(posterior, labels):
    """Accuracy under the best one-to-one match of clusters and classes.

    Args:
        posterior: array (N, K).
        labels: array (N,).

    Returns:
        Share in [0, 1], or None where K differs from the number of classes and no such match exists.

    Raises:
        InputError: if the arrays do not fit each other or hold NaN.
    """
    from scipy.optimize import linear_sum_assignment

    _, counts = contingency(posterior, labels)
    if counts.shape[0] != counts.shape[1]:
        return None
    matched = counts[linear_sum_assignment(counts, maximize=True)]
    return float(matched.sum() / counts.sum())


def components_in_use(posterior):
    """Number of components that are the most probable one for at least one example.

    Args:
        posterior: array (N, K).

    Returns:
        Integer from 1 to K.

    Raises:
        InputError: if the posterior is not a matrix of finite numbers.
    """
    return len(np.unique(_checked_posterior(posterior).argmax(axis=1)))


def contingency(posterior, labels):
    """Examples by cluster and class.

    Args:
        posterior: array (N, K).
        labels: array (N,).

    Returns:
        Pair of the classes that occur, in order, and the counts, an integer array (K, classes).

    Raises:
        InputError: if the arrays do not fit each other or hold NaN.
    """
    posterior, labels = _checked(posterior, labels)
    classes, codes = np.unique(labels, return_inverse=True)
    counts = np.zeros((posterior.shape[1], len(classes)), dtype=np.int64)
    np.add.at(counts, (posterior.argmax(axis=1), codes), 1)
    return classes, counts


def scores(posterior, labels=None):
    """All scores of a clustering.

    Args:
        posterior: array (N, K).
        labels: array (N,), or None where there are none.

    Returns:
        Dict with accuracy_table1, accuracy_majority, accuracy_hungarian (None where K differs from the
        number of classes), nmi, ari (all None without labels) and components_in_use.

    Raises:
        InputError: if the arrays do not fit each other or hold NaN.
    """
    result = dict.fromkeys(("accuracy_table1", "accuracy_majority", "accuracy_hungarian", "nmi", "ari"))
    if labels is not None:
        from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

        posterior, labels = _checked(posterior, labels)
        clusters = posterior.argmax(axis=1)
        result = {
            "accuracy_table1": table1_accuracy(posterior, labels),
            "accuracy_majority": majority_accuracy(posterior, labels),
            "accuracy_hungarian": hungarian_accuracy(posterior, labels),
            "nmi": float(normalized_mutual_info_score(labels, clusters)),
            "ari": float(adjusted_rand_score(labels, clusters)),
        }
    return {**result, "components_in_use": components_in_use(posterior)}


def _checked_posterior(posterior):
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
    return posterior


def _checked(posterior, labels):
    posterior, labels = _checked_posterior(posterior), np.asarray(labels)
    if labels.shape != (len(posterior),):
        raise InputError(
            f"There must be one label per example: {len(posterior)} posteriors. Received: labels of shape "
            f"{labels.shape}"
        )
    return posterior, labels
