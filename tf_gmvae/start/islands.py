"""Clusters of any form with gaps between them: a moon in another, a ring around a disc.

Where hardly any of the nearest neighbours of a point lies in another cluster, the clusters are islands, whatever
their form, and no method that describes a cluster by a middle and widths can say so. They are the parts of the
graph of neighbours, which spectral clustering finds (Ng, Jordan and Weiss 2002; von Luxburg 2007). NumPy arrays.
"""

from __future__ import annotations

import warnings

import numpy as np

from tf_gmvae.evaluation.neighbourhoods import NEIGHBOURS
from tf_gmvae.sampling import drawn
from tf_gmvae.seeds import within_bits
from tf_gmvae.start.candidates import Found

# Points between which spectral clustering looks for gaps; the others go with their neighbours among these.
MOST_POINTS = 4_000
# Of all neighbours, the share in other clusters up to which these are islands, and how much less of it there must
# be than between the clusters of other methods.
MOST_LEAK, LESS = 0.01, 0.5
# Of an equal share of the points, what the smallest island has: less is a handful far from all others.
LEAST_SHARE = 0.25


def found(points: np.ndarray, num_components: int, seed: int) -> Found:
    """Spectral clustering on the graph of nearest neighbours.

    Args:
        points: array (N, F).
        num_components: K.
        seed: integer.

    Returns:
        `Found`: 1 for the cluster of a point, 0 for the others; without a criterion.
    """
    from sklearn.cluster import SpectralClustering
    from sklearn.neighbors import KNeighborsClassifier

    among = drawn(len(points), MOST_POINTS, seed)
    neighbours = min(NEIGHBOURS, len(among) - 1)
    method = SpectralClustering(
        num_components, affinity="nearest_neighbors", n_neighbors=neighbours, assign_labels="cluster_qr",
        random_state=within_bits(seed),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the graph has several parts, which is what is looked for
        clusters = method.fit_predict(points[among])
    if len(among) < len(points):
        clusters = KNeighborsClassifier(neighbours).fit(points[among], clusters).predict(points)
    return Found(np.eye(num_components)[clusters], None)


def leak(points: np.ndarray, clusters: np.ndarray) -> float:
    """The share of neighbours that are in other clusters, of that which chance would put there.

    Args:
        points: array (N, F).
        clusters: integer array (N,).

    Returns:
        Float from 0, where all neighbours of every point are in its cluster; 1 of clusters that are drawn by lot,
        and where there is one alone.
    """
    from sklearn.neighbors import NearestNeighbors

    graph = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(points) - 1)).fit(points)
    nearest = graph.kneighbors(return_distance=False)
    shares = np.bincount(clusters) / len(clusters)
    by_chance = 1.0 - float(np.sum(shares**2))
    return float(np.mean(clusters[nearest] != clusters[:, None])) / by_chance if by_chance else 1.0


def parts_fewer(points: np.ndarray, clusters: np.ndarray, others: np.ndarray) -> bool:
    """Whether clusters part far fewer neighbours than other clusters of the same points do.

    Args:
        points: array (N, F).
        clusters: integer array (N,).
        others: integer array (N,).

    Returns:
        Bool.
    """
    return leak(points, clusters) < LESS * leak(points, others)


def are_islands(points: np.ndarray, clusters: np.ndarray, others: np.ndarray) -> bool:
    """Whether clusters have gaps between them that other clusters of the same points do not have.

    Args:
        points: array (N, F).
        clusters: integer array (N,).
        others: integer array (N,), of other methods.

    Returns:
        Bool.
    """
    sizes = np.bincount(clusters)
    if len(sizes) < 2 or sizes.min() < LEAST_SHARE * len(points) / len(sizes):
        return False
    return leak(points, clusters) <= MOST_LEAK and parts_fewer(points, clusters, others)
