"""The fast layers and the fast optimizer compute what the plain ones of Keras compute."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import run_warm
from support.remembered import remembered

import tf_gmvae
from layers import FusedBatchNormalization, SpectralConv2D, SpectralConv2DTranspose, spectral
from tf_gmvae import blocks, objective
from tf_gmvae.model import compiled
from tf_gmvae.optimizer import FusedAdam, falling_rate

SHAPES = [((23, 23), (6, 6), 16, 32), ((12, 15), (5, 3), 4, 6), ((7, 6), (1, 6), 2, 3), ((8, 8), (2, 2), 1, 1)]


def normal(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), "float32")


def outputs_and_gradients(function, maps, kernel):
    with tf.GradientTape() as tape:
        tape.watch((maps, kernel))
        outputs = function(maps, kernel)
    return outputs, *tape.gradient(outputs, (maps, kernel), normal(*outputs.shape, seed=9))


def assert_close(actual, expected, atol=1e-4):
    """To rounding: relative to the standard deviation of what is expected."""
    assert actual.shape == expected.shape
    scale = float(tf.math.reduce_std(expected))
    assert scale > 1e-3
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol * scale)


@pytest.mark.parametrize("size, kernel_size, channels, filters", SHAPES)
def test_correlate_is_the_convolution_of_keras(size, kernel_size, channels, filters):
    maps, kernel = normal(5, *size, channels), normal(*kernel_size, channels, filters, seed=1)
    expected = outputs_and_gradients(keras.ops.conv, maps, kernel)
    for one, other in zip(outputs_and_gradients(spectral.correlate, maps, kernel), expected, strict=True):
        assert_close(one, other)


@pytest.mark.parametrize("size, kernel_size, channels, filters", SHAPES)
def test_full_convolve_is_the_transposed_convolution_of_keras(size, kernel_size, channels, filters):
    maps, kernel = normal(5, *size, channels), normal(*kernel_size, filters, channels, seed=1)
    expected = outputs_and_gradients(lambda *both: keras.ops.conv_transpose(*both, 1), maps, kernel)
    for one, other in zip(outputs_and_gradients(spectral.full_convolve, maps, kernel), expected, strict=True):
        assert_close(one, other)


@pytest.mark.parametrize(
    "fast, plain, size, channels, filters",
    [
        (SpectralConv2D, keras.layers.Conv2D, 23, 16, 32),
        (SpectralConv2DTranspose, keras.layers.Conv2DTranspose, 18, 32, 16),
        (SpectralConv2DTranspose, keras.layers.Conv2DTranspose, 23, 16, 1),
    ],
)
def test_layers_take_the_weights_and_the_place_of_keras_layers(fast, plain, size, channels, filters, monkeypatch):
    maps = normal(5, size, size, channels)
    arguments = {"filters": filters, "kernel_size": 6, "activation": "tanh", "bias_initializer": "ones"}
    fast, plain = fast(**arguments), plain(**arguments)
    plain.build(maps.shape)
    fast.build(maps.shape)
    fast.set_weights(plain.get_weights())
    expected = plain(maps)
    assert_close(fast(maps), expected)

    # These are the shapes of the presets, and they must not fall back; small kernels must.
    called = []
    for name in ("correlate", "full_convolve"):
        original = getattr(spectral, name)
        monkeypatch.setattr(spectral, name, lambda *both, f=original: called.append(1) or f(*both))
    fast(maps)
    assert called == [1]
    type(fast)(16, 3)(maps)
    assert called == [1]


RENORM = {"renorm": True} if hasattr(keras.layers.BatchNormalization(), "renorm") else {}  # of newer Keras


@pytest.mark.parametrize(("axis", "further"), [(-1, {}), (3, {}), (-1, RENORM)])
def test_fused_batch_normalisation_learns_and_infers_like_that_of_keras(axis, further):
    maps = 2.0 * normal(7, 5, 4, 3) + 1.0
    fast, plain = (
        cls(axis=axis, momentum=0.9, **further)
        for cls in (FusedBatchNormalization, keras.layers.BatchNormalization)
    )
    for layer in (fast, plain):
        layer.build(maps.shape)
        drawn = [normal(3, seed=2), normal(3, seed=3), normal(3, seed=4), normal(3, seed=5) ** 2]
        layer.set_weights([*drawn, *layer.get_weights()[4:]])
    for training in (True, True, False):
        results = []
        for layer in (fast, plain):
            with tf.GradientTape() as tape:
                tape.watch(maps)
                outputs = layer(maps, training=training)
                loss = tf.reduce_sum(outputs**3)
            results.append((outputs, *tape.gradient(loss, [maps, layer.gamma.value, layer.beta.value])))
        for one, other in zip(*results, strict=True):
            assert_close(one, other)
        for one, other in zip(fast.weights, plain.weights, strict=True):
            np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-5, atol=1e-6)


REPLICAS = """
import json, sys
import numpy as np, tensorflow as tf
import tf_gmvae
from layers import FusedBatchNormalization

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 3)
rng = np.random.default_rng(0)

