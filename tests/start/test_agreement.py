"""Which clusterings of rows are believed, and that unequal and bent clusters are found."""

import functools

import numpy as np
import pytest
from sklearn import datasets
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from tf_gmvae.start import agreement, candidates

ALL_SAMPLES = agreement.SAMPLES  # other tests have fewer, from when all files are imported


@pytest.fixture(autouse=True)
def all_samples(monkeypatch):
    monkeypatch.setattr(agreement, "SAMPLES", ALL_SAMPLES)


def labels_of(points, num_components, seed=0):
    said = []
    methods = candidates.for_rows(len(points), num_components)
    found = agreement.soft_labels(points, num_components, seed, methods, said.append)
    assert found.shape == (len(points), num_components)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-5)
    return found.argmax(axis=1), said


def blobs(sizes, num_features, spread, seed):
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.arange(len(sizes)), sizes)
    centers = rng.standard_normal((len(sizes), num_features)) * spread
    points = centers[kind] + rng.standard_normal((len(kind), num_features))
    return StandardScaler().fit_transform(points).astype("float32"), kind


def test_clusters_of_95_4_and_1_percent_are_found():
    points, kind = blobs([950, 40, 10], 10, 4, seed=0)
    # Without the map, whose seconds are not needed here.
    methods = {name: method for name, method in candidates.for_rows(1000, 3).items() if name != "map"}
    found = agreement.soft_labels(points, 3, 0, methods, lambda line: None).argmax(axis=1)
    assert adjusted_rand_score(kind, found) > 0.97


@pytest.mark.parametrize(("load", "margin"), [(datasets.load_wine, 0.01), (datasets.load_iris, -0.2)])
def test_tables_of_scikit_learn_are_not_below_k_means(load, margin):
    data = load()
    points = StandardScaler().fit_transform(data.data).astype("float32")
    found, said = labels_of(points, 3)
    floor = KMeans(3, n_init=10, random_state=0).fit_predict(points)
    assert adjusted_rand_score(data.target, found) >= adjusted_rand_score(data.target, floor) - margin
    assert said[0].startswith("  Found again in samples: k-means 0.")
    assert said[1].startswith("  Clusters by mixture")


def arcs(num_points, seed):
    """Bent clusters that nearly touch, and which each point is of."""
    rng = np.random.default_rng(seed)
    kind, turn = np.arange(num_points) % 3, rng.uniform(0, np.pi, num_points)
    points = np.stack([np.cos(turn), np.sin(turn)], axis=1) * (1 + kind)[:, None]
    return StandardScaler().fit_transform(points + rng.normal(0, 0.2, points.shape)).astype("float32"), kind


@pytest.mark.parametrize(
    ("wrong", "teeth", "is_believed"),
    [(0.07, 30, True), (0.2, 30, False), (0.07, 0.4, False)],
    ids=["found again, and neighbours together", "not found again", "neighbours together in the others too"],
)
@pytest.mark.parametrize("num_points", [300, 2_000])  # the second is more than are looked at
def test_a_map_that_parts_few_neighbours_is_believed(wrong, teeth, is_believed, num_points):
    points, kind = arcs(num_points, seed=0)
    kind_of = {row.tobytes(): number for row, number in zip(points, kind, strict=True)}

    def on_map(rows, num_components, seed):
        """The arcs, but for a strip of the plane that is of one of them: another in each sample."""
        found = np.array([kind_of[row.tobytes()] for row in rows])
        near = np.abs(rows[:, 0] - np.random.default_rng(seed).uniform(-1.5, 1.5))
        found[near <= np.quantile(near, wrong)] = 0
        return candidates.Found(np.eye(num_components)[found], None)

    def comb(rows, num_components, seed):
        """The same clusters each time, the narrower the more teeth."""
        return candidates.Found(np.eye(num_components)[np.floor(rows[:, 0] * teeth).astype(int) % 3], 0.0)

    said = []
    found = agreement.soft_labels(points, 3, 0, {"comb": comb, "map": on_map}, said.append).argmax(axis=1)
    assert (said[-1] == "  Clusters by map, where neighbours are together.") == is_believed
    assert (adjusted_rand_score(kind, found) > 0.75) == is_believed


