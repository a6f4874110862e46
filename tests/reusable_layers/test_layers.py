"""The layers: what all share, then what each computes."""

import gc
import math
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from support.layer_cases import assert_equal, functional_model, run_layer_test

import layers
from layers import (
    ColumnFeatures,
    FusedBatchNormalization,
    GaussianHead,
    GaussianSampler,
    MixturePriorHead,
    RandomAffine,
    SpectralConv2D,
    SpectralConv2DTranspose,
)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def randomise(layer):
    """Gives every weight a value of its own: initial biases are zeros, which hide a mistake."""
    for index, variable in enumerate(layer.trainable_variables):
        variable.assign(normal(*variable.shape, seed=100 + index))


# One case or more per public layer: (class, arguments, inputs, output shapes, further arguments of the test).
PRIOR_HEAD = {"num_components": 3, "latent_dim": 2, "hidden_units": (7,), "seed": 1}
HEAD_INPUT, MEAN, LOG_VAR = normal(5, 4), normal(5, 2), normal(5, 2, seed=1)
PAIR = [(5, 3, 2), (5, 3, 2)]
RANDOM = {"batch_axis": 1, "repeatable": {"deterministic": True}}
KERNEL = keras.initializers.GlorotUniform(1)
CONV = {"filters": 16, "kernel_size": 6, "kernel_initializer": KERNEL}
MAPS = normal(5, 12, 14, 8)
CASES = {
    "FusedBatchNormalization": (FusedBatchNormalization, {}, [MAPS], [MAPS.shape], {}),
    "FusedBatchNormalization, of vectors": (FusedBatchNormalization, {}, [HEAD_INPUT], [(5, 4)], {}),
    "SpectralConv2D": (SpectralConv2D, CONV, [normal(5, 23, 23, 16)], [(5, 18, 18, 16)], {}),
    "SpectralConv2D, plain": (SpectralConv2D, {**CONV, "strides": 2}, [MAPS], [(5, 4, 5, 16)], {}),
    "SpectralConv2DTranspose": (
        SpectralConv2DTranspose,
        CONV,
        [0.3 * normal(5, 18, 18, 16)],
        [(5, 23, 23, 16)],
        {},
    ),
    # Faint images: where a pixel comes from is rounded, and what it is then differs by the slope.
    "RandomAffine": (
        RandomAffine,
        {"seed": 1},
        [0.1 * MAPS[..., :3]],
        [(5, 12, 14, 3)],
        {"repeatable": {"training": False}, "predicted": 0.1 * MAPS[..., :3]},
    ),
    "ColumnFeatures": (
        ColumnFeatures,
        {
            "kinds": ["count", "category", "real", "yes_no"],
            "centers": [[1.0], [0.5, 0.3, 0.2], [10.0], [0.5]],
            "scales": [0.5, 0.8, 2.0, 0.5],
        },
        [np.array([[3, 1, 9, 0], [0, 2, 14, 1], [7, 0, 10.5, 1], [1, 1, 3, 0], [2, 0, 8, 1]], "float32")],
        [(5, 6)],
        {},
    ),
    "GaussianHead": (GaussianHead, {"dim": 2, "seed": 1}, [HEAD_INPUT], [(5, 2), (5, 2)], {}),
    "GaussianSampler": (
        GaussianSampler,
        {"num_samples": 3, "seed": 1},
        [MEAN, LOG_VAR],
        [(3, 5, 2)],
        RANDOM,
    ),
    "MixturePriorHead": (MixturePriorHead, PRIOR_HEAD, [HEAD_INPUT], PAIR, {}),
    "MixturePriorHead, deep": (
        MixturePriorHead,
        {**PRIOR_HEAD, "hidden_units": (7, 6), "activation": "elu"},
        [HEAD_INPUT],
        PAIR,
        {},
    ),
}


def test_every_public_layer_has_a_case():
    assert {case[0] for case in CASES.values()} == {getattr(layers, name) for name in layers.__all__}


@pytest.mark.parametrize("name", CASES)
def test_layer(name, tmp_path):
    cls, arguments, inputs, output_shapes, further = CASES[name]

    def factory(**more):
        return cls(**arguments, **more)

    run_layer_test(factory, inputs, output_shapes, tmp_path, **further)


BAD_SIZES = [0, -1, 1.5, True, "3", None]


@pytest.mark.parametrize("bad", BAD_SIZES)
@pytest.mark.parametrize(
    ("cls", "arguments", "name"),
    [
        (GaussianHead, {}, "dim"),
        (GaussianSampler, {}, "num_samples"),
        (MixturePriorHead, {"latent_dim": 2}, "num_components"),
        (MixturePriorHead, {"num_components": 2}, "latent_dim"),
    ],
)
def test_bad_size(cls, arguments, name, bad):
    with pytest.raises(ValueError, match=f"`{name}` must be an integer >= 1. Received: {name}={bad!r}"):
        cls(**arguments, **{name: bad})