def learnt(strategy, parts):
    with strategy.scope():
        layer = FusedBatchNormalization(momentum=0.9)
        layer.build(parts[0].shape)
        layer.set_weights([np.linspace(0.5, 1.5, 3, dtype="float32")] * 4)
    local = strategy.experimental_local_results

    def step(maps):
        with tf.GradientTape() as tape:
            tape.watch(maps)
            outputs = layer(maps, training=True)
            loss = tf.reduce_sum(outputs**3)  # of this replica's part: all parts together have the whole gradient
        of_maps, *of_weights = tape.gradient(loss, [maps, layer.gamma.value, layer.beta.value])
        return outputs, of_maps, tf.stack(of_weights)

    given = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(parts[context.replica_id_in_sync_group])
    )
    outputs, of_maps, of_weights = tf.function(lambda maps: strategy.run(step, args=(maps,)))(given)
    moving = [[value.numpy().tolist() for value in local(weight.value)] for weight in layer.non_trainable_weights]
    assert all(value == values[0] for values in moving for value in values)
    return [
        np.concatenate(local(outputs)).tolist(), np.concatenate(local(of_maps)).tolist(),
        np.sum(local(of_weights), axis=0).tolist(), [values[0] for values in moving],
    ]

result = {}
# Far from zero, where squares would lose digits; the last replica has no part at all.
for name, maps in {"maps": rng.normal(50, 2, (7, 5, 4, 3)), "vectors": rng.normal(1, 2, (7, 3))}.items():
    maps = maps.astype("float32")
    mirrored = tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(3)])
    result[name] = [
        learnt(tf.distribute.get_strategy(), [maps]), learnt(mirrored, [maps[:5], maps[5:], maps[7:]])
    ]
