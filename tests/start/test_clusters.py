"""What the start compares examples by, their neighbours, the joining of clusters, and views of one's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score

import tf_gmvae
from tf_gmvae import InputError, evaluation
from tf_gmvae.start import clusters, descriptors, initialization, latent_map, merging, neighbours


def test_oriented_gradients_see_where_edges_point():
    ramps = np.zeros((3, 28, 28, 1), "float32")
    ramps[0] = np.linspace(0, 1, 28)[None, :, None]  # brighter to the right
    ramps[1] = np.linspace(1, 0, 28)[:, None, None]  # brighter upwards
    maps = descriptors.oriented_gradients(ramps).numpy()
    strength = maps.sum(axis=(1, 2))
    assert strength[0].argmax() == 0 and strength[1].argmax() == 6  # of eight, counted from right to down
    np.testing.assert_allclose(strength[:2].max(axis=1) / strength[:2].sum(axis=1), 1, atol=1e-4)
    np.testing.assert_allclose((maps**2).sum(axis=(1, 2, 3)), [1, 1, 0], atol=1e-4)  # and nothing on flat grey
    centre, corner = maps[0, 7, 7, 0], maps[0, 0, 0, 0]
    assert centre > 1.3 * corner


def test_a_negative_is_a_view():
    images = np.random.default_rng(0).random((5, 16, 16, 3)).astype("float32")
    features = descriptors.image_features(images).numpy()
    of_negatives = descriptors.image_features(1 - images).numpy()
    edges = features.shape[-1] - 48
    np.testing.assert_allclose(features[1, :, :edges], of_negatives[0, :, :edges], atol=1e-5)
    np.testing.assert_allclose(features[0, :, edges:], features[1, :, edges:])  # its colours stay


def test_brightness_does_not_count_and_colour_does():
    images = np.random.default_rng(0).random((4, 16, 16, 1)).astype("float32")
    grey = np.repeat(images, 3, axis=-1)
    one, darker = (descriptors.image_features(values)[0].numpy() for values in (grey, 0.4 * grey + 0.2))
    np.testing.assert_allclose(one, darker, atol=2e-3)
    coloured = (grey * np.array(colour) for colour in ((1, 0, 0), (0, 0, 1)))
    red, blue = (descriptors.image_features(values)[0].numpy() for values in coloured)
    assert np.linalg.norm(red - blue, axis=1).min() > 0.3


def test_rows_are_standardised():
    rows = np.random.default_rng(0).normal([5, -3, 2], [100, 0.01, 0], (500, 3)).astype("float32")
    features = descriptors.row_features(rows)(rows).numpy()[0]
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(features.std(axis=0), [1, 1, 0], atol=1e-3)


@pytest.mark.parametrize("num_points", [300, 120])
def test_neighbours_are_those_of_plain_loops(num_points, monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK", 77)
    rows = np.random.default_rng(0).normal(size=(300, 5)).astype("float32")
    found = neighbours.nearest(rows, num_points, tf.identity, None, 1, 0)
    points = (rows - rows[:num_points].mean(axis=0)) / rows[:num_points].std(axis=0)
    for example in range(300):
        distances = np.linalg.norm(points[:num_points] - points[example], axis=1)
        nearest = np.argsort(distances)[:15]
        np.testing.assert_array_equal(found.indices[example], nearest)
        np.testing.assert_allclose(found.distances[example], distances[nearest], atol=2e-3)
    np.testing.assert_array_equal(found.indices[:num_points, 0], np.arange(num_points))


def test_every_view_that_brings_examples_together_makes_them_neighbours():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(80, 4)).astype("float32")
    rows = np.concatenate([rows, -rows + 1e-3 * rng.normal(size=(80, 4)).astype("float32")])
    plain = neighbours.nearest(rows, 160, tf.identity, None, 1, 0)
    seen = []

    def view(batch):
        """The third alone is another."""
        seen.append(batch)
        return -batch if len(seen) == 3 else batch

    mirrored = neighbours.nearest(rows, 160, tf.identity, view, 3, 0)
    partner = (np.arange(160) + 80) % 160
    assert (mirrored.indices[:, 1] == partner).all()
    assert (plain.indices[:, 1] == partner).mean() < 0.1


def test_repeated_examples_are_their_own_first_neighbours():
    rows = np.repeat(np.eye(3, 4, dtype="float32"), 30, axis=0)
    found = neighbours.nearest(rows, 90, tf.identity, None, 1, 0)
    np.testing.assert_array_equal(found.indices[:, 0], np.arange(90))
    np.testing.assert_allclose(found.distances, 0, atol=1e-3)


def test_parts_are_joined_as_modularity_says():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 6, 120)
    truth = np.array([0, 1, 0, 2, 1, 2])  # the cluster of each part
    chance = np.where(truth[labels][:, None] == truth[labels], 0.5, 0.02)
    dense = np.triu(rng.random((120, 120)) < chance, 1)
    graph = sparse.csr_matrix((dense + dense.T).astype(float))
    cluster_of = merging.merge(graph, labels, 6, 3)
    assert len(np.unique(cluster_of)) == 3
    assert all((cluster_of[i] == cluster_of[j]) == (truth[i] == truth[j]) for i in range(6) for j in range(6))
    # Modularity by its definition, pair by pair.
    degrees, total, expected = dense.sum(axis=0) + dense.sum(axis=1), 2 * dense.sum(), 0.0
    for i in range(120):
        for j in range(120):
            if truth[labels[i]] == truth[labels[j]]:
                expected += (dense + dense.T)[i, j] / total - degrees[i] * degrees[j] / total**2
    assert merging.modularity(graph, truth[labels]) == pytest.approx(expected)
    assert merging.modularity(graph, cluster_of[labels]) == pytest.approx(expected)
    # What chance would put between large parts joins none.
    graph = sparse.csr_matrix([[100, 12, 0, 0], [12, 100, 0, 0], [0, 0, 1, 8], [0, 0, 8, 1.0]])
    np.testing.assert_array_equal(merging.merge(graph, np.arange(4), 4, 3), [0, 1, 2, 2])


def test_an_edge_counts_how_many_of_its_ends_have_the_other_as_a_neighbour():
    indices = np.array([[0, 1, 2], [1, 0, 3], [2, 0, 3], [3, 2, 4], [4, 3, 2]])
    expected = np.zeros((5, 5))
    for one, neighbours_of_it in enumerate(indices):
        for other in neighbours_of_it[1:]:
            expected[one, other] += 1
            expected[other, one] += 1
    np.testing.assert_array_equal(latent_map.graph_of(indices).toarray(), expected)


@pytest.mark.parametrize("nearer", [0, 1])
def test_an_island_goes_with_the_cluster_that_it_shares_more_neighbours_with(nearer):
    rng, island_of = np.random.default_rng(nearer), np.repeat([0, 1, 2], 60)
    points = np.array([[0.0, 0.0], [9.0, 0.0], [4.5, 9.0]])[island_of] + rng.normal(size=(180, 2))
    near = np.array([rng.choice(np.flatnonzero(island_of == one), 14, replace=False) for one in island_of])
    for row in np.flatnonzero(island_of == 2):
        near[row, 8:12] = rng.choice(np.flatnonzero(island_of == nearer), 4, replace=False)
        near[row, 12:] = rng.choice(np.flatnonzero(island_of == 1 - nearer), 2, replace=False)
    found = latent_map.Map(points, sparse.csr_matrix((180, 180)), np.column_stack([np.arange(180), near]))
    clusters_of = latent_map.soft_labels(found, 2, parts=2).argmax(axis=1)
    joined = np.where(island_of == 2, nearer, island_of)
    assert adjusted_rand_score(joined, clusters_of) > 0.95


def test_the_rest_takes_the_labels_of_its_neighbours_on_the_map():
    rng, labels = np.random.default_rng(0), np.arange(400) % 4
    rows = (rng.normal(0, 8, (4, 6))[labels] + rng.normal(size=(400, 6))).astype("float32")
    for max_mapped in (400, 150):
        found = clusters.find(
            rows, 4, to_floats=tf.identity, view=None, num_views=1, max_mapped=max_mapped, seed=0
        )
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
        assert evaluation.hungarian_accuracy(found, labels) > 0.99


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_digits_are_found_by_their_strokes(digits, seed):
    """Far above k-means' 80 %, on whatever seed: here of a thousand of them, without any training."""
    images, labels = digits
    view = clusters.view_layer("auto", images.shape[1:], seed)
    found = clusters.find(images, 10, to_floats=tf.identity, view=view, num_views=8, max_mapped=20_000, seed=seed)
    assert evaluation.majority_accuracy(found, labels) > 0.88


