"""UMAP (McInnes et al., arXiv 1802.03426) as this package uses it: for its start, its pictures and its floors."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
