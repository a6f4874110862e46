"""Scores against hand-worked posteriors, brute force and scikit-learn."""

import itertools
from collections import deque
from decimal import Decimal

import numpy as np
import pandas
import pytest
import sklearn.metrics

from tf_gmvae import InputError, evaluation

# Five examples, three clusters, labels 0, 0, 1, 1, 1. Clusters (argmax by row): 0, 0, 0, 1, 1.
#
# Table 1: the highest p(z_0 | y) of all is 0.9 of example 0, label 0; the highest p(z_1 | y) 0.8 of example 3,
# label 1; cluster 2 has none assigned. Labels given: 0, 0, 0, 1, 1: right are 4 of 5.
# Majority: cluster 0 holds labels 0, 0, 1 (2 right), cluster 1 holds 1, 1 (2 right): 4 of 5.
# Hungarian: three clusters, two classes: None. In use: 2.
SMALL = np.array([[0.9, 0.1, 0.0], [0.6, 0.3, 0.1], [0.5, 0.1, 0.4], [0.1, 0.8, 0.1], [0.3, 0.7, 0.0]])
SMALL_LABELS = np.array([0, 0, 1, 1, 1])

# Two clusters, two classes. Clusters: 0, 0, 0, 1. Labels: 0, 1, 1, 1.
# Table 1: the exemplar of cluster 0 is example 1 (0.9), label 1; that of cluster 1 is example 3, label 1.
# Labels given: 1, 1, 1, 1: right are 3 of 4. Majority: cluster 0 holds 0, 1, 1 (2), cluster 1 holds 1 (1): 3 of 4.
# Hungarian: 0-0 and 1-1 gets 1 + 1 right; 0-1 and 1-0 gets 2 + 0: 2 of 4 either way.
SQUARE = np.array([[0.6, 0.4], [0.9, 0.1], [0.7, 0.3], [0.2, 0.8]])
SQUARE_LABELS = np.array([0, 1, 1, 1])

# The exemplar of cluster 2 is example 0 (0.45, label "a"), though example 0 belongs to cluster 0 (0.55), and
# example 3, alone in cluster 2, has but 0.4 there. Clusters: 0, 1, 1, 2. Exemplars: cluster 0 example 0 (0.55),
# "a"; cluster 1 example 1 (0.9), "b"; cluster 2 example 0, "a". Given: a, b, b, a. Labels: a, b, a, c: right are
# 2 of 4.
# An exemplar from among the cluster's own would give example 3 its own label "c": 3 of 4.
# Majority: a (1), b or a (1), c (1): 3 of 4. Hungarian: 0-a, 1-b, 2-c: 3 of 4.
BORROWED = np.array([[0.55, 0.0, 0.45], [0.1, 0.9, 0.0], [0.2, 0.6, 0.2], [0.3, 0.3, 0.4]])
BORROWED_LABELS = np.array(["a", "b", "a", "c"])

HAND_WORKED = {
    "small": (SMALL, SMALL_LABELS, 0.8, 0.8, None, 2),
    "square": (SQUARE, SQUARE_LABELS, 0.75, 0.75, 0.5, 2),
    "borrowed exemplar": (BORROWED, BORROWED_LABELS, 0.5, 0.75, 0.75, 3),
}
SCORES = ("accuracy_table1", "accuracy_majority", "accuracy_hungarian", "nmi", "ari", "components_in_use")
FUNCTIONS = (evaluation.table1_accuracy, evaluation.majority_accuracy, evaluation.hungarian_accuracy)


