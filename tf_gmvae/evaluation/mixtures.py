"""Plain Gaussian mixtures and k-means, begun several times: scikit-learn's, as a careful user would call them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tf_gmvae import threads
from tf_gmvae.seeds import within_bits

if TYPE_CHECKING:
    from sklearn.cluster import KMeans
    from sklearn.mixture import GaussianMixture

Fitted = TypeVar("Fitted", bound="Any")
# Examples below which they are begun so many times, the likeliest being kept: few need it more, at little cost.
FEW = 10_000
STARTS = 10
# Values that one thread divides into clusters: with nothing beside, two take two thirds of the time of one.
ONE_THREADS = 2_000_000


def kmeans(points: np.ndarray, num_components: int, seed: int, num_starts: int) -> KMeans:
    """k-means, the best of some starts.

    Args:
        points: array (N, F).
        num_components: K.
        seed: integer.
        num_starts: integer, how often it is begun.

    Returns:
        Fitted `sklearn.cluster.KMeans`.
    """
    from sklearn.cluster import KMeans

    means = KMeans(num_components, n_init=num_starts, random_state=within_bits(seed))
    return quietly(means, points, 1 if points.size <= ONE_THREADS else None)


def gaussians(
    points: np.ndarray,
    num_components: int,
    seed: int,
    num_starts: int,
    covariance: str = "full",
    ridge: float = 1e-3,
    init: str = "kmeans",
) -> GaussianMixture:
    """A Gaussian mixture, the likeliest of some starts.

    Args:
        points: array (N, F).
        num_components: K.
        seed: integer.
        num_starts: integer, how often it is begun.
        covariance: "full" or "diag". Default "full".
        ridge: float, added to variances, so that a cluster of equal values has a width. Default 1e-3.
        init: "kmeans" or "k-means++", what a start is made by. Default "kmeans".

    Returns:
        Fitted `sklearn.mixture.GaussianMixture`.
    """
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(
        num_components,
        covariance_type=covariance,
        n_init=num_starts,
        reg_covar=ridge,
        init_params=init,
        random_state=within_bits(seed),
    )
    return quietly(mixture, points)


def quietly(mixture: Fitted, points: np.ndarray, num_threads: int | None = 1) -> Fitted:
    """Fits a mixture, k-means, or factors, without warnings: what is not quite converged serves as well.

    Args:
        mixture: `sklearn.mixture.GaussianMixture`, `cluster.KMeans` or `decomposition.FactorAnalysis`.
        points: array (N, F).
        num_threads: integer or None, as in `threads.limited`. Default 1.

    Returns:
        The same, fitted.
    """
    with warnings.catch_warnings(), threads.limited(num_threads):
        warnings.simplefilter("ignore")
        return mixture.fit(points)


def starts(count: int, of_many: int = 1) -> int:
    """How often to begin.

    Args:
        count: integer N.
        of_many: integer, what it is for many examples. Default 1.

    Returns:
        Integer: 10 for fewer than 10,000 examples.
    """
    return STARTS if count < FEW else of_many