def test_the_same_seed_gives_the_same_labels():
    points, _ = blobs([40, 40], 3, 2, seed=1)
    first, second = (labels_of(points, 2, seed=3)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_what_is_found_again_is_stable_and_noise_is_not():
    points, _ = blobs([60, 60, 60], 4, 6, seed=0)
    noise = np.random.default_rng(0).standard_normal((180, 4))
    assert agreement.stability(points, 3, 0, candidates.k_means) > 0.95
    assert agreement.stability(noise, 3, 0, candidates.k_means) < 0.8


def test_votes_are_numbered_as_the_best_and_weighted():
    best = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.0, 1.0]])
    other = best[:, ::-1].copy()  # the same clusters under other numbers
    other[2] = [0.1, 0.9]  # but one, of which it is surer
    total = agreement.vote({"a": best, "b": other}, {"a": 1.0, "b": 0.5}, "a")
    np.testing.assert_allclose(total[0], [0.9, 0.1])
    np.testing.assert_allclose(total[2], (1.0 * best[2] + 0.5 * other[2][::-1]) / 1.5)


def test_the_criterion_of_k_means_is_that_of_round_gaussians_of_one_width():
    points, kind = blobs([50, 50], 3, 6, seed=2)
    found = candidates.k_means(points, 2, 0)
    means = np.stack([points[kind == k].mean(axis=0) for k in range(2)])
    residual = ((points - means[kind]) ** 2).mean()
    each = -0.5 * (np.log(2 * np.pi * residual) + (points - means[kind]) ** 2 / residual)
    assert found.bic == pytest.approx(7 * np.log(100) - 2 * (each.sum() + 100 * np.log(0.5)), rel=1e-5)


def test_of_many_features_the_principal_components_before_the_greatest_fall():
    rng = np.random.default_rng(0)
    variances = np.concatenate([[50, 40, 30, 25, 20, 15], np.full(60, 1.0)])
    points = rng.standard_normal((400, 66)) * np.sqrt(variances)
    assert candidates.narrow(points, 0).shape == (400, 6)
    assert candidates.narrow(points[:, :50], 0).shape == (400, 50)


def test_rows_of_answers_are_clustered_by_what_is_found_again_alone():
    """Forms of 8 questions: three kinds of people, who answer otherwise than their kind now and then."""
    rng = np.random.default_rng(0)
    kind = rng.integers(3, size=400)
    usual = rng.integers(0, 4, (3, 8))
    answers = np.where(rng.random((400, 8)) < 0.75, usual[kind], rng.integers(0, 4, (400, 8)))
    points = StandardScaler().fit_transform(answers).astype("float32")
    assert agreement.mostly_repeated(points)
    found, said = labels_of(points, 3)
    assert "map" not in said[0]
    assert said[1] == "  Clusters by k-means."
    assert adjusted_rand_score(kind, found) > 0.7


def test_of_answers_the_most_stable_clusters_count_and_of_values_the_likelier_too():
    def steady(rows, num_components, seed):
        return candidates.Found(np.eye(2)[(rows[:, 0] > 0).astype(int)], 2.0)

    def likelier(rows, num_components, seed):
        """The clusters of another column, but for a row, which is another each time."""
        moved = np.arange(len(rows)) == seed
        return candidates.Found(np.eye(2)[((rows[:, 1] > 0) ^ moved).astype(int)], 1.0)

    values = np.random.default_rng(0).normal(size=(200, 3))
    for points, believed in ((values, "likelier"), (np.sign(values), "steady")):
        said = []
        agreement.soft_labels(points, 2, 0, {"steady": steady, "likelier": likelier}, said.append)
        assert said[-1] == f"  Clusters by {believed}."


@pytest.mark.parametrize(("of_map", "voters"), [(0.86, "steady and map"), (0.84, "steady"), (0.96, "map")])
def test_beside_a_map_those_that_are_nearly_as_stable_have_a_vote(of_map, voters, monkeypatch):
    def halves(rows, num_components, seed):
        return candidates.Found(np.eye(2)[(rows[:, 0] > 0).astype(int)], 0.0)

    methods = {"steady": halves, "map": functools.partial(halves)}
    monkeypatch.setattr(agreement, "stability", lambda *of: of_map if of[3] is methods["map"] else 0.9)
    said = []
    agreement.soft_labels(np.random.default_rng(0).normal(size=(100, 3)), 2, 0, methods, said.append)
    assert said[-1] == f"  Clusters by {voters}."


def test_columns_are_of_answers_by_how_many_different_values_they_have():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(100, 8))
    assert not agreement.mostly_repeated(points)
    points[:, 0] = rng.integers(0, 10, 100)
    assert not agreement.mostly_repeated(points)
    points[:, 1] = rng.integers(0, 10, 100)
    assert agreement.mostly_repeated(points)
    points[:, 1] = np.arange(100) % 11
    assert not agreement.mostly_repeated(points)


def test_few_rows_have_no_map():
    assert "map" not in candidates.for_rows(299, 3)
    assert "map" in candidates.for_rows(300, 3)
    assert "map" not in candidates.for_rows(50, 1)