def random_clustering(components=4, classes=4, examples=60, seed=0):
    """A posterior and labels that agree in part; every class occurs."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), rng.integers(classes, size=examples - classes)])
    logits = rng.normal(size=(examples, components))
    logits[np.arange(examples), labels % components] += 1.0
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), labels


@pytest.mark.parametrize("name", HAND_WORKED)
def test_hand_worked(name):
    posterior, labels, *expected, in_use = HAND_WORKED[name]
    assert [function(posterior, labels) for function in FUNCTIONS] == pytest.approx(expected)
    assert evaluation.components_in_use(posterior) == in_use
    scores = evaluation.scores(posterior, labels)
    assert tuple(scores) == SCORES
    assert [scores[key] for key in SCORES[:3]] == pytest.approx(expected)
    assert scores["components_in_use"] == in_use


def test_nmi_and_ari_by_hand():
    # SQUARE: clusters 0, 0, 0, 1 and labels 0, 1, 1, 1. Both have the entropy H = h(1/4); the joint has cells
    # 1/4, 1/2, 1/4, so I = 2 H - H(joint), and NMI = I / H.
    marginal = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    joint = -(0.5 * np.log(0.25) + 0.5 * np.log(0.5))
    # Pairs in one cell: 1; expected: 3 * 3 / 6 = 1.5; maximal: 3. ARI = (1 - 1.5) / (3 - 1.5).
    scores = evaluation.scores(SQUARE, SQUARE_LABELS)
    assert scores["nmi"] == pytest.approx((2.0 * marginal - joint) / marginal)
    assert scores["ari"] == pytest.approx(-1.0 / 3.0)


@pytest.mark.parametrize("components", [2, 4, 7])
def test_nmi_and_ari_equal_sklearn(components):
    posterior, labels = random_clustering(components)
    clusters = [int(np.argmax(row)) for row in posterior]
    scores = evaluation.scores(posterior, labels)
    assert 0.02 < scores["nmi"] < 0.98  # neither trivial nor perfect
    assert scores["nmi"] == pytest.approx(sklearn.metrics.normalized_mutual_info_score(labels, clusters))
    assert scores["ari"] == pytest.approx(sklearn.metrics.adjusted_rand_score(labels, clusters))


@pytest.mark.parametrize("seed", range(5))
def test_hungarian_equals_brute_force(seed):
    posterior, labels = random_clustering(seed=seed)
    clusters = posterior.argmax(axis=1)
    best = 0.0
    for classes in itertools.permutations(range(4)):
        given = np.array([classes[cluster] for cluster in clusters])
        best = max(best, float(np.mean(given == labels)))
    assert evaluation.hungarian_accuracy(posterior, labels) == pytest.approx(best)


@pytest.mark.parametrize("components", [3, 5])
def test_hungarian_needs_as_many_clusters_as_classes(components):
    posterior, labels = random_clustering(components)
    assert evaluation.hungarian_accuracy(posterior, labels) is None
    scores = evaluation.scores(posterior, labels)
    assert scores["accuracy_hungarian"] is None
    assert scores["accuracy_majority"] == evaluation.majority_accuracy(posterior, labels) > 0.3


def saturated(seed=0, examples=120, components=5, classes=4):
    """Log p(z | y) so certain that most posteriors are 1 in float32 and many in float64, and labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=examples)
    logits = rng.normal(0, 60, (examples, components))
    logits[np.arange(examples), (labels + (rng.random(examples) < 0.3)) % components] += 120
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True), labels


LOG, LOG_LABELS = saturated()
UNORDERED = {
    "float32": (np.exp(LOG).astype("float32"), LOG_LABELS, None),
    "float64": (np.exp(LOG), LOG_LABELS, None),
    "log float32": (np.exp(LOG).astype("float32"), LOG_LABELS, LOG.astype("float32")),
    "log float64": (np.exp(LOG), LOG_LABELS, LOG),
    "one-hot": (np.eye(5, dtype="float32")[LOG.argmax(axis=1)], LOG_LABELS, None),
    "one-hot of integers": (np.eye(4, dtype=int)[LOG.argmax(axis=1) % 4], LOG_LABELS, None),
    "uniform": (np.full((120, 4), 0.25), np.array(["b", "a", "d", "c"])[LOG_LABELS], None),
    "one component": (np.ones((120, 1), "float32"), LOG_LABELS, np.zeros((120, 1), "float32")),
    "zeros": (np.zeros((120, 3)), LOG_LABELS, None),
}


