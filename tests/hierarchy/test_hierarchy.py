"""Clusters of clusters: the tree, its cuts, its scores, and its way through the commands."""

import itertools
import json
import re
import shutil

import keras
import numpy as np
import pytest
from conftest import run_warm
from pyarrow import csv
from scipy.cluster import hierarchy as scipy_hierarchy
from scipy.spatial.distance import cdist
from support.commands import run_all

from tf_gmvae import InputError
from tf_gmvae.evaluation.hierarchies import dendrogram_purity
from tf_gmvae.hierarchy import joining
from tf_gmvae.hierarchy.tree import Hierarchy
from tf_gmvae.report import tree as report_tree
from train.run import groups
from train.run.folder import RunFolder


@pytest.fixture
def pairs():
    """Six clusters in pairs that touch, and which pair each is of: 0 and 3, 1 and 4, 2 and 5."""
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [20, 0], [0, 20], [2.5, 0], [20, 2.5], [2.5, 20]])
    clusters = rng.integers(0, 6, 600)
    x = centres[clusters] + rng.normal(size=(600, 2))
    densities = -0.5 * cdist(x, centres, "sqeuclidean")
    return densities - np.logaddexp.reduce(densities, axis=1, keepdims=True), x, clusters


def test_neighbours_are_counted_pair_by_pair(pairs):
    posterior, x, _ = pairs
    rng = np.random.default_rng(1)
    posterior, x = rng.dirichlet(np.ones(6), 80).astype("float32"), x[:80]
    expected = np.zeros((6, 6))
    distances = cdist(x, x)
    for i in range(80):
        for j in np.argsort(distances[i])[1:16]:
            for a, b in itertools.product(range(6), repeat=2):
                expected[a, b] += posterior[i, a] * posterior[j, b]
    expected = (expected + expected.T) / (2 * expected.sum())
    np.testing.assert_allclose(joining.of_neighbours(posterior, x), expected, rtol=1e-5)


def test_overlaps_are_of_two_draws_from_a_softened_posterior(pairs):
    log_posterior, _, _ = pairs
    soft = joining.softened(100 * log_posterior)  # as sure as a trained model is
    assert soft.max(axis=1).mean() == pytest.approx(0.75, abs=1e-3)
    np.testing.assert_array_equal(soft.argmax(axis=1), log_posterior.argmax(axis=1))
    np.testing.assert_allclose(soft, joining.softened(log_posterior), atol=1e-5)  # however sure it was
    expected = np.mean([np.outer(row, row) for row in soft], axis=0)
    np.testing.assert_allclose(joining.of_overlaps(soft), expected)
    unsure = np.log(np.full((4, 5), 0.2))
    np.testing.assert_allclose(joining.softened(unsure), 0.2)


def test_heights_are_averages_over_what_is_joined(pairs):
    """Each height by its definition: what the two nodes have in common, over what chance has."""
    log_posterior, x, _ = pairs
    shares = (
        joining.of_neighbours(np.exp(log_posterior), x) + joining.of_overlaps(joining.softened(log_posterior))
    ) / 2
    found = joining.linkage(shares)
    np.testing.assert_allclose(joining.tree(log_posterior, x).linkage, found)
    below = [[k] for k in range(6)]
    for first, second, height, size in found:
        a, b = below[int(first)], below[int(second)]
        times = shares[np.ix_(a, b)].sum() / (shares[a].sum() * shares[b].sum())
        assert height == pytest.approx(np.log1p(1 / (times + 1e-3)), rel=1e-9)
        below.append(a + b)
        assert size == len(below[-1])
        others = [node for node in below[:-1] if not set(node) <= set(a + b) and not set(node) & set(a + b)]
        for other, joined in itertools.product(others, (a, b)):
            assert shares[np.ix_(other, joined)].sum() / (shares[other].sum() * shares[joined].sum()) <= times
    assert scipy_hierarchy.is_valid_linkage(found)
    assert scipy_hierarchy.is_monotonic(found)


def test_pairs_that_touch_are_joined_first(pairs):
    posterior, x, clusters = pairs
    tree = joining.tree(posterior, x)
    groups = tree.groups(3)
    assert [groups[k] for k in (3, 4, 5)] == [groups[k] for k in (0, 1, 2)] == [0, 1, 2]
    np.testing.assert_array_equal(tree.cut(3).argmax(axis=1), clusters % 3)
    order = np.random.default_rng(2).permutation(600)
    np.testing.assert_allclose(joining.tree(posterior[order], x[order]).linkage, tree.linkage)  # in any order