@pytest.mark.parametrize("bad", BAD_SIZES)
def test_bad_hidden_units(bad):
    with pytest.raises(ValueError, match=re.escape(f"Received: hidden_units={(8, bad)!r}")):
        MixturePriorHead(2, 2, hidden_units=(8, bad))


def test_numpy_integers_are_sizes():
    assert GaussianHead(np.int64(2)).get_config()["dim"] == 2


def test_seeds_are_integers_of_any_kind():
    makers = (
        lambda seed: GaussianHead(2, seed=seed), lambda seed: MixturePriorHead(2, 2, seed=seed),
        lambda seed: layers.GaussianSampler(seed=seed), lambda seed: layers.RandomAffine(seed=seed),
    )  # fmt: skip
    for made in makers:
        assert type(made(np.int64(3)).get_config()["seed"]) is int
        with pytest.raises(ValueError, match="`seed` must be an integer or None. Received: seed=0.5"):
            made(0.5)


def test_whole_numbers_are_normalised_as_floats_are():
    rows, images = np.array([[14, 1], [11, 0]]), np.arange(6 * 64).reshape(6, 8, 8, 1)
    features = layers.ColumnFeatures(["real", "category"], [[10.5], [0.5, 0.5]], [2.5, 1.0])
    np.testing.assert_array_equal(features(rows), features(rows.astype("float32")))
    assert features(rows).numpy()[0, 0] == pytest.approx(1.4)
    for training in (False, True):
        norm, same = layers.FusedBatchNormalization(), keras.layers.BatchNormalization()
        found = norm(images.astype("uint8"), training=training)
        np.testing.assert_allclose(found, same(images.astype("uint8"), training=training), rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_large_numbers_are_centered_before_they_are_rounded(policy):
    rows = np.array([[2003.0, 90_000.0], [2001.0, 80_000.0]], "float32")
    arguments = ["real", "real"], [[2000.0], [80_000.0]], [10.0, 20_000.0]
    features = layers.ColumnFeatures(*arguments, dtype=policy)(rows)
    assert features.dtype == policy.removeprefix("mixed_")
    np.testing.assert_allclose(tf.cast(features, "float32"), [[0.3, 0.5], [0.1, 0.0]], atol=2e-3)
    network = keras.Sequential([keras.Input((2,)), layers.ColumnFeatures(*arguments, dtype=policy)])
    np.testing.assert_allclose(network.predict(rows, verbose=0), [[0.3, 0.5], [0.1, 0.0]], atol=2e-3)


def test_gaussian_head_equals_two_dense_layers():
    head = GaussianHead(3)
    head.build((None, 4))
    randomise(head)
    kernel, bias = (variable.numpy() for variable in head.trainable_variables)
    for index, actual in enumerate(head(HEAD_INPUT)):
        dense = keras.layers.Dense(3)
        dense.build((None, 4))
        columns = slice(3 * index, 3 * index + 3)
        dense.set_weights([kernel[:, columns], bias[columns]])
        assert_equal(actual, dense(HEAD_INPUT))


@pytest.mark.parametrize("leading", [(5,), (3, 5), (2, 3, 5)])
@pytest.mark.parametrize("hidden_units", [(), (7,), (7, 6)])
def test_prior_head_equals_2k_dense_layers(leading, hidden_units):
    head = MixturePriorHead(num_components=3, latent_dim=2, hidden_units=hidden_units)
    head.build((None, 4))
    randomise(head)
    *hidden, mean_kernel, mean_bias, log_var_kernel, log_var_bias = (
        variable.numpy() for variable in head.trainable_variables
    )
    kernel = np.concatenate([mean_kernel, log_var_kernel], axis=1)
    bias = np.concatenate([mean_bias, log_var_bias])
    w = normal(*leading, 4)
    means, log_vars = head(w)
    assert means.shape == log_vars.shape == (*leading, 3, 2)
    assert [tuple(shape) for shape in head.compute_output_shape(w.shape)] == [(*leading, 3, 2)] * 2
    features = w
    for index in range(0, len(hidden), 2):
        features = np.tanh(features @ hidden[index] + hidden[index + 1])
    for stream in range(6):  # K means, then K log-variances
        dense = keras.layers.Dense(2)
        dense.build(features.shape)
        dense.set_weights([kernel[:, 2 * stream : 2 * stream + 2], bias[2 * stream : 2 * stream + 2]])
        actual = means[..., stream, :] if stream < 3 else log_vars[..., stream - 3, :]
        assert_equal(actual, dense(features), atol=1e-5)


def test_spread_of_initial_components_is_independent_of_k():
    # A scale that counted all 2K streams as outputs would shrink these variances thirtyfold from first to last.
    w, variances = normal(40, 10), []
    for components in (2, 10, 100):
        head = MixturePriorHead(components, latent_dim=200, hidden_units=(64,), seed=0)
        variances.append([float(np.var(stream, axis=-2, ddof=1).mean()) for stream in head(w)])
    np.testing.assert_allclose(variances, np.broadcast_to(variances[-1], (3, 2)), rtol=0.2)


@pytest.mark.parametrize(("cls", "arguments"), [(GaussianHead, {"dim": 2}), (MixturePriorHead, PRIOR_HEAD)])
def test_seed_of_initial_weights(cls, arguments):
    def kernels(seed):
        layer = cls(**{**arguments, "seed": seed})
        layer.build((None, 4))
        return [variable.numpy() for variable in layer.trainable_variables if len(variable.shape) == 2]

    for first, same, other, drawn, redrawn in zip(*map(kernels, (3, 3, 40, None, None)), strict=True):
        np.testing.assert_array_equal(first, same)
        assert np.abs(first - other).min() > 0.0
        assert np.abs(drawn - redrawn).max() > 1e-3


def test_heads_keep_the_mask_of_what_they_are_given():
    masked = keras.layers.Masking()(np.array([[[1.0, 2.0], [0.0, 0.0]]], "float32"))
    for head in (GaussianHead(2), MixturePriorHead(3, 2, (4,))):
        for output in head(masked):
            np.testing.assert_array_equal(output._keras_mask, [[True, False]])


@pytest.mark.parametrize("mode", ["int8", pytest.param("float8", marks=pytest.mark.slow)])
def test_heads_of_another_model_are_read_as_they_were_quantized(mode, tmp_path, monkeypatch):
    monkeypatch.setattr(gc, "collect", int)  # Keras looks through all that the tests hold, for each kernel
    features = keras.Input((16,))
    model = keras.Model(features, [GaussianHead(2)(features), MixturePriorHead(**PRIOR_HEAD)(features)])
    model.quantize(mode)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert {layer.quantization_mode for layer in loaded._flatten_layers() if "Dense" in str(type(layer))} == {mode}
    rows = normal(5, 16)
    for found, expected in zip(keras.tree.flatten(loaded(rows)), keras.tree.flatten(model(rows)), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_no_two_kernels_of_a_head_are_drawn_alike():
    head = MixturePriorHead(2, 3, (6, 6), seed=3)
    head.build((None, 6))
    kernels = [np.ravel(variable) for variable in head.trainable_variables if len(variable.shape) == 2]
    assert [len(kernel) for kernel in kernels] == [36] * 4
    assert np.abs(np.corrcoef(kernels) - np.eye(4)).max() < 0.6


# GaussianSampler ------------------------------------------------------------------------------------------


def sampler_model(seed=7):
    return functional_model(GaussianSampler(2, seed=seed), [MEAN, LOG_VAR])


def test_moments_of_many_samples():
    draws = 50_000
    samples = GaussianSampler(draws, seed=0)(MEAN, LOG_VAR).numpy()
    assert samples.shape == (draws, 5, 2)
    variance = np.exp(LOG_VAR)
    assert (np.abs(samples.mean(axis=0) - MEAN) < 5.0 * np.sqrt(variance / draws)).all()
    # The variance of a Gaussian's sample variance is 2 sigma^4 / n.
    assert (np.abs(samples.var(axis=0) - variance) < 5.0 * variance * math.sqrt(2.0 / draws)).all()


def test_noise_is_independent_everywhere():
    draws = 20_000
    samples = GaussianSampler(draws, seed=0)(np.zeros((5, 2), "float32"), np.zeros((5, 2), "float32")).numpy()
    bound = 5.0 / math.sqrt(draws)
    across = np.corrcoef(samples.reshape(draws, -1), rowvar=False)  # of examples and dimensions
    assert np.abs(across - np.eye(10)).max() < bound
    following = np.mean(samples[1:] * samples[:-1], axis=0)  # of one sample and the next
    assert np.abs(following).max() < bound


def test_deterministic_call_is_the_mean():
    sampler = GaussianSampler(4, seed=0)
    first = sampler(MEAN, LOG_VAR)
    sampler.reset()
    np.testing.assert_array_equal(sampler(MEAN, LOG_VAR, deterministic=True), MEAN[None])
    np.testing.assert_array_equal(sampler(MEAN, LOG_VAR), first)  # it took nothing from the stream


def test_number_of_samples_of_one_call():
    sampler = GaussianSampler(2, seed=0)
    assert sampler(MEAN, LOG_VAR, num_samples=6).shape == (6, 5, 2)
    assert sampler(MEAN, LOG_VAR).shape == (2, 5, 2)
    assert GaussianSampler(seed=0)(MEAN, LOG_VAR).shape == (1, 5, 2)
    for bad in (0, -1, 2.5, True):
        for inputs in ((MEAN, LOG_VAR), (keras.Input((2,)), keras.Input((2,)))):
            with pytest.raises(ValueError, match=f"Received: num_samples={bad}"):
                sampler(*inputs, num_samples=bad)


def test_gradient_is_the_closed_form():
    # For s = sum c x with x = mean + exp(log_var / 2) noise: ds/dmean = c, ds/dlog_var = c (x - mean) / 2.
    mean, log_var, weights = tf.constant(MEAN), tf.constant(LOG_VAR), normal(3, 5, 2, seed=2)
    with tf.GradientTape() as tape:
        tape.watch([mean, log_var])
        samples = GaussianSampler(3, seed=0)(mean, log_var)
        total = tf.reduce_sum(weights * samples)
    by_mean, by_log_var = tape.gradient(total, [mean, log_var])
    np.testing.assert_allclose(by_mean, weights.sum(axis=0), rtol=1e-5, atol=1e-6)
    expected = (weights * (samples - MEAN) / 2.0).numpy().sum(axis=0)
    np.testing.assert_allclose(by_log_var, expected, rtol=1e-4, atol=1e-5)


def test_seed_and_reset():
    sampler = GaussianSampler(2, seed=5)
    first, second = sampler(MEAN, LOG_VAR).numpy(), sampler(MEAN, LOG_VAR).numpy()
    assert np.abs(first - second).min() > 0.0
    same = GaussianSampler(2, seed=5)
    np.testing.assert_array_equal(same(MEAN, LOG_VAR), first)
    np.testing.assert_array_equal(same(MEAN, LOG_VAR), second)
    assert np.abs(GaussianSampler(2, seed=6)(MEAN, LOG_VAR) - first).min() > 0.0
    sampler.reset()
    np.testing.assert_array_equal(sampler(MEAN, LOG_VAR), first)
    np.testing.assert_array_equal(sampler(MEAN, LOG_VAR), second)


def test_without_a_seed_noise_differs_and_reset_repeats_it():
    sampler, other = GaussianSampler(2), GaussianSampler(2)
    first = sampler(MEAN, LOG_VAR).numpy()
    assert np.abs(other(MEAN, LOG_VAR) - first).min() > 0.0
    sampler.reset()
    np.testing.assert_array_equal(sampler(MEAN, LOG_VAR), first)


def test_two_calls_differ_within_tf_function():
    sampler = GaussianSampler(2, seed=5)
    traced = tf.function(lambda: sampler(MEAN, LOG_VAR))
    assert np.abs(traced() - traced()).min() > 0.0


@pytest.mark.parametrize("kind", ["keras", "weights.h5"])
def test_random_state_survives_files(kind, tmp_path):
    model, inputs, path = sampler_model(), [MEAN, LOG_VAR], tmp_path / f"model.{kind}"
    model.layers[-1].reset()
    first, _ = model(inputs), model(inputs)
    if kind == "keras":
        model.save(path)
        loaded = keras.saving.load_model(path)
    else:
        model.save_weights(path)
        loaded = sampler_model(seed=8)  # the state must come from the file, not from the seed
        loaded.load_weights(path)
    third, fourth = model(inputs), model(inputs)
    np.testing.assert_array_equal(loaded(inputs), third)
    np.testing.assert_array_equal(loaded(inputs), fourth)
    if kind == "keras":
        loaded.layers[-1].reset()
        np.testing.assert_array_equal(loaded(inputs), first)


@pytest.mark.parametrize(
    ("arguments", "samples"), [({}, 3), ({"num_samples": 6}, 6), ({"deterministic": True}, 1)]
)
def test_sampler_knows_its_symbolic_shape(arguments, samples):
    inputs = [keras.Input((2,)), keras.Input((2,))]
    drawn = layers.GaussianSampler(3)(*inputs, **arguments)
    assert drawn.shape == (samples, None, 2)
    assert keras.Model(inputs, drawn)([np.zeros((5, 2))] * 2).shape == (samples, 5, 2)


def test_sampler_without_a_seed_resets_to_its_own_start_after_loading(tmp_path):
    inputs = [keras.Input((2,)), keras.Input((2,))]
    model = keras.Model(inputs, layers.GaussianSampler(3)(*inputs))
    zeros = [np.zeros((5, 2))] * 2
    first = np.asarray(model(zeros))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    loaded.layers[-1].reset()
    np.testing.assert_array_equal(loaded(zeros), first)


def test_hidden_units_must_be_a_sequence():
    with pytest.raises(ValueError, match="Received: hidden_units=5"):
        layers.MixturePriorHead(2, 2, hidden_units=5)
