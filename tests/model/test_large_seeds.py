"""Seeds beyond 32 bits, which scikit-learn, UMAP and Keras' initialisers do not take as they are."""

import numpy as np
import pytest

import tf_gmvae
from tf_gmvae import methods
from tf_gmvae.evaluation import baselines
from tf_gmvae.seeds import within_bits
from tf_gmvae.start import initialization, latent_map

LARGE = 2**62  # the largest that the commands take


def test_small_seeds_stay_and_large_ones_differ():
    assert [within_bits(seed) for seed in (0, 7, 2**32 - 1)] == [0, 7, 2**32 - 1]
    found = {within_bits(seed) for seed in range(2**32, 2**32 + 50)} | {within_bits(LARGE)}
    assert len(found) == 51 and all(0 <= seed < 2**32 for seed in found)


@pytest.mark.slow
def test_a_model_starts_and_trains_under_a_large_seed(table, monkeypatch):
    monkeypatch.setattr(initialization, "LEAST_STEPS", 20)
    models = []
    for _ in range(2):
        model = tf_gmvae.GMVAE.from_preset("synthetic", data_shape=(6,), num_components=3, seed=LARGE)
        model.compile()
        start = model.initialize(table, pretraining_epochs=1, guided_epochs=1, verbose=0)
        models.append((start.labels, model.predict(table, verbose=0)))
    for first, second in zip(*models, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-5)
    assert latent_map.plane(table, LARGE).shape == (200, 2)


@pytest.mark.parametrize(
    "cluster",
    [baselines.kmeans, baselines.gaussian_mixture, pytest.param(baselines.umap_mixture, marks=pytest.mark.slow)],
)
def test_floors_take_a_large_seed(cluster, table):
    assert cluster(table[:100], table[100:], 3, LARGE).shape == (100, 3)


@pytest.mark.parametrize("name", methods.METHODS)
def test_methods_take_a_large_seed(name, table):
    method = methods.get(name)((6,), 3, LARGE)
    assert np.isfinite(method.noise((4,), 1)).all()
    assert method.predict(table, verbose=0).shape == (200, 3)