def test_cuts_and_nodes_add_the_posterior_up(pairs):
    posterior, x, _ = pairs
    tree = joining.tree(posterior, x)
    soft = np.random.default_rng(3).dirichlet(np.ones(6), 50).astype("float32")
    for number in range(1, 7):
        expected = scipy_hierarchy.cut_tree(tree.linkage, number).ravel()
        groups = tree.groups(number)
        assert len(np.unique(groups)) == number
        assert len({*zip(groups, expected, strict=True)}) == number  # SciPy's groups, by other numbers
        np.testing.assert_allclose(tree.cut(number, soft).sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(tree.cut(6, soft), soft)
    nodes = tree.nodes(soft)
    np.testing.assert_allclose(nodes[:, :6], soft)
    np.testing.assert_allclose(nodes[:, -1], 1, atol=1e-6)
    for row, (first, second) in enumerate(tree.linkage[:, :2].astype(int)):
        np.testing.assert_allclose(nodes[:, 6 + row], nodes[:, first] + nodes[:, second], atol=1e-6)


def test_components_without_examples_join_at_once(pairs):
    posterior, x, _ = pairs
    wider = np.insert(posterior, 2, -1e6, axis=1)  # component 2 is empty
    tree = joining.tree(wider, x)
    assert tree.linkage[0, 2] == 0
    assert 2 in tree.linkage[0, :2]
    assert len(np.unique(tree.groups(6)[[0, 1, 3, 4, 5, 6]])) == 6


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_examples_and_one_component_have_a_tree(count):
    x = np.random.default_rng(0).normal(size=(count, 2))
    assert joining.tree(np.zeros((count, 1)), x).linkage.shape == (0, 4)
    tree = joining.tree(np.log(np.full((count, 3), 1 / 3)), x)
    assert tree.cut(2).shape == (count, 2)
    assert np.isfinite(tree.linkage).all()


def test_dendrogram_purity_is_that_of_all_pairs(pairs):
    posterior, x, clusters = pairs
    linkage = joining.tree(posterior, x).linkage
    labels = np.where(np.random.default_rng(4).random(600) < 0.1, 9, clusters % 3)[:120]
    leaves = clusters[:120]
    below = [{k} for k in range(6)]
    for first, second in linkage[:, :2].astype(int):
        below.append(below[first] | below[second])
    found = []
    for i, j in itertools.combinations(range(120), 2):
        if labels[i] == labels[j]:
            lowest = min((node for node in below if {leaves[i], leaves[j]} <= node), key=len)
            found.append(np.mean(labels[np.isin(leaves, list(lowest))] == labels[i]))
    assert dendrogram_purity(linkage, leaves, labels) == pytest.approx(np.mean(found))
    assert dendrogram_purity(linkage, clusters, clusters % 3) == 1
    assert dendrogram_purity(linkage.tolist(), clusters.tolist(), (clusters % 3).tolist()) == 1
    assert dendrogram_purity(linkage, np.array([0, 1]), np.array(["a", "b"])) is None


def test_what_cannot_be_cut_or_scored_gets_a_sentence(pairs):
    posterior, x, _ = pairs
    tree = joining.tree(posterior, x)
    with pytest.raises(InputError, match="6 components and cannot be cut into 7 groups"):
        tree.cut(7)
    for number in (-1, 2.5, "2", 10**6):
        with pytest.raises(InputError, match="num_groups|cannot be cut into 1000000"):
            tree.cut(number)
    with pytest.raises(InputError, match=r"\(N, 6\) is needed.*shape \(3, 5\)"):
        tree.cut(2, np.ones((3, 5)))
    with pytest.raises(InputError, match="Received: none"):
        Hierarchy(tree.linkage).nodes()
    with pytest.raises(InputError, match="leaves 0 to 5"):
        dendrogram_purity(tree.linkage, np.array([6]), np.array([0]))


def test_a_model_has_a_tree(make_table_model, table):
    model = make_table_model()
    model.initialize(table, max_steps=20, verbose=0)
    tree = model.hierarchy(table)
    assert tree.linkage.shape == (3, 4)
    np.testing.assert_allclose(tree.cut(4), model.predict(table, verbose=0), atol=1e-6)
    np.testing.assert_allclose(model.hierarchy(table, batch_size=7).linkage, tree.linkage, rtol=1e-5)


def test_the_drawing_has_every_node_and_escapes_names(pairs):
    posterior, x, clusters = pairs
    linkage = joining.tree(posterior, x).linkage
    counts = report_tree.node_counts(np.bincount(clusters, minlength=6), linkage)
    assert counts[-1] == 600
    means = report_tree.means(x, clusters, linkage, 1.0)
    np.testing.assert_allclose(means[-1], x.mean(axis=0))
    first, second = linkage[0, :2].astype(int)
    np.testing.assert_allclose(means[6], x[np.isin(clusters, [first, second])].mean(axis=0))
    svg = report_tree.drawing(linkage, counts, ["<script>"] * 6, ["data:,"] * 11)
    assert svg.count("<image") == 11
    assert "<script>" not in svg
    assert svg.count("&lt;script&gt;") == 6


def test_commands_keep_cut_and_export_the_tree(finished, tmp_path, digits):
    """The tree of a run: scored, written, and the same groups of new images by the run and by its export."""
    run = tmp_path / "run"
    shutil.copytree(finished.run, run)
    call = [f"--run={run}", "--nofloors"]
    for process in run_all("train.evaluate", [[*call, "--cut=4"], call]):  # the second keeps what the first began
        assert process.returncode == 0, process.stderr
        assert re.search(r"cut into 4 groups +4 in use, majority \d\d\.\d %", process.stdout)
    assert set(csv.read_csv(run / "clusters.csv")["group"].to_pylist()) == {0, 1, 2, 3}
    assert groups.chosen(None, RunFolder(finished.run)) is None
    metrics = json.loads((run / "metrics.json").read_text())["hierarchy"]
    assert 0.1 < metrics["dendrogram_purity"] <= metrics["leaf_purity"] <= 1
    tree = np.array(json.loads((run / "hierarchy.json").read_text())["linkage"])
    assert scipy_hierarchy.is_valid_linkage(tree)
    assert json.loads((finished.run / "hierarchy.json").read_text())["linkage"] == tree.tolist()
    images = digits[0][:40]
    posterior = keras.saving.load_model(run / "model.keras").predict(images, verbose=0)
    np.savez(tmp_path / "new.npz", images=images)
    expected = Hierarchy(tree).cut(4, posterior)
    models = f"--run={run}", f"--model={finished.export / '1'}"
    outputs = [tmp_path / f"{number}.csv" for number in range(len(models))]
    calls = [
        [model, f"--dataset={tmp_path / 'new.npz'}", f"--output={output}", "--cut=4"]
        for model, output in zip(models, outputs, strict=True)
    ]
    for process, output in zip(run_all("train.predict", calls), outputs, strict=True):
        assert process.returncode == 0, process.stderr
        found = csv.read_csv(output).to_pydict()
        assert found["group"] == expected.argmax(axis=1).tolist()
        np.testing.assert_allclose(found["group_probability"], expected.max(axis=1), atol=1e-4)
    (run / "hierarchy.json").write_text('{"linkage": [["a", 1, 2]]}')
    with pytest.raises(InputError, match=r"hierarchy.json is damaged .*train.evaluate --run=.* writes it anew"):
        RunFolder(run).read_tree()
    (run / "hierarchy.json").unlink()
    for model, sentence in (
        ("--cut=11", "more groups than there are clusters, 10"),
        ("--cut=4", "without a tree"),
    ):
        process = run_warm(
            "-m", "train.predict", f"--run={run}", f"--dataset={tmp_path / 'new.npz'}", f"--output={output}", model
        )
        assert process.returncode == 1
        assert sentence in process.stderr


@pytest.mark.parametrize(("stored", "kept"), [(2, 2), (99, None), (0, None), ("x", None), (None, None)])
def test_a_number_of_groups_is_kept_where_it_can_be_one(stored, kept, finished, tmp_path):
    scores = json.loads((finished.run / "metrics.json").read_text())
    (tmp_path / "metrics.json").write_text(json.dumps({**scores, "hierarchy": {"cut": {"groups": stored}}}))
    assert groups.chosen(None, RunFolder(tmp_path)) == kept
