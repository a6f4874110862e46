"""UMAP (McInnes et al., arXiv 1802.03426) as this package uses it: for its start, its pictures and its floors."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from tf_gmvae.evaluation import machine_code
from tf_gmvae.seeds import within_bits

if TYPE_CHECKING:
    import umap

# Of a map. More dimensions than two keep clusters from crossing each other on the way.
MAP_DIMENSIONS = 10
NEIGHBOURS = 15
# Points of which there are fewer have no map.
LEAST_POINTS = 4 * NEIGHBOURS
# Of the points, up to which the layout begins from their principal components: on lines and bands of the plane the
# eigenvectors that it begins from elsewhere may take hours to find.
FEW_DIMENSIONS = 2
# Points of which there are fewer are all compared with all by UMAP, pair by pair in Python.
_MANY = 4096


def mapper(
    num_dimensions: int,
    seed: int = 0,
    dimensions: int = MAP_DIMENSIONS,
    min_dist: float = 0.0,
    epochs: int | None = None,
    neighbours: int = NEIGHBOURS,
) -> umap.UMAP:
    """UMAP, not fitted yet.

    Args:
        num_dimensions: integer, dimensions of the points.
        seed: integer. Default 0.
        dimensions: integer, dimensions of the map, at most those of the points are made. Default 10.
        min_dist: how close neighbours may lie on it. Default 0.
        epochs: integer, of the layout. Default None: UMAP's own, 500 up to 10,000 points and 200 beyond.
        neighbours: integer, of each point, itself counted in. Default 15.

    Returns:
        `umap.UMAP`.
    """
    with machine_code.kept():
        import umap

    return umap.UMAP(
        n_components=min(dimensions, num_dimensions),
        n_neighbors=neighbours,
        min_dist=min_dist,
        init="pca" if num_dimensions <= FEW_DIMENSIONS else "spectral",
        n_epochs=epochs,
        random_state=within_bits(seed),
        n_jobs=1,
    )


def placed(umap: umap.UMAP, points: np.ndarray) -> np.ndarray:
    """The map of points.

    Of less than 4,096 points UMAP would take most of its time to call a function for each pair. They are compared
    here, a point with all others at once, to the same neighbours and distances.

    Args:
        umap: as `mapper` makes it, maybe with the neighbours that were found before.
        points: array (N, F), N at least `LEAST_POINTS`.

    Returns:
        Float32 array (N, F'), the same that `umap.fit_transform(points)` returns.
    """
    if len(points) < _MANY and umap.precomputed_knn[0] is None:
        umap.precomputed_knn = _nearest(np.asarray(points, "float32"), umap.n_neighbors)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed makes it run on one core
        return umap.fit_transform(points)


def _nearest(points, count):
    """Of each point the nearest, in the precision of UMAP: of equally near ones the first."""
    indices, distances = np.empty((len(points), count), "int32"), np.empty((len(points), count), "float32")
    for number, point in enumerate(points):
        squares = np.square(points - point)
        every = np.sqrt(squares.sum(axis=1, dtype="float64")).astype("float32")
        indices[number] = every.argsort(kind="stable")[:count]
        distances[number] = every[indices[number]]
    return indices, distances