def test_few_digits_have_a_map_too():
    """Five digits, ten of each: on their pixels k-means agrees with the labels to 0.5 at most."""
    images, labels = load_digits(return_X_y=True)
    images, scores = (images / 16).astype("float32").reshape(-1, 8, 8, 1), []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        of_class = (np.flatnonzero(labels == k) for k in (1, 3, 5, 7, 8))
        drawn = np.concatenate([rng.choice(numbers, 10, replace=False) for numbers in of_class])
        few, rows = images[drawn], images[drawn].reshape(50, -1)
        view = clusters.view_layer("auto", few.shape[1:], seed)
        found = clusters.find(few, 5, to_floats=tf.identity, view=view, num_views=8, max_mapped=50, seed=seed)
        floor = KMeans(5, n_init=10, random_state=seed).fit_predict(rows)
        scores.append([adjusted_rand_score(labels[drawn], each) for each in (found.argmax(axis=1), floor)])
    ours, floor = np.mean(scores, axis=0)
    assert ours > floor + 0.25, scores


@pytest.mark.parametrize("count", [12, 29, 30, 45])
def test_a_handful_of_images_has_clusters(digits, count):
    found = clusters.find(
        digits[0][:count], 10, to_floats=tf.identity, view=None, num_views=1, max_mapped=count, seed=0
    )
    assert found.shape == (count, 10)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert len(np.unique(found.argmax(axis=1))) > 5


