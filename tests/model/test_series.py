"""Series: a preset of convolutions along time, and a start that finds waves by their shape."""

import numpy as np
import pytest

import tf_gmvae
from tf_gmvae import evaluation, presets
from tf_gmvae.start import descriptors, initialization


@pytest.fixture
def waves():
    """360 sines, squares and saw teeth of random phase and equal power, (360, 60, 1), and which is which."""
    rng = np.random.default_rng(0)
    labels = np.arange(360) % 3
    turns = (np.linspace(0, 2, 60, endpoint=False) + rng.random((360, 1))) % 1
    sines, squares, saws = (
        np.sqrt(2) * np.sin(2 * np.pi * turns),
        np.sign(turns - 0.5),
        np.sqrt(3) * (2 * turns - 1),
    )
    series = np.stack([sines, squares, saws])[labels, np.arange(360)] + 0.1 * rng.normal(size=turns.shape)
    return series.astype("float32")[..., None], labels


@pytest.mark.parametrize("shape", [(8, 1), (9, 3), (64, 1), (150, 2), (1_001, 1)])
def test_networks_fit_every_length(shape):
    assert presets.for_shape(shape).name == "series"
    model = tf_gmvae.GMVAE.from_preset("series", data_shape=shape, num_components=2, seed=0)
    assert model.encoder.output_shape == (None, 128)
    assert model.generate(2).shape == (2, *shape)


@pytest.mark.slow
def test_waves_are_told_apart_without_labels(waves, monkeypatch):
    monkeypatch.setattr(initialization, "LEAST_STEPS", 100)
    series, labels = waves
    model = tf_gmvae.GMVAE.from_preset("series", data_shape=(60, 1), num_components=3, seed=0)
    model.compile()
    start = model.initialize(series, pretraining_epochs=1, guided_epochs=1, verbose=0)
    # By chance it would be near 0.37.
    assert evaluation.hungarian_accuracy(start.labels, labels) > 0.9
    posterior = model.predict(series, verbose=0)
    assert evaluation.hungarian_accuracy(posterior, labels) > 0.9


def test_descriptors_see_shape_and_place(waves):
    series, _ = waves
    features = descriptors.series_features(series)
    moved = np.roll(series, 15, axis=1)  # half a turn
    first, second = features(series)[0].numpy(), features(moved)[0].numpy()
    values = 60
    np.testing.assert_allclose(first[:, values:], second[:, values:], atol=0.05)
    assert np.abs(first[:, :values] - second[:, :values]).max() > 0.1
    # Either half has a variance of one, all in all.
    for half in (first[:, :values], first[:, values:]):
        assert half.var(axis=0).sum() == pytest.approx(1, abs=0.01)
    assert np.isfinite(descriptors.series_features(np.zeros((3, 9, 1), "float32"))(np.ones((2, 9, 1)))).all()