@pytest.mark.parametrize("name", UNORDERED)
def test_the_order_of_the_examples_changes_no_score(name):
    posterior, labels, log_posterior = UNORDERED[name]

    def all_scores(order):
        log = None if log_posterior is None else log_posterior[order]
        return (
            evaluation.scores(posterior[order], labels[order], log),
            evaluation.table1_accuracy(posterior[order], labels[order], log),
            [function(posterior[order], labels[order]) for function in FUNCTIONS],
        )

    rng = np.random.default_rng(1)
    expected = all_scores(np.arange(120))
    for _ in range(40):
        assert all_scores(rng.permutation(120)) == expected  # bit for bit


@pytest.mark.parametrize("seed", range(5))
def test_the_most_certain_is_found_among_posteriors_that_are_rounded_to_one(seed):
    log_posterior, labels = saturated(seed)
    posterior = np.exp(log_posterior).astype("float32")
    assert np.sum(posterior == 1) > 60
    right = 0
    for k in range(posterior.shape[1]):
        # What is left for the others, without rounding: the smallest is the most certain.
        left = [sum(Decimal(x).exp() for j, x in enumerate(row) if j != k) for row in log_posterior]
        given = labels[min(range(len(labels)), key=lambda i: left[i])]
        right += np.sum(labels[posterior.argmax(axis=1) == k] == given)
    assert evaluation.table1_accuracy(posterior, labels, log_posterior) == right / len(labels)


def test_equals_give_their_most_frequent_label_and_then_the_smallest():
    posterior = np.eye(2)[[0, 0, 0, 1, 1, 1, 1]]
    # Cluster 0 holds b, a, b: b, 2 right. Cluster 1 holds d, c, c, d: c, 2 right.
    assert evaluation.table1_accuracy(posterior, list("babdccd")) == 4 / 7
    # The most certain of all of cluster 1 is alone now: d, and c is wrong.
    posterior[0] = 0.9, 0.1
    posterior[4:] = 0.1, 0.9
    # Cluster 0: a, b are equal, so a, 1 right of b, a, b. Cluster 1: d alone, 2 right.
    assert evaluation.table1_accuracy(posterior, list("babdccd")) == 3 / 7


def test_log_odds_by_hand():
    posterior = np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    inf = np.inf
    expected = [[0, -np.log(3), -np.log(3)], [inf, -inf, -inf], [-inf, -inf, -inf]]
    np.testing.assert_allclose(evaluation.log_odds(posterior), expected, atol=1e-15)
    log_posterior = np.array([[0.0, -400.0, -500.0]], "float32")
    found = evaluation.log_odds(np.exp(log_posterior), log_posterior)
    np.testing.assert_allclose(found, [[400, -400, -500]])


def test_logarithms_in_place_of_probabilities_are_named_and_the_advice_works():
    for score in (*FUNCTIONS, evaluation.scores, lambda given, _: evaluation.scores(given)):
        with pytest.raises(InputError, match="example 0 has a negative number.* as log_posterior"):
            score(LOG, LOG_LABELS)
    assert evaluation.table1_accuracy(np.exp(LOG), LOG_LABELS, log_posterior=LOG) > 0.5


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((5, 2)), r"numbers \(5, 3\), as the posterior is. Received: shape \(5, 2\)"),
        (np.full((5, 3), "a"), "dtype <U1"),
        (np.where(np.arange(5)[:, None] == 3, np.nan, np.zeros((5, 3))), "example 3 is nan"),
        (np.where(np.arange(5)[:, None] == 2, np.inf, np.zeros((5, 3))), "example 2 is inf"),
    ],
)
def test_a_log_posterior_that_does_not_fit(bad, message):
    for function in (evaluation.table1_accuracy, evaluation.scores):
        with pytest.raises(InputError, match=message):
            function(SMALL, SMALL_LABELS, log_posterior=bad)


