"""The simple methods beside a run: what they see, and what is said of them."""

import json
import warnings

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_iris
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from tf_gmvae import evaluation
from tf_gmvae.evaluation import baselines, floors, mixtures
from tf_gmvae.evaluation.floors import Floors


def three_blobs(count, seed=0):
    """Rows of three clusters that lie far apart, with their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    return (10.0 * np.eye(3, 4)[labels] + rng.normal(size=(count, 4))).astype("float32"), labels


def test_scores_are_those_of_the_libraries():
    rows, labels = load_iris(return_X_y=True)
    rows, labels = rows[::2].astype("float32"), labels[::2]
    found = Floors(rows, rows, 3, seed=4).compute(labels)
    assert set(found["methods"]) == {"kmeans", "gmm", "gmm_full", "umap"}
    kmeans = KMeans(3, n_init=10, random_state=4).fit_predict(rows)
    assert found["methods"]["kmeans"]["ari"] == pytest.approx(adjusted_rand_score(labels, kmeans))
    mixture = GaussianMixture(3, reg_covar=1e-3, n_init=10, random_state=4).fit_predict(rows)
    assert found["methods"]["gmm_full"]["ari"] == pytest.approx(adjusted_rand_score(labels, mixture))
    assert json.loads(json.dumps(found)) == found
    assert (found["fitted_to"], found["scored_on"]) == (75, 75)


def test_points_that_do_not_differ_are_divided_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mixtures.kmeans(np.ones((20, 3)), 2, seed=0, num_starts=3).labels_.tolist() == [0] * 20


def test_the_mixtures_are_begun_as_often_as_it_takes():
    """Clusters of 95, 4 and 1 %, in which k-means sees one class as two."""
    labels = np.repeat([0, 1, 2], [950, 40, 10])
    means = np.zeros((3, 10))
    means[1, :5] = means[2, 5:] = 4.0
    rows = (means[labels] + np.random.default_rng(0).normal(size=(1000, 10))).astype("float32")
    found = Floors(rows, rows, 3).compute(labels)["methods"]
    assert found["kmeans"]["ari"] < 0.3
    assert found["gmm"]["ari"] > 0.98


def test_methods_see_the_features_they_are_given():
    rows, labels = three_blobs(300)
    spoilt = np.hstack([rows, 1e4 * np.random.default_rng(1).normal(size=(300, 1))]).astype("float32")
    scores = [
        Floors(spoilt, spoilt, 3, features=features).compute(labels)["methods"]["kmeans"]["ari"]
        for features in (None, lambda given: given[:, :4])
    ]
    assert scores[0] < 0.2
    assert scores[1] == 1.0


@pytest.mark.slow
def test_the_quick_map_is_as_good_as_the_slow_one():
    images, labels = load_digits(return_X_y=True)
    images = (images * 15).astype("uint8").reshape(-1, 8, 8, 1)
    train, test, labels = images[:1400], images[1400:], labels[1400:]
    slow, quick = (
        evaluation.scores(cluster(train, test, 10), labels)["ari"]
        for cluster in (baselines.umap_mixture, baselines.quick_umap_mixture)
    )
    assert quick > 0.75
    assert abs(quick - slow) < 0.1


def test_few_examples_and_odd_ones_leave_the_scores_of_a_run_alone(caplog):
    rows, labels = three_blobs(6)
    assert Floors(rows[:2], rows, 3).compute(labels[:6])["methods"] == {}
    assert Floors(rows[:2], rows, 3).agreement(labels) is None
    found = Floors(rows, rows, 3).compute(labels)  # too few for a map: the mixture is on the values
    assert set(found["methods"]) == {"kmeans", "gmm", "gmm_full", "umap"}
    spoilt = np.full((20, 4), np.inf, "float32")
    assert Floors(spoilt, spoilt, 3).compute(np.arange(20) % 3)["methods"] == {} and len(caplog.messages) == 4
    assert caplog.messages[0].startswith("k-means fails, and is left out of what is compared: Input ")
    assert Floors(spoilt, spoilt, 3).agreement(np.arange(20) % 3) is None
    # Of numbers whose squares are infinite a mixture's posterior may be NaN.
    huge = (1e30 * np.random.default_rng(0).normal(size=(100, 3))).astype("float32")
    for scores in Floors(huge, huge, 3).compute(np.arange(100) % 3)["methods"].values():
        assert np.isfinite(scores["ari"])


def test_covariances_are_full_of_up_to_50_columns_alone():
    rows = np.random.default_rng(0).normal(size=(60, 51)).astype("float32")
    assert Floors(rows, rows, 3).methods == ("kmeans", "gmm", "umap")
    assert "gmm_full" in Floors(rows[:, :50], rows, 3).methods
    assert "gmm_full" not in Floors(rows.reshape(60, 17, 3), rows, 3).methods


def test_of_many_or_large_examples_some_are_drawn(monkeypatch):
    monkeypatch.setattr(floors, "MOST", 200)
    monkeypatch.setattr(floors, "MOST_VALUES", 600)
    rows, labels = three_blobs(500)
    beside = Floors(rows, rows, 3)
    assert len(beside.drawn) == 150 and (np.diff(beside.drawn) > 0).all()
    found = beside.compute(labels)
    assert (found["fitted_to"], found["scored_on"]) == (150, 150)
    assert found["methods"]["kmeans"]["ari"] == 1.0
    assert beside.agreement(labels) == 1.0
    # Of either part by the seed.
    assert (Floors(rows, rows, 3, seed=1).drawn != beside.drawn).any()
    fitted = [Floors(rows, rows[:60], 3, seed)._train for seed in (0, 0, 1)]
    assert (fitted[0] == fitted[1]).all() and (fitted[0] != fitted[2]).any()


def test_stored_scores_are_told_by_what_they_depend_on():
    rows, labels = three_blobs(60)
    of = Floors(rows, rows, 3).of(labels)
    assert Floors(rows.copy(), rows, 3).of(labels) == of
    others = [
        Floors(rows + 1, rows, 3).of(labels), Floors(rows, rows, 3).of(1 - labels),
        Floors(rows, rows, 2).of(labels), Floors(rows, rows, 3, seed=1).of(labels),
    ]  # fmt: skip
    assert of not in others


@pytest.mark.parametrize(
    ("ours", "sentence"),
    [
        (0.95, None),
        (0.9, "Gaussian mixture does as well here: ARI 0.900, the GMVAE's 0.900."),
        (0.8, "Gaussian mixture does better here: ARI 0.900, the GMVAE's 0.800."),
        (0.7, "k-means and Gaussian mixture do better here: ARI 0.800 and 0.900, the GMVAE's 0.700."),
        (None, None),
    ],
)
def test_it_is_said_when_a_simple_method_suffices(ours, sentence):
    metrics = {"ari": ours, "floors": {"methods": {"gmm": {"ari": 0.9}, "kmeans": {"ari": 0.8}}}}
    assert floors.verdict(metrics) == sentence
    if ours == 0.7:
        metrics["floors"]["methods"]["gmm_full"] = {"ari": 0.85}
        three = (
            "k-means, Gaussian mixture and full mixture do better here: ARI 0.800, 0.900 and 0.850, the GMVAE's "
        )
        assert floors.verdict(metrics) == f"{three}0.700."
    assert floors.verdict({"ari": ours, "floors": {"agreement": 0.3}}) is None
    assert floors.verdict({"ari": ours}) is None


def test_one_cluster_is_compared_with_nothing():
    rows, labels = three_blobs(60)
    alone = Floors(rows, rows, 1)
    assert alone.methods == () and alone.compute(labels)["methods"] == {} and alone.agreement(labels) is None
    # As an earlier version may have stored it.
    metrics = {"num_components": 1, "ari": 0.0, "floors": {"methods": {"kmeans": {"ari": 0.0}}}}
    assert floors.verdict(metrics) is None
    assert floors.verdict({**metrics, "num_components": 2}) is not None


def test_rows_stand_in_order_with_the_start_before_the_end():
    metrics = {
        "floors": {"methods": {"umap": {"ari": 2}, "kmeans": {"ari": 1}}},
        "start": {"labels_found": {"ari": 3}, "after": {"ari": 4}},
        "ari": 5,
    }
    assert [(title, scores["ari"]) for title, scores in floors.rows(metrics)] == [
        ("k-means", 1), ("UMAP + Gaussian mixture", 2), ("labels of the start", 3), ("after the start", 4),
        ("GMVAE", 5),
    ]  # fmt: skip
    assert floors.rows({"ari": 5, "floors": None}) == []
