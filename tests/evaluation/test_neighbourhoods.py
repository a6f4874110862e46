"""Maps of few points are UMAP's own, sooner."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from tf_gmvae.evaluation import neighbourhoods

RNG = np.random.default_rng(0)
CASES = {
    "few": RNG.normal(size=(neighbourhoods.LEAST_POINTS, 5)).astype("float32"),
    "on a line": np.linspace(0, 1, 90)[:, None] * np.ones(2),
    "apart and twice": np.concatenate([RNG.normal(9 * (n % 3), 1, (40, 6)) for n in range(6)] * 2),
    "of whole numbers": RNG.integers(0, 3, (300, 4)),
    "wide": RNG.normal(size=(150, 700)).astype("float32"),
}


@pytest.mark.parametrize("points", CASES.values(), ids=CASES)
def test_a_map_of_few_points_is_umaps_own(points):
    def mapper():
        return neighbourhoods.mapper(points.shape[1], seed=3, epochs=20)

    expected = mapper()
    found = neighbourhoods.placed(mapper(), points)
    np.testing.assert_array_equal(found, expected.fit_transform(points))
    assert expected._small_data  # which compares pair by pair
    other = neighbourhoods.placed(neighbourhoods.mapper(points.shape[1], seed=4, epochs=20), points)
    assert np.abs(found - other).max() > 1e-3


def test_neighbours_that_are_known_are_taken():
    points = CASES["apart and twice"].astype("float32")
    umap = neighbourhoods.mapper(6, epochs=20)
    distances, indices = NearestNeighbors(n_neighbors=15).fit(points[:, :2]).kneighbors(points[:, :2])
    umap.precomputed_knn = indices, distances.astype("float32")
    neighbourhoods.placed(umap, points)
    np.testing.assert_array_equal(umap._knn_indices, indices)
