"""Clusters of any form are found where there are gaps between them, and only there."""

import numpy as np
import pytest
from sklearn import datasets
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from tf_gmvae.start import agreement, candidates, islands

GAPS = "  Clusters by the gaps between them."


def moons(num_points=600, seed=0):
    return datasets.make_moons(num_points, noise=0.05, random_state=seed)


def rings(num_points=600, seed=0):
    return datasets.make_circles(num_points, noise=0.05, factor=0.4, random_state=seed)


def labels_of(points, num_components, seed=0, dtype="float32"):
    points = StandardScaler().fit_transform(points).astype(dtype)
    # Without the map, whose seconds are not needed here.
    methods = {n: m for n, m in candidates.for_rows(len(points), num_components).items() if n != "map"}
    said = []
    found = agreement.soft_labels(points, num_components, seed, methods, said.append)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-6)
    return found.argmax(axis=1), said[-1]


@pytest.mark.parametrize("make", [moons, rings])
@pytest.mark.parametrize("seed", [0, 1, 2**32 + 5])
def test_bent_clusters_are_found(make, seed):
    points, kind = make(seed=seed % 7)
    order = np.random.default_rng(seed).permutation(len(points))
    found, said = labels_of(points[order], 2, seed, ("float32", "float64")[seed % 2])
    assert said == GAPS
    assert adjusted_rand_score(kind[order], found) > 0.95
    again, _ = labels_of(points[order], 2, seed, ("float32", "float64")[seed % 2])
    np.testing.assert_array_equal(found, again)


@pytest.mark.parametrize(("again", "said_last"), [(0.96, GAPS), (0.94, "  Clusters by halves.")])
def test_gaps_count_where_they_are_found_again(again, said_last, monkeypatch):
    monkeypatch.setattr(agreement, "stability", lambda *of: again if of[3] is islands.found else 0.9)
    said = []

    def halves(rows, num_components, seed):
        return candidates.Found(np.eye(2)[(rows[:, 0] > 0.5).astype(int)], 0.0)

    agreement.soft_labels(moons(200)[0], 2, 0, {"halves": halves}, said.append)
    assert said[-1] == said_last


def test_of_many_points_the_others_go_with_their_neighbours(monkeypatch):
    monkeypatch.setattr(islands, "MOST_POINTS", 700)
    points, kind = moons(2_500)
    found, said = labels_of(points, 2)
    assert said == GAPS and adjusted_rand_score(kind, found) > 0.99


def test_three_bent_clusters_in_five_dimensions():
    rng = np.random.default_rng(0)
    kind, turn = np.arange(900) % 3, rng.uniform(0, 2 * np.pi, 900)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1) * np.array([1.0, 3.0, 5.0])[kind, None]
    points = ring @ rng.normal(size=(2, 5)) + rng.normal(0, 0.02, (900, 5))
    found, said = labels_of(points, 3)
    assert said == GAPS and adjusted_rand_score(kind, found) > 0.95


def test_round_clusters_and_single_ones_are_as_they_were(monkeypatch):
    rng = np.random.default_rng(0)
    far, _ = datasets.make_blobs(300, 3, centers=3, cluster_std=0.5, random_state=2)
    near, _ = datasets.make_blobs(300, 3, centers=3, cluster_std=6.0, random_state=2)
    for points in (far, near, rng.normal(size=(300, 4)), datasets.load_wine().data, rng.random((61, 2))):
        found, said = labels_of(points, 3)
        assert said.startswith("  Clusters by ") and said != GAPS
        with monkeypatch.context() as patch:
            patch.setattr(agreement, "_islands", lambda *arguments: None)
            np.testing.assert_array_equal(labels_of(points, 3)[0], found)


def test_a_handful_far_from_all_others_is_no_island():
    points = np.random.default_rng(0).normal(size=(600, 3))
    points[:20] += 40
    assert labels_of(points, 2)[1] != GAPS
    rest = islands.found(points, 2, 0).posterior.argmax(axis=1)
    assert islands.leak(points, rest) == 0 and not islands.are_islands(points, rest, np.arange(600) % 2)


def test_few_points_and_answers_of_few_values_have_no_islands():
    points, _ = moons(50)
    assert labels_of(points, 2)[1] != GAPS
    answers = np.random.default_rng(0).integers(0, 3, (100, 2))  # between whose places there are gaps
    assert labels_of(answers, 2)[1] != GAPS


@pytest.mark.parametrize("num_clusters", [1, 2, 5])
def test_the_leak_is_counted_neighbour_by_neighbour(num_clusters):
    rng = np.random.default_rng(num_clusters)
    points, clusters = rng.normal(size=(80, 3)), rng.integers(num_clusters, size=80)
    outside = 0
    for point, cluster in zip(points, clusters, strict=True):
        nearest = np.argsort(np.sum((points - point) ** 2, axis=1))[1:16]
        outside += sum(clusters[other] != cluster for other in nearest)
    chance = 1 - sum((clusters == k).mean() ** 2 for k in range(num_clusters))
    expected = outside / (80 * 15) / chance if num_clusters > 1 else 1.0
    assert islands.leak(points, clusters) == pytest.approx(expected)
