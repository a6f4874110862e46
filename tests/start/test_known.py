"""A start that a few known examples guide."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score

from tf_gmvae import InputError
from tf_gmvae.data.split import Split
from tf_gmvae.start import agreement, candidates, clusters, known, merging, sample


def labelled(labels, each, seed=0):
    """-1, but of so many examples of each class that class."""
    rng, classes = np.random.default_rng(seed), np.full(len(labels), -1)
    for label in np.unique(labels):
        classes[rng.choice(np.flatnonzero(labels == label), each, replace=False)] = label
    return classes


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([0, 1], "must be 4 whole numbers"),
        ([0.0, 1.0, -1.0, -1.0], "type float64"),
        ([-1, -1, -1, -1], "-1 everywhere"),
        ([0, 1, 2, -1], "3 classes, but there are 2 components"),
    ],
)
def test_what_is_no_knowledge_gets_a_sentence(given, sentence):
    with pytest.raises(InputError, match=sentence):
        known.checked(given, 4, 2)


def test_classes_are_numbered_in_order():
    assert known.checked(None, 4, 2) is None
    np.testing.assert_array_equal(known.checked([7, -1, 3, -5], 4, 2), [1, -1, 0, -1])


def test_what_is_right_is_counted_as_by_hand():
    parts = np.array([0, 0, 0, 1, 1, 2, 3])
    classes = np.array([1, 1, 0, 0, -1, -1, 1])
    np.testing.assert_array_equal(known.of_parts(parts, classes, 4), [1, 0, -1, 1])
    np.testing.assert_array_equal(known.right(parts, classes, 4), [True, True, False, True, True])
    # The third example goes where its class is, the likeliest such cluster of its own; the others stay.
    labels = np.eye(4)[parts] * 0.7 + 0.075
    settled = known.settled(labels, classes)
    np.testing.assert_array_equal(settled.argmax(axis=1), [0, 0, 1, 1, 1, 2, 3])
    np.testing.assert_array_equal(settled[2], [0, 1, 0, 0])
    np.testing.assert_array_equal(settled[[4, 5]], labels[[4, 5]])
    np.testing.assert_array_equal(known.first(np.arange(7), classes), [0, 1, 2, 3, 6, 4, 5])


def test_parts_of_different_classes_stay_apart_however_close_they_are():
    # Parts 0 and 1 hang together by far the most, 2 and 3 hardly at all.
    weights = np.array([[4, 9, 1, 1], [9, 4, 1, 1], [1, 1, 9, 1], [1, 1, 1, 9.0]])
    graph, labels = sparse.csr_matrix(weights), np.arange(4)
    free = merging.merge(graph, labels, 4, 2)
    assert free[0] == free[1]
    told = merging.merge(graph, labels, 4, 2, np.array([0, 1, -1, -1]))
    assert told[0] != told[1] and set(told) == {0, 1}
    for seed in range(20):  # as many clusters as are asked for, whatever is known
        rng = np.random.default_rng(seed)
        random = rng.uniform(size=(9, 9))
        classes = rng.integers(-1, 3, 9)
        joined = merging.merge(sparse.csr_matrix(random + random.T), np.arange(9), 9, 3, classes)
        assert len(set(joined)) == 3
        assert all(len(set(classes[joined == k]) - {-1}) <= 1 for k in range(3))


def test_known_digits_keep_their_clusters_apart():
    """Without them two digits share a cluster, and the adjusted Rand index is 0.86."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype("float32").reshape(-1, 8, 8, 1)
    classes = labelled(labels, each=5)
    found = clusters.find(
        images, 10, to_floats=tf.identity, view=None, num_views=1, max_mapped=1_500, seed=1, classes=classes
    ).argmax(axis=1)
    unknown = classes < 0
    assert adjusted_rand_score(labels[unknown], found[unknown]) > 0.9
    assert known.right(found, classes, 10).all()


def two_groupings(count=150):
    """Rows that fall apart in two ways, of which the labels name the weaker."""
    rng = np.random.default_rng(0)
    strong, weak = rng.integers(0, 2, (2, count))
    rows = rng.normal(size=(count, 7)).astype("float32")
    rows[:, :5] += 4.0 * strong[:, None]
    rows[:, 5:] += 5.0 * weak[:, None]
    return rows, strong, weak


def test_three_more_known_examples_in_their_place_prove_nothing_and_five_do():
    classes, truth = np.where(np.arange(20) < 12, np.arange(20) % 2, -1), np.eye(3)[np.arange(20) % 2]
    methods = {"other": lambda points, num_components, seed: candidates.Found(truth, 0.0)}
    for wrong, believed in ((3, False), (5, True)):
        labels = truth.copy()
        labels[:wrong, :2] = 1 - labels[:wrong, :2]
        told = agreement.with_known(labels, np.zeros((20, 1)), 0, methods, classes, lambda line: None)
        np.testing.assert_array_equal(told, truth if believed else labels)


def test_known_rows_say_which_grouping_is_meant():
    rows, strong, weak = two_groupings()
    methods, said = candidates.for_rows(len(rows), 2), []
    labels = np.eye(2)[strong]
    fast = {"k-means": candidates.k_means}
    few = agreement.with_known(labels, rows, 0, fast, labelled(weak, each=1), said.append)
    np.testing.assert_array_equal(few, labels)  # two examples prove nothing
    assert not said
    told = agreement.with_known(labels, rows, 0, methods, labelled(weak, each=20), said.append)
    assert adjusted_rand_score(weak, told.argmax(axis=1)) > 0.9
    assert said == [
        "  Clusters by linear discriminants of the known examples, which the 40 known examples go with."
    ]


def test_two_known_examples_of_a_class_are_no_matter_of_a_warning(recwarn):
    points = np.repeat([[0.0, 0.0], [9.0, 9.0]], 10, axis=0) + np.random.default_rng(0).normal(size=(20, 2))
    truth = np.repeat([0, 1], 10)
    posterior, told = known.discriminated(points, labelled(truth, each=2))
    assert told.all() and (posterior.argmax(axis=1) == truth).all() and not recwarn.list


def test_known_examples_are_always_among_those_drawn():
    classes = np.full(1000, -1)
    classes[[3, 500, 999]] = [0, 1, 0]
    split = Split(np.arange(1000, dtype="float32")[:, None])
    drawn, numbers, its_classes = sample.drawn(split, np.arange(1000), 10, 0, classes)
    assert {3, 500, 999} <= set(numbers) and len(numbers) == 10 and (np.diff(numbers) > 0).all()
    np.testing.assert_array_equal(its_classes, classes[numbers])
    np.testing.assert_array_equal(drawn.examples[:, 0], numbers)
    assert sample.drawn(split, np.arange(1000), 1000, 0, classes)[2] is classes
    # Without them the draw is the one it was.
    np.testing.assert_array_equal(
        sample.drawn(split, np.arange(1000), 10, 0)[1],
        np.sort(np.random.default_rng(0).choice(1000, 10, replace=False)),
    )
