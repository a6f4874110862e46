"""From neighbours to soft labels: a neighbourhood map, and a Gaussian mixture on it. NumPy arrays throughout.

UMAP (McInnes et al., arXiv 1802.03426) draws neighbourhoods together and apart from each other, and on its map a
Gaussian mixture finds clusters of which 98 % are of one class on MNIST. No label is used.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import sparse

from tf_gmvae import terminal
from tf_gmvae.evaluation import mixtures
from tf_gmvae.evaluation.diagnostics import ACTIVE_VARIANCE, activity
from tf_gmvae.evaluation.neighbourhoods import LEAST_POINTS, MAP_DIMENSIONS, NEIGHBOURS, mapper, placed
from tf_gmvae.seeds import within_bits
from tf_gmvae.start import known, merging
from tf_gmvae.start.neighbours import Neighbours
from tf_gmvae.terminal import Step

# Images below which there is no map. On that of few a neighbourhood is a fifth of them: of 50 digits 15 neighbours
# would be all of a class and more.
LEAST_MAPPED, FEW_PARTS = 30, 5
# Parts are joined by one neighbour for so many examples; of fewer than 15,000 by the 15 of the map.
JOINED_BY = 1_000


class Map(NamedTuple):
    """Where examples lie on a map, and what it was drawn by.

    Attributes:
        points: array (P, D'), places on the map; of fewer than 30 examples what they are compared by.
        graph: symmetric matrix (P, P), UMAP's weights of the neighbourhoods; None of fewer than 30.
        indices: integer array (P, k), the neighbours of each by which parts are joined, itself the first; None of
            fewer than 30.
    """

    points: np.ndarray
    graph: sparse.spmatrix | None
    indices: np.ndarray | None


def mapped(neighbours: Neighbours, seed: int = 0, step: Step = terminal.step) -> Map:
    """The map of neighbourhoods that are known.

    Args:
        neighbours: `Neighbours` of examples among the first P.
        seed: integer; the same seed gives the same map. Default 0.
        step: what shows how far long steps have come. Default `terminal.step`.

    Returns:
        `Map`.
    """
    points, count = neighbours.points, len(neighbours.points)
    if count < LEAST_MAPPED:
        return Map(points, None, None)
    near = min(NEIGHBOURS, count // FEW_PARTS)
    umap = mapper(points.shape[1], seed, neighbours=near)
    umap.precomputed_knn = (neighbours.indices[:count, :near], neighbours.distances[:count, :near])
    with step("  A map of these neighbourhoods", 1) as reached:
        placed_points = _fitted(umap, points, reached)
    # Of many examples the nearest are few of a cluster: an island of hundreds would hang on a handful of edges.
    return Map(placed_points, umap.graph_, neighbours.indices[:count, : max(near, count // JOINED_BY)])


def graph_of(indices: np.ndarray) -> sparse.csr_matrix:
    """How many of two examples have the other among their nearest neighbours: 0, 1 or 2.

    UMAP's own weights fall so fast from the nearest neighbour to the last that a few edges decide to which cluster
    an island between two belongs. Here each neighbour counts the same, so such ties rest on more of them.

    Args:
        indices: integer array (P, k), each example's neighbours, itself the first.

    Returns:
        Symmetric matrix (P, P), float64; its diagonal is 0.
    """
    count, near = len(indices), indices.shape[1] - 1
    ends = np.arange(0, count * near + 1, near)
    directed = sparse.csr_matrix((np.ones(count * near), indices[:, 1:].ravel(), ends), (count, count))
    return (directed + directed.T).tocsr()


def active(means: np.ndarray) -> np.ndarray:
    """Dimensions that the posterior uses.

    Args:
        means: array (N, D), means of q(x | y).

    Returns:
        Array (D,) of bools; all, if none is active.
    """
    is_active = activity(means) > ACTIVE_VARIANCE
    return is_active if is_active.any() else np.ones_like(is_active)


def soft_labels(
    found: Map,
    num_components: int,
    seed: int = 0,
    parts: int = 1,
    step: Step = terminal.step,
    classes: np.ndarray | None = None,
) -> np.ndarray:
    """Clusters of the examples on a map, by a mixture; of fewer than 30, by k-means on what they are compared by.

    Args:
        found: `Map` of P examples.
        num_components: K, at most P.
        seed: integer; the same seed gives the same labels. Default 0.
        parts: integer, components of the mixture for each cluster, which `merging` then joins. Default 1.
        step: what shows how far long steps have come. Default `terminal.step`.
        classes: integer array (P,), known classes, -1 where unknown: of parts that hold known examples, those of
            different classes are not joined. Default None.

    Returns:
        Array (P, K), float32, rows sum to one: of the examples on the map.
    """
    points, count = found.points, len(found.points)
    if found.indices is None:
        few = mixtures.kmeans(points, num_components, seed, mixtures.starts(count))
        return np.eye(num_components, dtype="float32")[few.labels_]
    num_parts = min(parts * num_components, max(num_components, count // NEIGHBOURS))
    with step("  Clusters on the map"):
        mixture = mixtures.gaussians(points, num_parts, seed, mixtures.starts(count, of_many=3))
        labels = mixture.predict_proba(points)
    if num_parts > num_components:
        part_of = labels.argmax(axis=1)
        class_of = None if classes is None else known.of_parts(part_of, classes, num_parts)
        cluster_of = merging.merge(graph_of(found.indices), part_of, num_parts, num_components, class_of)
        labels = labels @ np.eye(num_components)[cluster_of]
    return labels.astype("float32")


def neighbourhood_map(
    points: np.ndarray, seed: int = 0, dimensions: int = MAP_DIMENSIONS, min_dist: float = 0.0
) -> np.ndarray:
    """The map of UMAP, on which neighbours lie close and the rest lies apart.

    Args:
        points: array (N, D).
        seed: integer. Default 0.
        dimensions: integer, dimensions of the map. Default 10.
        min_dist: how close neighbours may lie on it. Default 0.

    Returns:
        Array (N, D'), D' at most `dimensions`; of fewer examples than UMAP can map, the points themselves.
    """
    if len(points) < LEAST_POINTS:
        return points
    return _fitted(mapper(points.shape[1], seed, dimensions, min_dist), points)


def _fitted(umap, points, reached=None):
    if reached is not None and terminal.is_terminal():
        # UMAP tells nobody but tqdm how far it has come.
        umap.tqdm_kwds = {"disable": False, "file": _Told(reached), "bar_format": "{n_fmt}/{total_fmt} "}
    return placed(umap, points)


class _Told:
    """A file for tqdm that passes on what is written into it: parts of what is to be done."""

    def __init__(self, reached: Callable[[float], None]) -> None:
        self.reached = reached

    def write(self, text: str) -> None:
        """Passes on "done/total"."""
        if found := re.search(r"(\d+)/(\d+)", text):
            self.reached(int(found[1]) / max(1, int(found[2])))

    def flush(self) -> None:
        """As files have it."""


def plane(means: np.ndarray, seed: int = 0) -> np.ndarray:
    """A map of latent means to look at.

    Args:
        means: array (N, D), means of q(x | y).
        seed: integer; the same seed gives the same map. Default 0.

    Returns:
        Array (N, 2): the means themselves where they have two active dimensions or fewer, else UMAP's map, or of
        few examples their first two principal components.
    """
    from sklearn.decomposition import PCA

    points = means[:, active(means)]
    if points.shape[1] > 2:
        points = neighbourhood_map(points, seed, dimensions=2, min_dist=0.1)
    if points.shape[1] > 2:
        points = PCA(2, random_state=within_bits(seed)).fit_transform(points) if len(points) > 1 else points[:, :2]
    return np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
