"""The data sets that need no file: the five arcs and scikit-learn's digits."""

import numpy as np
import pytest
from sklearn.datasets import load_digits as sklearn_digits
from sklearn.mixture import GaussianMixture

from tf_gmvae.data import load
from tf_gmvae.data.synthetic import five_arcs
from tf_gmvae.errors import InputError


def test_arcs_are_balanced_scaled_and_typed():
    split = five_arcs(10_003, seed=4)
    assert split.examples.shape == (10_003, 2)
    assert split.examples.dtype == np.float32
    assert np.ptp(np.bincount(split.labels, minlength=5)) == 1
    np.testing.assert_allclose(split.examples.mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose(split.examples.std(axis=0), 1, atol=0.05)


def test_only_the_seed_decides():
    first, same, other = five_arcs(100, seed=1), five_arcs(100, seed=1), five_arcs(100, seed=2)
    np.testing.assert_array_equal(first.examples, same.examples)
    np.testing.assert_array_equal(first.labels, same.labels)
    assert not np.isclose(first.examples, other.examples).any(axis=0).all()


def test_an_arc_is_no_gaussian_but_the_arcs_are_apart():
    split = five_arcs(5_000, seed=0)
    arc = split.examples[split.labels == 2]
    gain = GaussianMixture(4, random_state=0).fit(arc).score(arc) - GaussianMixture(1).fit(arc).score(arc)
    assert gain > 0.1  # nats a point; a Gaussian's own sample of 1,000 points gains about 0.01
    twist = np.hypot(*split.examples.T) * np.sqrt((1 + 0.3**2 + 0.05**2) / 2) - 1
    angle = np.angle(split.examples @ [1, 1j] * np.exp(-1j * twist))
    nearest = np.round(angle / (2 * np.pi / 5)).astype(int) % 5
    assert (nearest == split.labels).mean() > 0.99


def test_synthetic_has_two_different_splits():
    dataset = load("synthetic", seed=3)
    assert (dataset.train.num_examples, dataset.test.num_examples) == (10_000, 2_000)
    np.testing.assert_array_equal(dataset.train.examples, five_arcs(10_000, 3).examples)
    assert not set(dataset.train.examples[:, 0]) >= set(dataset.test.examples[:, 0])
    assert not np.array_equal(load("synthetic", seed=4).test.examples, dataset.test.examples)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_points": 4}, "`num_points` must be an integer >= 5. Received: num_points=4"),
        ({"seed": -1}, "`seed` must be an integer >= 0. Received: seed=-1"),
        ({"seed": 1.5}, "Received: seed=1.5"),
    ],
)
def test_arcs_refuse(arguments, message):
    with pytest.raises(InputError, match=message):
        five_arcs(**arguments)


def test_every_fifth_digit_is_a_test_digit():
    dataset, original = load("digits"), sklearn_digits()
    assert dataset.train.examples.shape == (1438, 8, 8, 1)
    np.testing.assert_array_equal(dataset.test.examples[..., 0] * 16, original.images[4::5])
    np.testing.assert_array_equal(dataset.test.labels, original.target[4::5])
    np.testing.assert_array_equal(dataset.train.examples[4, ..., 0] * 16, original.images[5])
    assert dataset.train.examples.max() == 1
    assert dataset.class_names == tuple("0123456789")
