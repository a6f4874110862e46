"""Scores of a tree of clusters, on NumPy arrays. Labels serve scoring alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tf_gmvae.errors import InputError
from tf_gmvae.evaluation.labels import coded


def dendrogram_purity(linkage: np.ndarray, clusters: ArrayLike, labels: ArrayLike) -> float | None:
    """How pure the smallest part of the tree is that two examples of one label share (Heller and Ghahramani 2005).

    For every two examples of one label: the share of that label among all examples below the lowest node that
    has both of them; the mean of these, over all such pairs. It is exact, no pairs are drawn.

    Args:
        linkage: array (K - 1, 4), as `scipy.cluster.hierarchy` has it.
        clusters: integer array (N,), the leaf of each example, 0 to K - 1.
        labels: array (N,), class labels of any kind.

    Returns:
        Float in (0, 1], 1 where every label has a part of the tree to itself; None if no two examples have one
        label.

    Raises:
        InputError: if the arrays do not fit each other or the tree, or a label is missing.
    """
    clusters, (classes, codes) = np.asarray(clusters), coded(labels)
    linkage = np.asarray(linkage)
    num_leaves = len(linkage) + 1
    if clusters.shape != codes.shape or clusters.ndim != 1 or not len(clusters):
        raise InputError(
            f"One cluster and one label an example are needed. Received: {clusters.shape} and {codes.shape}"
        )
    if clusters.dtype.kind not in "iu" or clusters.min() < 0 or clusters.max() >= num_leaves:
        raise InputError(
            f"The tree has the leaves 0 to {num_leaves - 1}, whole numbers. Received: clusters from "
            f"{clusters.min()} to {clusters.max()}, {clusters.dtype}"
        )
    counts = np.zeros((2 * num_leaves - 1, len(classes)))
    np.add.at(counts, (clusters, codes), 1)
    pairs = counts[:num_leaves] * (counts[:num_leaves] - 1) / 2
    pure, total = np.sum(pairs * _shares(counts[:num_leaves])), pairs.sum()
    for row, (first, second) in enumerate(linkage[:, :2].astype(int)):
        node = num_leaves + row
        counts[node] = counts[first] + counts[second]
        pairs = counts[first] * counts[second]
        pure, total = pure + np.sum(pairs * _shares(counts[node : node + 1])), total + pairs.sum()
    return float(pure / total) if total else None


def _shares(counts):
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