@pytest.mark.parametrize("seed", range(3))
def test_table1_equals_its_protocol_in_a_loop(seed):
    posterior, labels = random_clustering(components=9, seed=seed)
    right = 0
    for k in range(9):
        exemplar = max(range(len(labels)), key=lambda i: posterior[i, k])
        assigned = [i for i in range(len(labels)) if posterior[i, k] == max(posterior[i])]
        right += sum(labels[i] == labels[exemplar] for i in assigned)
    assert evaluation.table1_accuracy(posterior, labels) == pytest.approx(right / len(labels))


def test_an_empty_cluster_contributes_nothing():
    # The new cluster's exemplar has a label of its own, which nothing assigned may receive.
    empty = np.full((len(SMALL), 1), 1e-3)
    wider = np.concatenate([SMALL, empty], axis=1)
    assert evaluation.scores(wider, SMALL_LABELS) == evaluation.scores(SMALL, SMALL_LABELS)


@pytest.mark.parametrize("components", [4, 6])
def test_names_of_clusters_and_classes_do_not_matter(components):
    posterior, labels = random_clustering(components)
    expected = evaluation.scores(posterior, labels)
    clusters = np.random.default_rng(1).permutation(components)
    names = np.array(["seven", "one", "nine", "four"])
    examples = np.random.default_rng(2).permutation(len(labels))
    for changed in (
        evaluation.scores(posterior[:, clusters], labels),
        evaluation.scores(posterior, 10 - 3 * labels),
        evaluation.scores(posterior, names[labels]),
        evaluation.scores(posterior, names[labels].tolist()),
        evaluation.scores(posterior[examples], labels[examples]),
    ):
        assert changed == pytest.approx(expected)


def test_perfect_clustering():
    labels = np.array([2, 0, 1, 1, 2, 0])
    scores = evaluation.scores(np.eye(3)[labels] * 0.7 + 0.1, labels)
    assert [scores[key] for key in SCORES] == pytest.approx([1.0, 1.0, 1.0, 1.0, 1.0, 3])


def test_collapsed_clustering():
    # All in cluster 0, whose most certain example is the second, label 1; label 2 has the majority.
    posterior = np.array([[0.8, 0.1, 0.1], [0.9, 0.1, 0.0], [0.7, 0.1, 0.2], [0.6, 0.2, 0.2]])
    scores = evaluation.scores(posterior, np.array([0, 1, 2, 2]))
    assert [scores[key] for key in SCORES] == pytest.approx([0.25, 0.5, 0.5, 0.0, 0.0, 1])


def test_without_labels():
    scores = evaluation.scores(SMALL)
    assert scores == {**dict.fromkeys(SCORES), "components_in_use": 2}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("function", [*FUNCTIONS, evaluation.scores])
def test_posterior_that_is_not_finite(function, bad):
    posterior = SMALL.copy()
    posterior[3, 1] = bad
    with pytest.raises(InputError, match="example 3"):
        function(posterior, SMALL_LABELS)


@pytest.mark.parametrize("function", [evaluation.components_in_use, evaluation.scores])
@pytest.mark.parametrize("shape", [(5,), (5, 3, 1), (0, 3), (5, 0)])
def test_posterior_of_a_wrong_shape(function, shape):
    with pytest.raises(InputError, match="posterior") as error:
        function(np.zeros(shape))
    assert str(shape) in str(error.value)


@pytest.mark.parametrize("function", [*FUNCTIONS, evaluation.scores])
@pytest.mark.parametrize("shape", [(4,), (6,), (5, 1), ()])
def test_labels_of_a_wrong_shape(function, shape):
    with pytest.raises(InputError, match="label") as error:
        function(SMALL, np.zeros(shape, int))
    assert str(shape) in str(error.value)
    assert "5" in str(error.value)