json.dump(result, open(sys.argv[1], "w"))
"""


def test_replicas_with_unequal_parts_normalise_the_whole_batch(tmp_path):
    process = run_warm("-c", REPLICAS, tmp_path / "result.json")
    assert process.returncode == 0, process.stderr[-2000:]
    for one, three in json.loads((tmp_path / "result.json").read_text()).values():
        for ours, theirs in zip(one, three, strict=True):
            np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-3)


def test_frozen_fused_batch_normalisation_does_not_learn():
    layer = FusedBatchNormalization(trainable=False)
    maps = normal(7, 5, 4, 3)
    layer.build(maps.shape)
    before = [value.copy() for value in layer.get_weights()]
    layer(maps, training=True)
    for one, other in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def compiled_step(optimizer, weights):
    def gradients(scale):
        return [tf.sin(weight.value * tf.cast(scale, weight.dtype)) for weight in weights]

    return tf.function(lambda scale: optimizer.apply(gradients(scale), weights))


@pytest.mark.parametrize("steps", [60, 7], ids=["compiled", "eager"])
@pytest.mark.parametrize(
    "further",
    [{}, {"amsgrad": True}, {"clipnorm": 0.1}, {"weight_decay": 0.01}, {"gradient_accumulation_steps": 2}],
)
def test_fused_adam_steps_like_adam(further, steps):
    trained = []
    for cls in (FusedAdam, keras.optimizers.Adam):
        weights = [keras.Variable(np.linspace(-1.0, 3.0, 5), dtype=dtype) for dtype in ("float32", "float64") * 2]
        optimizer = cls(keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9), epsilon=1e-8, **further)
        optimizer.build(weights)

        step = compiled_step(optimizer, weights)
        tf.config.run_functions_eagerly(steps == 7)
        try:
            for number in range(steps):
                step(tf.constant(float(number)))
        finally:
            tf.config.run_functions_eagerly(False)
        trained.append([variable.numpy() for variable in (*weights, *optimizer.variables)])
    assert np.abs(trained[0][0] - np.linspace(-1.0, 3.0, 5)).max() > 0.01
    for one, other in zip(*trained, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_a_rate_falls_along_half_a_cosine_to_a_fiftieth():
    rates = [float(falling_rate(3.0, 4)(step)) for step in range(6)]
    parts = [0.5 * (1 + np.cos(np.pi * min(step, 4) / 4)) for step in range(6)]
    np.testing.assert_allclose(rates, [3.0 * (0.02 + 0.98 * part) for part in parts], rtol=1e-5)


def latent_tensors(num_samples=2, batch=5, components=3, dim=4, style=3):
    leading = (num_samples, batch)
    return (
        normal(*leading),
        normal(*leading, dim, seed=1),
        (normal(batch, dim, seed=2), normal(batch, dim, seed=3)),
        (normal(batch, style, seed=4), normal(batch, style, seed=5)),
        normal(*leading, components, dim, seed=6),
        normal(*leading, components, dim, seed=7),
    )


@pytest.mark.parametrize(
    ("outer", "name"),
    [("eager", "elbo_terms"), ("graph", "elbo_terms"), ("xla", "elbo_terms"), ("graph", "held_terms")],
)
def test_compiled_terms_and_their_gradients_are_the_plain_ones(outer, name, monkeypatch):
    tensors = latent_tensors()
    if name == "held_terms":
        tensors = (tf.nn.softmax(normal(5, 3, seed=8)), *tensors)
    flat = keras.tree.flatten(tensors)

    def terms_and_gradients(of_latents):
        with tf.GradientTape() as tape:
            tape.watch(flat)
            terms = keras.tree.flatten(of_latents(*tensors))
            # Each term has an upstream gradient of its own.
            loss = sum(tf.reduce_sum(term * (number + 1.5)) for number, term in enumerate(terms))
        return [*terms, *tape.gradient(loss, flat)]

    expected = terms_and_gradients(getattr(objective, name))
    monkeypatch.setattr(compiled, "WORTHWHILE", 0)
    traced = []
    forwards = compiled._forwards
    monkeypatch.setattr(compiled, "_forwards", lambda *both: traced.append(1) or forwards(*both))
    function = terms_and_gradients
    if outer != "eager":
        function = tf.function(terms_and_gradients, jit_compile=outer == "xla")
    for one, other in zip(function(getattr(compiled, name)), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert len(traced) == 1


def test_few_components_and_samples_are_not_compiled(monkeypatch):
    monkeypatch.setattr(compiled, "_forwards", None)
    for one, other in zip(
        compiled.elbo_terms(*latent_tensors()), objective.elbo_terms(*latent_tensors()), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("hold", [pytest.param(0.0, marks=pytest.mark.slow), 5.0])
def test_a_model_of_many_components_trains_compiled(hold, make_table_model, table, monkeypatch):
    histories, traced, forwards = [], [], compiled._forwards
    monkeypatch.setattr(compiled, "_forwards", lambda *both: traced.append(1) or forwards(*both))
    given = np.eye(4, dtype="float32")[np.arange(len(table)) % 4]
    for worthwhile in (10**9, 0):
        monkeypatch.setattr(compiled, "WORTHWHILE", worthwhile)
        model = make_table_model(num_samples=3, seed=5, hold=hold)
        # The last batch is smaller: a second shape to compile for.
        histories.append(model.fit(table, given, batch_size=64, shuffle=False, verbose=0).history)
        assert bool(traced) == (worthwhile == 0)
    for name, values in histories[0].items():
        np.testing.assert_allclose(histories[1][name], values, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_the_loss_curve_is_that_of_the_plain_path(monkeypatch):
    """50 seeded steps of the MNIST preset, with the fast layers and optimizer and with those of Keras.

    Training amplifies rounding: the plain path with weights that differ by 1e-7 parts from itself as well. How far
    it does so is the float32 noise that the fast path is measured by.
    """
    rows = np.arange(28)[:, None] - np.random.default_rng(0).uniform(4, 24, (160, 1, 1))
    images = np.exp(-np.square(rows / 4.0)) * np.ones((1, 1, 28))
    images = images[..., None].astype("float32")

    def made(optimizer):
        model = tf_gmvae.GMVAE.from_preset("mnist", num_components=3, seed=0)
        model.compile(optimizer(1e-4, epsilon=1e-8))
        return model

    def curve(model):
        losses = []
        keep = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: losses.append(logs["loss"]))
        batches = tf.data.Dataset.from_tensor_slices(images).repeat().batch(8)
        model.fit(batches, epochs=1, steps_per_epoch=50, verbose=0, callbacks=[keep])
        return np.array(losses)

    fast_model = made(FusedAdam)
    fast = curve(fast_model)
    monkeypatch.setattr(blocks, "SpectralConv2D", keras.layers.Conv2D)
    monkeypatch.setattr(blocks, "SpectralConv2DTranspose", keras.layers.Conv2DTranspose)
    monkeypatch.setattr(blocks, "FusedBatchNormalization", keras.layers.BatchNormalization)
    plain_model = made(keras.optimizers.Adam)
    put_back = remembered(plain_model)
    plain = curve(plain_model)
    put_back()
    for weight in plain_model.trainable_weights:
        weight.assign(weight * (1.0 + 2e-7))
    nudged = curve(plain_model)
    kinds = [{type(layer) for layer in model.encoder.layers} for model in (fast_model, plain_model)]
    assert SpectralConv2D in kinds[0] - kinds[1]
    assert len(fast) == 50
    assert fast[-1] < 0.8 * fast[0]
    np.testing.assert_allclose(fast[:10], plain[:10], rtol=1e-3)
    noise, difference = (np.abs(other / plain - 1.0) for other in (nudged, fast))
    assert noise.max() < 0.02
    assert difference.max() < min(10.0 * noise.max(), 0.02)


@pytest.mark.parametrize("batch_size", [1, 63, 64, 130, 500])
def test_predict_in_parts_is_the_posterior_of_every_example(make_table_model, table, batch_size):
    model = make_table_model()
    model.compile()
    examples = np.tile(table, (3, 1))[:200] + np.linspace(0, 1, 200, dtype="float32")[:, None]
    posterior = model.predict(examples, batch_size=batch_size, verbose=0)
    np.testing.assert_allclose(posterior, model(examples), atol=1e-5)
    assert len(np.unique(posterior, axis=0)) == 200
