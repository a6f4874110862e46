"""Small clusters joined to larger ones, where the graph of neighbourhoods says that they belong together.

A mixture of as many Gaussians as there are classes is a gamble: one class has two of them, and two share one. Of
twice as many, each is rarely of two classes, and which of them are one cluster is asked of the graph: those that
raise its modularity most are joined (Clauset, Newman and Moore 2004), until K are left.
"""

from collections.abc import Iterator

import numpy as np
from scipy import sparse


def modularity(graph: sparse.spmatrix, labels: np.ndarray) -> float:
    """Share of the edges' weight within clusters, above what chance would put there (Newman and Girvan 2004).

    Args:
        graph: symmetric matrix (N, N) of weights.
        labels: integer array (N,), clusters.

    Returns:
        A float below 1.
    """
    shares = _shares(graph, labels, int(labels.max()) + 1)
    return float(np.trace(shares) - np.sum(shares.sum(axis=0) ** 2))


def merge(
    graph: sparse.spmatrix,
    labels: np.ndarray,
    num_parts: int,
    num_clusters: int,
    classes: np.ndarray | None = None,
) -> np.ndarray:
    """Joins parts to clusters, each time the two whose union has the greatest modularity.

    Args:
        graph: symmetric matrix (N, N) of weights.
        labels: integer array (N,), the part of each of the N, from 0 to C - 1.
        num_parts: C.
        num_clusters: K, at most C.
        classes: integer array (C,), the class of each part, -1 where unknown: parts of different classes, of which
            there are at most K, are not joined. Default None: all are unknown.

    Returns:
        Integer array (C,), the cluster of each part, from 0 to K - 1.
    """
    clusters = np.arange(num_parts)
    for joined in joining(graph, labels, num_parts, classes):
        if clusters.max() < num_clusters:
            break
        clusters = joined
    return clusters


def joining(
    graph: sparse.spmatrix, labels: np.ndarray, num_parts: int, classes: np.ndarray | None = None
) -> Iterator[np.ndarray]:
    """Joins two clusters at a time, as `merge` does, until one is left.

    Args:
        graph: as in `merge`, as are all that follow.
        labels: integer array (N,).
        num_parts: C.
        classes: integer array (C,). Default None.

    Yields:
        Integer array (C,), the cluster of each part: from 0 to C - 2, then to C - 3, and so on.
    """
    shares = _shares(graph, labels, num_parts)
    cluster_of = np.arange(num_parts)
    classes = np.full(num_parts, -1) if classes is None else classes
    while len(shares) > 1:
        degrees = shares.sum(axis=0)
        gains = shares - np.outer(degrees, degrees)
        apart = (classes[:, None] != classes) & (classes[:, None] >= 0) & (classes >= 0)
        gains[apart | np.eye(len(gains), dtype=bool)] = -np.inf
        first, second = sorted(np.unravel_index(gains.argmax(), gains.shape))
        shares[first] += shares[second]
        shares[:, first] += shares[:, second]
        shares = np.delete(np.delete(shares, second, axis=0), second, axis=1)
        joined = max(classes[first], classes[second])
        classes = np.delete(classes, second)
        classes[first] = joined
        cluster_of = np.where(cluster_of == second, first, cluster_of - (cluster_of > second))
        yield cluster_of


def _shares(graph, labels, num_parts):
    """Share of the graph's weight between every two parts, an array (C, C)."""
    member = sparse.csr_matrix((np.ones(len(labels)), (np.arange(len(labels)), labels)), (len(labels), num_parts))
    weights = (member.T @ graph @ member).toarray()
    return weights / weights.sum()