def test_components_in_use_without_labels_checks_the_posterior():
    with pytest.raises(InputError, match="example 0"):
        evaluation.scores(np.array([[np.nan, 1.0]]))


def test_a_posterior_of_words_is_named():
    with pytest.raises(InputError, match="must hold numbers. Received: an array of dtype <U1"):
        evaluation.scores([["a", "b"]])


@pytest.mark.parametrize(
    ("labels", "index"),
    [
        ([0, np.nan, 1, 1], 1),
        (np.ma.array([0, 1, 1, 1], mask=[0, 0, 1, 0]), 2),
        (["a", "b", None, "b"], 2),
        (["a", "b", float("nan"), "b"], 2),
        (("a", np.float32("nan"), 3, None), 1),
        ([b"a", b"b", None, b"b"], 2),
        ([b"a", np.nan, b"b", b"b"], 1),
        ([np.datetime64("NaT"), "a", "b", "b"], 0),
        (["a", "b", pandas.NA, "b"], 2),
        ((1, 2, pandas.NA, 1), 2),
        (deque(["a", "b", np.nan, "b"]), 2),
        ([None, 1.5, 2.5, 1.5], 0),
        (pandas.Series(["x", "x", "y", None], dtype="string"), 3),
        (np.array(["2020-01-01", "NaT", "NaT", "2020-01-02"], "M8[D]"), 1),
        (pandas.to_datetime(pandas.Series(["2020-01-01", "2020-01-02", "2020-01-02", None])), 3),
    ],
)
def test_labels_that_are_missing_are_named(labels, index):
    posterior = np.eye(2)[[0, 0, 1, 1]]
    for score in (evaluation.majority_accuracy, evaluation.table1_accuracy, evaluation.scores):
        with pytest.raises(InputError, match=f"The label of example {index} is missing"):
            score(posterior, labels)
    mixed = evaluation.scores(posterior, np.array([0, "a", 1, 1], object))
    assert mixed["accuracy_majority"] == 0.75


@pytest.mark.parametrize(
    "labels",
    [
        np.array([b"a", b"a", b"b", b"b"]), np.array([1, 1.0, 2.0, 2], object), [True, 1, 0, False],
        np.array([0.5, 0.5, 1.5, 1.5]), np.array(["a", "a", 3, 3], object),
        np.array(["2020-01-01", "2020-01-01", "2020-01-02", "2020-01-02"], "M8[D]"),
        pandas.Series(["x", "x", "y", "y"], dtype="category"), np.array([2**63, 2**63, 1, 1], "uint64"),
        ["1", "1", 1, 1], (b"1", b"1", "1", "1"), ["True", "True", True, 1],
    ],
    ids=[
        "bytes", "equal numbers", "bools and numbers", "halves", "kinds", "dates", "categories", "large",
        "list of kinds", "bytes and texts", "bools and texts",
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("error")
def test_labels_of_any_kind_are_scored_as_their_numbers_are(labels):
    posterior = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9]])
    assert evaluation.scores(posterior, labels) == evaluation.scores(posterior, [0, 0, 1, 1])
    classes, counts = evaluation.contingency(posterior, labels)
    assert len(classes) == 2 and sorted(counts.max(axis=0)) == [2, 2]


@pytest.mark.parametrize("labels", [[{1}, {1}, {2}, {2}], [[1], [1, 2], [2], [2]]])
def test_labels_that_nothing_can_look_up_are_named(labels):
    with pytest.raises(InputError, match=f"label of example 0 is a {type(labels[0]).__name__}.*numbers or texts"):
        evaluation.scores(np.eye(2)[[0, 0, 1, 1]], labels)


def test_tuples_may_be_labels():
    labels = np.empty(4, object)
    labels[:] = [(1, "a"), (1, "a"), (2, "b"), (2, "b")]
    assert evaluation.scores(np.eye(2)[[0, 0, 1, 1]], labels)["ari"] == 1
