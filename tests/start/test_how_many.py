"""How many clusters there are."""

import itertools

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.datasets import load_wine, make_blobs

import tf_gmvae
from tf_gmvae import InputError, data, likelihoods
from tf_gmvae.data.frames import as_table
from tf_gmvae.start import clusters, how_many, resampling
from tf_gmvae.start.how_many import HowMany
from tf_gmvae.tables.describing import describe
from tf_gmvae.tables.of_columns import told_by


def chosen(examples, seed=0, view=None):
    compared = clusters.compare(
        examples.astype("float32"), to_floats=tf.identity, view=view, num_views=4, max_mapped=4000, seed=seed
    )
    return how_many.choose(compared, seed)


def test_round_clusters_are_counted_on_the_map():
    points, _ = make_blobs(700, 10, centers=7, cluster_std=2.5, random_state=1)
    found = chosen(points)
    assert (found.num_components, found.by, found.sure) == (7, "map", True)
    assert found.stability[7] > max(found.stability[k] for k in (4, 5, 9, 10, 11))
    assert "7 clusters, on which samples of the data agree to 1.00" in found.sentence


@pytest.mark.slow
@pytest.mark.parametrize("order", [1, -1])
def test_bent_clusters_are_counted_by_the_gaps_between_them(order):
    arcs = data.load("synthetic").train.examples[:1500][::order]
    found = chosen(arcs, seed=2)
    assert (found.num_components, found.by, found.sure) == (5, "density", True)
    assert found.stability == {5: pytest.approx(1.0, abs=0.1)}


def test_one_cloud_is_one_cluster():
    found = chosen(np.random.default_rng(0).normal(size=(400, 5)))
    assert (found.num_components, found.by, found.sure) == (1, "likelihood", False)
    assert found.sentence.startswith("1 cluster:")


@pytest.mark.slow
def test_digits_are_about_ten(digits):
    images, _ = digits
    found = chosen(images, view=clusters.view_layer("auto", images.shape[1:], 0))
    assert found.by == "map"
    assert 9 <= found.num_components <= 12


def test_samples_are_compared_by_the_pairs_that_they_have_in_common():
    """The adjusted Rand index, pair by pair (Hubert and Arabie 1985)."""
    rng = np.random.default_rng(0)
    samples = [np.where(rng.random(40) < 0.2, resampling.ABSENT, rng.integers(0, 3, 40)) for _ in range(3)]
    expected = []
    for first, second in itertools.combinations(samples, 2):
        both = np.flatnonzero((first > -2) & (second > -2))
        pairs = list(itertools.combinations(both, 2))
        together = sum(first[i] == first[j] and second[i] == second[j] for i, j in pairs)
        in_first = sum(first[i] == first[j] for i, j in pairs)
        in_second = sum(second[i] == second[j] for i, j in pairs)
        chance = in_first * in_second / len(pairs)
        expected.append((together - chance) / ((in_first + in_second) / 2 - chance))
    assert resampling.pairwise_agreement(samples) == pytest.approx(np.mean(expected))


def test_one_cluster_of_all_is_the_same_in_each_sample_and_was_not_found():
    nothing_dense = np.where(np.random.default_rng(0).random((3, 40)) < 0.2, resampling.ABSENT, -1)
    assert resampling.pairwise_agreement(nothing_dense) == 0


def test_the_same_seed_asks_the_same():
    table = load_wine().data
    points = (table - table.mean(axis=0)) / table.std(axis=0)
    first, second = (chosen(points, seed=1) for _ in range(2))
    assert first == second
    assert first.num_components == 3


@pytest.mark.parametrize("count", [2, 5, 29, 31])
def test_few_examples_have_an_answer(count):
    found = chosen(np.random.default_rng(count).normal(size=(count, 3)))
    assert 1 <= found.num_components <= count


def test_the_sentence_tells_the_unsure():
    unsure = HowMany(4, "map", {3: 0.6, 4: 0.7}, False)
    assert "0.70 of 1 only" in unsure.sentence
    assert "no more than a way to divide" in HowMany(4, "likelihood", {}, False).sentence


def test_clusters_that_are_the_values_of_columns_are_said_to_be():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=300), "open": rng.choice(["yes", "no"], 300)})
    frame["kind"] = rng.choice(list("abcd"), 300)
    columns, _ = describe(as_table(frame))
    rows = columns.numbers(as_table(frame))
    kinds, (_, both) = rows[:, 2].astype(int), np.unique(rows[:, 1:], axis=0, return_inverse=True)
    for clusters_of, names in (
        (kinds, ("kind",)),
        (np.where(rng.random(300) < 0.03, 0, kinds), ("kind",)),
        (both.ravel(), ("open", "kind")),
        (rows[:, 0] > 0, ()),
        (np.where(rng.random(300) < 0.3, 0, kinds), ()),
    ):
        assert told_by(np.asarray(clusters_of), rows, columns) == names
    missing = np.where(rng.random(rows.shape) < 0.1, np.nan, rows)
    assert told_by(np.nan_to_num(missing[:, 2], nan=9).astype(int), missing, columns) == ("kind",)
    assert "4 clusters, but they are hardly more than the values of 'open' and 'kind': leave them out" in (
        HowMany(4, "map", {4: 1.0}, False, ("open", "kind")).sentence
    )


@pytest.mark.slow
def test_gaps_between_the_values_of_a_column_are_no_sure_clusters():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.normal(size=600) for name in "xyz"})
    frame["kind"] = rng.choice(list("abcd"), 600)
    found = tf_gmvae.GMVAEClusterer("auto", max_steps=1, random_state=0).fit(frame).how_many_
    assert (found.values_of, found.sure) == (("kind",), False)


@pytest.mark.slow
def test_the_number_is_all_that_asking_adds():
    points, labels = make_blobs(240, 4, centers=3, cluster_std=0.5, random_state=0)
    asked, told = (
        tf_gmvae.GMVAEClusterer(number, random_state=1, max_steps=60).fit(points) for number in ("auto", 3)
    )
    assert asked.how_many_.num_components == asked.model_.num_components == 3
    assert told.how_many_ is None
    np.testing.assert_array_equal(asked.predict_proba(points), told.predict_proba(points))
    assert tf_gmvae.evaluation.hungarian_accuracy(asked.predict_proba(points), labels) > 0.98


@pytest.mark.slow
def test_cluster_asks_and_finds():
    found = tf_gmvae.cluster(load_wine(as_frame=True).data, num_components="auto", seed=1)
    assert found.how_many.num_components == found.probabilities.shape[1] == 3


def test_what_cannot_be_asked_gets_a_sentence():
    points = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
    with pytest.raises(InputError, match="must be an integer or 'auto'. Received: 'many'"):
        tf_gmvae.cluster(points, num_components="many")
    with pytest.raises(InputError, match="name it, not 'auto'"):
        tf_gmvae.cluster(points, num_components="auto", known=np.zeros(60, int))
    with pytest.raises(InputError, match="cannot make 2 clusters"):
        how_many.ask(data.Split(np.ones((9, 3), "float32")), likelihoods.get("gaussian"), 0, verbose=False)


def test_clusters_of_other_data_are_no_start(make_table_model, table):
    found = how_many.Start(np.full((50, 4), 0.25, "float32"), np.arange(50))
    with pytest.raises(InputError, match="clusters of 50 examples, not of the 200"):
        make_table_model().initialize(table, found=found, max_steps=2, verbose=0)
