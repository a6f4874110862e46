"""Clusterings of rows of features by the methods that a user would try, each good for data of its own kind.

k-means for round clusters of one size, Gaussian mixtures for clusters of other sizes and widths, a mixture on
UMAP's map for bent ones. NumPy arrays throughout.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tf_gmvae.evaluation import mixtures
from tf_gmvae.evaluation.neighbourhoods import LEAST_POINTS, mapper, placed
from tf_gmvae.seeds import within_bits

# Added to variances of standardised features: a cluster of equal values has a width.
RIDGE = 1e-2
# Features up to which means and covariances are of the features themselves; of more, of so many principal
# components, since in hundreds of dimensions all distances are alike and every seed finds other clusters.
MOST_FEATURES = 50
LEAST_PRINCIPAL, MOST_PRINCIPAL = 5, 10
# How often methods are begun with many rows; with few, as often as the simple ones beside them.
STARTS_OF_MANY = 3
# Examples a cluster below which there is no map: its neighbourhoods of 15 would not be small in them.
LEAST_MAPPED = 100


class Found(NamedTuple):
    """What a method finds.

    Attributes:
        posterior: float64 array (N, K).
        bic: Bayesian information criterion of the points under it, lower is better; None of a map, whose points
            are others.
    """

    posterior: np.ndarray
    bic: float | None


Candidate = Callable[[np.ndarray, int, int], Found]


def for_rows(num_rows: int, num_components: int) -> dict[str, Candidate]:
    """The methods to choose among.

    Args:
        num_rows: N.
        num_components: K.

    Returns:
        Dict by name of functions of (points (N, F), K, seed) to `Found`.
    """
    found: dict[str, Candidate] = {
        "k-means": k_means, "mixture, diagonal": _mixture("diag"), "mixture, full": _mixture("full"),
    }  # fmt: skip
    if num_rows >= max(LEAST_POINTS, LEAST_MAPPED * num_components):
        found["map"] = on_map
    return found


def k_means(points: np.ndarray, num_components: int, seed: int) -> Found:
    """k-means: 1 for the nearest of K means, 0 for the others.

    Args:
        points: array (N, F).
        num_components: K.
        seed: integer.

    Returns:
        `Found`; the criterion is that of round Gaussians of one size and width.
    """
    points = narrow(points, seed)
    fitted = mixtures.kmeans(points, num_components, seed, _starts(points))
    values, num_means = points.size, num_components * points.shape[1]
    variance = max(fitted.inertia_ / values, RIDGE)
    log_likelihood = -0.5 * (values * math.log(2 * math.pi * variance) + fitted.inertia_ / variance)
    log_likelihood -= len(points) * math.log(num_components)
    return Found(
        np.eye(num_components)[fitted.labels_], (num_means + 1) * math.log(len(points)) - 2 * log_likelihood
    )


def on_map(points: np.ndarray, num_components: int, seed: int) -> Found:
    """A mixture on UMAP's map of the points.

    Args:
        points: array (N, F).
        num_components: K.
        seed: integer.

    Returns:
        `Found` without a criterion.
    """
    on_it = placed(mapper(points.shape[1], seed), points)
    return Found(_fitted("full", on_it, num_components, seed, ridge=1e-3, init="kmeans").posterior, None)


def _mixture(covariance):
    def candidate(points, num_components, seed):
        return _fitted(covariance, narrow(points, seed), num_components, seed, RIDGE, init="k-means++")

    return candidate


def _fitted(covariance, points, num_components, seed, ridge, init):
    mixture = mixtures.gaussians(points, num_components, seed, _starts(points), covariance, ridge, init)
    return Found(mixture.predict_proba(points), float(mixture.bic(points)))


def narrow(points: np.ndarray, seed: int) -> np.ndarray:
    """Of many features the principal components before the greatest relative fall of their variances.

    Args:
        points: array (N, F).
        seed: integer.

    Returns:
        Array (N, F) as it is for at most `MOST_FEATURES` features, else (N, F'), F' from 5 to 10.
    """
    from sklearn.decomposition import PCA

    if points.shape[1] <= MOST_FEATURES:
        return points
    fitted = PCA(min(MOST_PRINCIPAL + 1, len(points)), random_state=within_bits(seed))
    narrowed, variances = fitted.fit_transform(points), np.maximum(fitted.explained_variance_, 1e-12)
    falls = variances[:-1] / variances[1:]
    least = min(LEAST_PRINCIPAL, len(falls))
    return narrowed[:, : least + int(np.argmax(falls[least - 1 :]))]


def _starts(points):
    return mixtures.starts(len(points), STARTS_OF_MANY)