class Darker(keras.layers.Layer):
    """A view of one's own, in training alone."""

    def call(self, images, training=False):
        return 0.5 * images if training else images


@pytest.mark.slow
def test_views_of_ones_own_are_what_the_guided_training_sees(digits, monkeypatch):
    monkeypatch.setattr(initialization, "LEAST_STEPS", 2)
    seen = []

    def view(batch):
        seen.append(tuple(batch.shape[1:]))
        return 0.5 * batch

    images = digits[0][:200]
    weights = []
    for views in (None, view, Darker(), "auto"):
        model = tf_gmvae.GMVAE.from_preset("digits", num_components=4, seed=0)
        model.compile()
        model.initialize(images, pretraining_epochs=1, guided_epochs=1, views=views, num_views=1, verbose=0)
        weights.append(np.concatenate([np.ravel(weight) for weight in model.get_weights()]))
    assert seen and set(seen) == {(8, 8, 1)}
    np.testing.assert_allclose(weights[1], weights[2], atol=1e-5)  # the same view, as a function and as a layer
    assert np.abs(weights[0] - weights[1]).max() > 1e-3 and np.abs(weights[0] - weights[3]).max() > 1e-3


@pytest.mark.parametrize(
    ("views", "message"),
    [
        ("mirror", '"auto", None, or a layer'),
        (3, '"auto", None, or a layer'),
        (lambda batch: batch[:, 1:], "keep the shape"),
    ],
)
def test_bad_views_get_a_sentence(make_table_model, table, views, message):
    with pytest.raises(InputError, match=message):
        make_table_model().initialize(table, views=views, verbose=0)


def test_other_data_than_images_have_no_view_by_default():
    assert clusters.view_layer("auto", (6,), 0) is None
    assert clusters.view_layer("auto", (28, 28), 0) is None
    assert clusters.view_layer("auto", (28, 28, 1), 0) is not None


def test_of_thousands_of_features_the_components_are_those_of_few(monkeypatch):
    """Without the covariances of all pairs of features, which are a hundred million here."""
    rows = np.random.default_rng(0).normal(size=(50, 10_000)).astype("float32")
    rows[:25, :500] += 3.0
    mean, components = descriptors.projection(rows, seed=0)
    placed = (rows - mean) @ components
    assert components.shape == (10_000, 50)
    assert abs(placed[:25, 0].mean() - placed[25:, 0].mean()) > 30
    # The two ways agree, up to signs and to what rounding leaves of the last component.
    narrow = rows[:, :1_500]
    expected = descriptors.projection(narrow, seed=0)[1]
    monkeypatch.setattr(descriptors, "_MOST_COVARIANCES", 1_000)
    found = descriptors.projection(narrow, seed=0)[1]
    np.testing.assert_allclose(np.abs(np.sum(expected * found, axis=0))[:-1], 1, atol=1e-3)
