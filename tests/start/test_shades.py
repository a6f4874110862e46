"""Images that differ by their shades alone are compared by these, and all others by their strokes."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import run_python
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_info, threadpool_limits

import tf_gmvae
from tf_gmvae.evaluation import mixtures
from tf_gmvae.start import agreement, candidates, clusters, descriptors, factors, neighbours, shades


def noise(count, *shades_of, spread=0.08, side=12):
    """Images of noise about one of some shades each, (N, side, side, 1), and which."""
    rng = np.random.default_rng(len(shades_of))
    kinds = rng.integers(len(shades_of), size=count)
    middles = np.array(shades_of)[kinds][:, None, None, None]
    return np.clip(rng.normal(middles, spread, (count, side, side, 1)), 0, 1).astype("float32"), kinds


def as_shades(images):
    return tf.cast(images, "float32") / 255.0


SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("count", [40, 900])
@pytest.mark.parametrize("levels", [(0.2, 0.8), (0.25, 0.5, 0.75), (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)])
def test_light_and_dark_noise_differs_by_its_shades(levels, count, seed):
    images, _ = noise(count, *levels, spread=0.03)
    assert shades.differ_alone(images, tf.identity, seed)


def test_so_do_colours_bytes_and_images_without_an_edge():
    images, kinds = noise(300, 0.2, 0.5, 0.8)
    assert shades.differ_alone(np.repeat(images, 3, axis=-1), tf.identity, 0)
    assert shades.differ_alone(np.round(255 * images).astype("uint8"), as_shades, 0)
    flat = np.array([0.2, 0.5, 0.8])[kinds] + np.random.default_rng(0).uniform(-0.05, 0.05, 300)
    assert shades.differ_alone(np.tile(flat[:, None, None, None], (1, 12, 12, 1)), tf.identity, 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_plain_pictures_differ_by_their_shades_whatever_these_are(seed):
    """Few of them, whose shades run into each other: by strokes, which are not there, they would be one."""
    rng = np.random.default_rng(1)
    levels = np.array([80.0, 170.0])[np.arange(20) % 2] + rng.normal(0, 25, 20)
    for shade in (levels, np.arange(40.0)):
        images = np.ones((1, 16, 16, 1)) * np.round(shade)[:, None, None, None]
        assert shades.differ_alone(images.astype("uint8"), as_shades, seed)
    assert not shades.differ_alone(np.full((20, 16, 16, 1), 0.5), tf.identity, seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_has_strokes_or_nothing_at_all_does_not(digits, seed):
    images, labels = digits
    assert not shades.differ_alone(images, tf.identity, seed)
    assert not shades.differ_alone(images[np.isin(labels, (3, 8))], tf.identity, seed)
    # Half of them on a light ground: the shades are two sure clusters, and the strokes are still what they mean.
    turned = np.where((np.arange(len(images)) % 2 == 0)[:, None, None, None], 1 - images, images)
    assert not shades.differ_alone(turned, tf.identity, seed)
    assert not shades.differ_alone(noise(400, 0.5)[0], tf.identity, seed)
    # Stripes of three widths, of which the shades are one.
    rng = np.random.default_rng(seed)
    widths = np.array([1, 2, 4])[np.arange(300) % 3][:, None, None]
    stripes = np.sin(2 * np.pi * widths * np.arange(12) / 12 + rng.uniform(0, 6, (300, 1, 1))) * np.ones(
        (1, 12, 1)
    )
    striped = 0.5 + 0.3 * stripes[..., None] + rng.normal(0, 0.05, (300, 12, 12, 1))
    assert not shades.differ_alone(np.clip(striped, 0, 1), tf.identity, seed)


def test_clusters_of_shades_are_found(capsys):
    images, kinds = noise(200, 0.3, 0.5, 0.7)
    found = clusters.find(
        images, 3, to_floats=tf.identity, view=clusters.view_layer("auto", (12, 12, 1), 0), num_views=2,
        max_mapped=120, seed=0,
    )  # fmt: skip
    assert adjusted_rand_score(kinds, found.argmax(axis=1)) > 0.95
    assert "Compared by their shades" in capsys.readouterr().out


def test_bytes_that_are_no_images_are_compared_as_their_shades_are():
    """Means and deviations are those of the values that are compared."""
    rows = np.random.default_rng(0).integers(256, size=(80, 5, 7, 2, 1)).astype("uint8")
    of_bytes, of_floats = (
        neighbours.nearest(examples, 60, to_floats, None, 1, 0)
        for examples, to_floats in ((rows, as_shades), ((rows / 255).astype("float32"), tf.identity))
    )
    np.testing.assert_allclose(of_bytes.points, of_floats.points, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(of_bytes.indices, of_floats.indices)
    np.testing.assert_allclose(of_bytes.points.std(axis=0).mean(), 1, atol=0.5)  # columns are standardised


def test_one_cluster_of_all_is_not_found_again():
    def all_in_one(points, num_components, seed):
        return candidates.Found(np.eye(num_components)[np.zeros(len(points), int)], 0.0)

    rows = np.random.default_rng(0).normal(size=(60, 3))
    assert agreement.stability(rows, 3, 0, all_in_one) == 0


@pytest.mark.slow
def test_a_model_of_shades_has_their_clusters():
    images, kinds = noise(300, 0.3, 0.5, 0.7, side=8)
    found = tf_gmvae.cluster(images, num_components=3, seed=1)
    assert adjusted_rand_score(kinds, found.clusters) > 0.95
    asked = tf_gmvae.cluster(images, num_components="auto", seed=1)
    assert asked.how_many.num_components == 3 and adjusted_rand_score(kinds, asked.clusters) > 0.95


@pytest.mark.parametrize(
    ("fitting", "work"),
    [
        ("sklearn.cluster.KMeans.fit", lambda rows: mixtures.kmeans(rows, 3, 0, 1)),
        ("sklearn.mixture.GaussianMixture.fit", lambda rows: mixtures.gaussians(rows, 3, 0, 1)),
        ("sklearn.decomposition.FactorAnalysis.fit", lambda rows: factors.analyse(rows, np.arange(90) % 2, 2, 2)),
        ("sklearn.decomposition.PCA.fit", lambda rows: descriptors.projection(rows, 0)),
        (
            "sklearn.decomposition.PCA.fit_transform",
            lambda rows: agreement.stability(rows, 3, 0, candidates.for_rows(90, 3)["k-means"]),
        ),
    ],
)
def test_small_matrices_are_the_work_of_one_thread(fitting, work, monkeypatch):
    """Beside other work, two threads wait for each other many times as long as they compute."""
    seen = []
    module, name, method = fitting.rsplit(".", 2)
    kind = getattr(pytest.importorskip(module), name)
    plain = getattr(kind, method)

    def fit(self, rows, *arguments):
        seen.extend(each["num_threads"] for each in threadpool_info())
        return plain(self, rows, *arguments)

    monkeypatch.setattr(kind, method, fit)
    with threadpool_limits(2):
        assert max(each["num_threads"] for each in threadpool_info()) == 2
        work(np.random.default_rng(0).normal(size=(90, 70)).astype("float32"))
    assert seen and set(seen) == {1}


# In a process of its own, without TensorFlow: here all are loaded.
LATER = """
import runpy
import numpy, threadpoolctl

limited = runpy.run_path("tf_gmvae/threads.py")["limited"]
with limited():
    first = threadpoolctl.threadpool_info()
import sklearn.cluster
with threadpoolctl.threadpool_limits(2), limited():
    both = threadpoolctl.threadpool_info()
assert len(both) > len(first) > 0, (first, both)
assert {each["num_threads"] for each in first + both} == {1}, (first, both)
"""


def test_so_is_what_a_library_does_that_comes_later():
    told = run_python("-c", LATER)
    assert told.returncode == 0, told.stderr
