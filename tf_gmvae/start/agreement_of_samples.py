"""How well samples of data agree on clusters, by their number; and what likelihoods say of it. NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tf_gmvae import terminal
from tf_gmvae.evaluation import mixtures
from tf_gmvae.evaluation.neighbourhoods import NEIGHBOURS
from tf_gmvae.sampling import drawn
from tf_gmvae.start import candidates, latent_map, merging
from tf_gmvae.start.resampling import ABSENT, SAMPLES, SHARE, pairwise_agreement
from tf_gmvae.terminal import Step

# The largest number that is looked at, and the parts on the map that are joined to that and fewer.
MOST, PARTS = 30, 60
# Examples that samples are drawn from at most: on the map and among rows.
MOST_MAPPED, MOST_ROWS = 8_000, 3_000
# Density: the smallest cluster, as a share of the rows; neighbours that make a place dense; the share of rows
# outside all clusters beyond which density does not describe the data.
SMALLEST, DENSE, MOST_OUTSIDE = 0.02, 5, 0.1
# Likelihood: the largest number of Gaussians, and how often each mixture is begun.
MOST_GAUSSIANS, STARTS = 12, 3


def on_map(placed: latent_map.Map, seed: int, step: Step = terminal.step) -> dict[int, float]:
    """How well samples agree on clusters of a map, by their number.

    Args:
        placed: `Map` of P examples with its graph.
        seed: integer.
        step: what shows how far long steps have come. Default `terminal.step`.

    Returns:
        Dict by K, from 2 up to 30 at most: mean adjusted Rand index of any two samples on the examples of both.
    """
    rng = np.random.default_rng(seed)
    among = drawn(len(placed.points), MOST_MAPPED, rng)
    assert placed.graph is not None
    points, graph = placed.points[among], placed.graph.tocsr()[among][:, among]
    num_parts = max(2, min(PARTS, round(SHARE * len(points)) // NEIGHBOURS))

    def clusterings(sample, number):
        parts = mixtures.gaussians(points[sample], num_parts, seed + number, 1).predict(points[sample])
        joined = merging.joining(graph[sample][:, sample], parts, num_parts)
        return {len(np.unique(of_part)): of_part[parts] for of_part in (np.arange(num_parts), *joined)}

    with step("  On how many clusters samples agree", SAMPLES) as reached:
        found = _in_samples(rng, len(points), clusterings, reached)
    return {k: pairwise_agreement([each[k] for each in found]) for k in range(2, min(MOST, num_parts) + 1)}


def by_density(points: np.ndarray, seed: int) -> tuple[int, float] | None:
    """How many clusters have gaps of density between them, and how well samples agree on them.

    Args:
        points: array (N, F).
        seed: integer.

    Returns:
        Pair of K and the mean adjusted Rand index of any two samples; None where there are no such gaps.
    """
    rng = np.random.default_rng(seed)
    points = points[drawn(len(points), MOST_ROWS, rng)]
    labels = _dense(points)
    if labels.max() < 1 or np.mean(labels < 0) > MOST_OUTSIDE:
        return None
    num_components = int(labels.max()) + 1
    found = _in_samples(
        rng, len(points), lambda sample, number: {num_components: _dense(points[sample])}, lambda done: None
    )
    return num_components, pairwise_agreement([each[num_components] for each in found])


def likeliest(points: np.ndarray, seed: int) -> int:
    """The number of Gaussians, with own variances or covariances, that is best by its Bayesian criterion.

    Args:
        points: array (N, F).
        seed: integer.

    Returns:
        Integer from 1 to 12.
    """
    points = candidates.narrow(points[drawn(len(points), MOST_ROWS, seed)], seed)
    criteria = {}
    for covariance in ("diag", "full"):
        for number in range(1, min(MOST_GAUSSIANS, len(points)) + 1):
            mixture = mixtures.gaussians(
                points, number, seed, STARTS, covariance, candidates.RIDGE, init="k-means++"
            )
            criteria[covariance, number] = mixture.bic(points)
    return min(criteria, key=lambda each: criteria[each])[1]


def _dense(points):
    from sklearn.cluster import HDBSCAN

    size = max(DENSE, round(SMALLEST * len(points)))
    return HDBSCAN(min_cluster_size=size, min_samples=min(DENSE, len(points)), copy=True).fit_predict(points)


def _in_samples(
    rng: np.random.Generator,
    count: int,
    clusterings: Callable[[np.ndarray, int], dict[int, np.ndarray]],
    reached: Callable[[float], None],
) -> list[dict[int, np.ndarray]]:
    """Clusters of samples by their number, arrays (count,); `ABSENT` where not in a sample."""
    found = []
    for number in range(SAMPLES):
        sample = drawn(count, max(2, round(SHARE * count)), rng)
        whole = {}
        for k, labels in clusterings(sample, number).items():
            whole[k] = np.full(count, ABSENT)
            whole[k][sample] = labels
        found.append(whole)
        reached(number + 1)
    return found
