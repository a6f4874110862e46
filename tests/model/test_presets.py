"""The networks of appendix A, against the tables of the paper."""

import keras
import numpy as np
import pytest

import tf_gmvae
from layers import SpectralConv2D, SpectralConv2DTranspose
from tf_gmvae import presets
from tf_gmvae.data import load

# Channels and units of the weighted layers, kernel sizes, and sizes of the maps, as printed in appendix A.
NETWORKS = {
    "synthetic": ([("dense", 120), ("dense", 120)], [("dense", 120), ("dense", 120), ("dense", 4)]),
    "mnist": (
        [("conv", 16, 6, (23, 23)), ("conv", 32, 6, (18, 18)), ("conv", 64, 4, (9, 9)), ("dense", 500)],
        [
            ("dense", 500),
            ("dense", 9 * 9 * 64),
            ("full-conv", 32, 4, (18, 18)),
            ("full-conv", 16, 6, (23, 23)),
            ("full-conv", 1, 6, (28, 28)),
        ],
    ),
    "svhn": (
        [("conv", 64, 4, (16, 16)), ("conv", 128, 4, (8, 8)), ("conv", 256, 4, (4, 4)), ("dense", 500)],
        [
            ("dense", 500),
            ("dense", 4 * 4 * 256),
            ("full-conv", 128, 4, (8, 8)),
            ("full-conv", 64, 4, (16, 16)),
            ("full-conv", 3, 4, (32, 32)),
        ],
    ),
}
SIZES = {"synthetic": (2, 2, (120,)), "mnist": (200, 150, (500,)), "svhn": (200, 150, (500,))}
KINDS = {keras.layers.Dense: "dense", SpectralConv2D: "conv", SpectralConv2DTranspose: "full-conv"}


def layers_of(network):
    for layer in network.layers:
        if type(layer) is keras.layers.Dense:
            yield ("dense", layer.units)
        elif type(layer) in KINDS:
            yield (KINDS[type(layer)], layer.filters, layer.kernel_size[0], tuple(layer.output.shape[1:3]))


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_those_of_the_paper(name):
    model = tf_gmvae.GMVAE.from_preset(name)
    assert (list(layers_of(model.encoder)), list(layers_of(model.decoder))) == NETWORKS[name]
    latent_dim, style_dim, prior_units = SIZES[name]
    assert (model.latent_dim, model.style_dim) == (latent_dim, style_dim)
    assert model.prior_head.hidden_units == prior_units
    assert model.prior_head.activation is keras.activations.tanh


@pytest.mark.parametrize("name", ["digits", "mnist", "svhn"])
def test_every_hidden_layer_of_an_image_preset_has_the_papers_batch_normalisation(name):
    model = tf_gmvae.GMVAE.from_preset(name)
    for network, plain_outputs in ((model.encoder, 0), (model.decoder, 1)):
        kinds = [type(layer) for layer in network.layers]
        normalised = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
        assert len(normalised) == sum(kind in KINDS for kind in kinds) - plain_outputs
        assert kinds.count(keras.layers.ReLU) == len(normalised)
        assert {(layer.momentum, layer.epsilon) for layer in normalised} == {(0.9, 1e-5)}


@pytest.mark.parametrize("name", presets.PRESETS)
def test_a_preset_takes_its_data_and_returns_its_posterior(name):
    shape = presets.get(name).data_shape
    model = tf_gmvae.GMVAE.from_preset(name, num_components=3, seed=0)
    examples = np.random.default_rng(0).random((5, *shape)).astype("float32")
    posterior = model.predict(examples, verbose=0)
    assert posterior.shape == (5, 3)
    np.testing.assert_allclose(posterior.sum(axis=1), 1.0, rtol=1e-5)
    assert model.reconstruct(examples).shape == examples.shape


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("synthetic", (7,)),
        ("table", (70,)),
        ("digits", (12, 10, 3)),
        ("mnist", (20, 28, 3)),
        ("svhn", (64, 40, 1)),
    ],
)
def test_a_preset_can_be_built_for_other_shapes(name, shape):
    model = tf_gmvae.GMVAE.from_preset(name, data_shape=shape)
    assert model.generate(2).shape == (2, *shape)


def test_the_likelihood_decides_the_decoders_channels():
    model = tf_gmvae.GMVAE.from_preset("digits", likelihood="gaussian")
    assert model.decoder.output_shape == (None, 8, 8, 2)


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        ((28, 28, 1), "mnist"),
        ((28, 28, 3), "mnist"),
        ((8, 8, 1), "digits"),
        ((32, 32, 3), "svhn"),
        ((64, 64, 1), "svhn"),
        ((30, 30, 1), "mnist"),
        ((10, 10, 1), "digits"),
        ((2,), "synthetic"),
        ((17,), "table"),
    ],
)
def test_the_preset_for_a_shape(shape, name):
    preset = presets.for_shape(shape)
    assert preset.name == name
    assert preset.fits(shape)


@pytest.mark.parametrize("shape", [(33, 33, 1), (4, 4, 1), (5, 5)])
def test_no_preset_for_a_shape_says_so(shape):
    with pytest.raises(tf_gmvae.InputError, match="No preset fits .*image_size.*own encoder"):
        presets.for_shape(shape)


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 28, 28), (4, 32, 48)])
def test_channels_that_come_first_are_told_to_come_last(shape, tmp_path):
    images = np.zeros((2, *shape), "float32")
    np.save(tmp_path / "a.npy", images)
    mend = "channels come first, .*: pass "
    with pytest.raises(tf_gmvae.InputError, match=mend) as told:
        presets.for_shape(load(tmp_path / "a.npy", image_size="auto").train.data_shape)
    with pytest.raises(tf_gmvae.InputError, match=mend):  # not stretched to a square of rows and channels
        load(tmp_path / "a.npy", image_size=16)
    mended = eval(str(told.value).partition(" pass ")[2].rstrip("."), {"x": images})
    np.save(tmp_path / "a.npy", mended)
    assert load(tmp_path / "a.npy", image_size=16).train.data_shape == (16, 16, shape[0])


def test_unknown_presets_and_unfit_shapes_are_named():
    with pytest.raises(tf_gmvae.InputError, match="Unknown preset 'minst': choose one of .*mnist"):
        tf_gmvae.GMVAE.from_preset("minst")
    with pytest.raises(tf_gmvae.InputError, match=r"'mnist' is for .*Received: \(27, 27, 1\)"):
        tf_gmvae.GMVAE.from_preset("mnist", data_shape=(27, 27, 1))
    for bad in (5, (-2,), (2.5,)):
        with pytest.raises(tf_gmvae.InputError, match="`data_shape` must be a tuple of integers >= 1. Received"):
            tf_gmvae.GMVAE.from_preset("synthetic", data_shape=bad)


def test_the_seed_decides_every_weight():
    first, again, other = (tf_gmvae.GMVAE.from_preset("digits", seed=seed) for seed in (3, 3, 4))
    kernels = 0
    for weight, same, different in zip(first.weights, again.weights, other.weights, strict=True):
        np.testing.assert_array_equal(weight, same)
        if weight.name == "kernel":
            kernels += 1
            assert np.abs(weight.numpy() - different.numpy()).max() > 0
    assert kernels == 12
