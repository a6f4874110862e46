"""One test that every public layer has to pass, whatever it computes."""

import json

import keras
import numpy as np
import tensorflow as tf


def run_layer_test(factory, inputs, output_shapes, folder, *, batch_axis=0, repeatable=None, predicted=None):
    """Checks a layer in all the ways Keras may use it; fails by assertion.

    Args:
        factory: function of layer arguments (dtype, say) that makes the layer, always from one seed.
        inputs: list of float32 arrays (B, ...), the layer's call arguments.
        output_shapes: list of the shapes of the outputs.
        folder: an empty folder for files.
        batch_axis: where the outputs have the batch.
        repeatable: call arguments that make a random layer deterministic.
        predicted: outputs outside training, where these are others; default: the same.
    """
    repeatable = repeatable or {}
    expected = _calls(factory, inputs, output_shapes, predicted)
    _config(factory, inputs, expected)
    _fit(factory, inputs, batch_axis)
    _keras_file(factory, inputs, folder / "layer.keras")
    _saved_model(factory, inputs, repeatable, folder / "exported")
    _mixed_precision(factory, inputs, output_shapes, repeatable)


def as_list(outputs):
    """Outputs of a layer as a list."""
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def assert_equal(actual, expected, atol=1e-6):
    """Asserts that two layers' outputs are the same, and not all zero, which nothing could change."""
    actual, expected = as_list(actual), as_list(expected)
    for one_actual, one_expected in zip(actual, expected, strict=True):
        assert np.abs(one_expected).max() > 1e-3
        np.testing.assert_allclose(
            tf.cast(one_actual, "float32"), tf.cast(one_expected, "float32"), rtol=1e-5, atol=atol
        )


def functional_model(layer, inputs, **arguments):
    """A model of just that layer, for any batch size."""
    tensors = [keras.Input(value.shape[1:]) for value in inputs]
    return keras.Model(tensors, layer(*tensors, **arguments))


def _calls(factory, inputs, output_shapes, predicted):
    """The layer builds, and computes the same eagerly, in tf.function and in a functional model."""
    layer = factory()
    expected = as_list(layer(*inputs))
    assert layer.built
    assert [tuple(output.shape) for output in expected] == output_shapes
    computed = layer.compute_output_shape(*(value.shape for value in inputs))
    assert [tuple(shape) for shape in (computed if len(output_shapes) > 1 else [computed])] == output_shapes

    # New layers of the same seed, so that a random layer too is asked for its first outputs.
    assert_equal(factory()(*inputs), expected)
    traced = factory()
    traced(*inputs)
    _restart(traced)
    assert_equal(tf.function(traced)(*inputs), expected)
    symbolic = factory()
    model = functional_model(symbolic, inputs)
    # The symbolic shapes are those of the outputs, but for the batch, which is free.
    for tensor, shape in zip(as_list(model.outputs), output_shapes, strict=True):
        assert len(tensor.shape) == len(shape)
        assert all(one in (None, other) for one, other in zip(tensor.shape, shape, strict=True))
    _restart(symbolic)
    assert_equal(model(inputs), expected)
    _restart(symbolic)
    outside = model.predict(inputs, verbose=0, batch_size=len(inputs[0]))
    assert_equal(outside, expected if predicted is None else predicted)
    return expected


def _restart(layer):
    """Takes a random layer to its first outputs."""
    if hasattr(layer, "reset"):
        layer.reset()


def _config(factory, inputs, expected):
    """The config survives JSON and makes a layer that computes the same."""
    layer = factory(name="named")
    layer(*inputs)
    config = json.loads(json.dumps(layer.get_config()))
    copy = type(layer).from_config(config)
    assert copy.name == "named"
    assert json.loads(json.dumps(copy.get_config())) == config
    assert_equal(copy(*inputs), expected)  # of the same seed, hence the same weights and noise


def _fit(factory, inputs, batch_axis):
    """Gradients reach the layer's weights, and those of layers in front of it, through `fit`."""
    layer = factory()
    tensors = [keras.Input(value.shape[1:]) for value in inputs]
    in_front = [keras.layers.Dense(tensor.shape[-1]) for tensor in tensors]
    outputs = as_list(layer(*(dense(tensor) for dense, tensor in zip(in_front, tensors, strict=True))))
    means = []
    for output in outputs:
        axes = [axis for axis in range(len(output.shape)) if axis != batch_axis]
        means.append(keras.ops.mean(output, axis=axes))
    model = keras.Model(tensors, means)
    model.compile(keras.optimizers.SGD(0.1), loss=["mse"] * len(means))
    before = [variable.numpy() for variable in model.trainable_variables]
    targets = [np.ones(len(inputs[0]), "float32")] * len(means)
    history = model.fit(inputs, targets, epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert before
    for old, variable in zip(before, model.trainable_variables, strict=True):
        assert np.isfinite(variable.numpy()).all()
        assert np.abs(variable.numpy() - old).max() > 0.0, variable.path


def _keras_file(factory, inputs, path):
    """A `.keras` file brings back the layer, weights and random state."""
    layer = factory()
    model = functional_model(layer, inputs)
    for variable in layer.trainable_variables:  # else a loaded layer of the same seed could pass unloaded
        variable.assign(variable + 0.1)
    model(inputs)
    model.save(path)
    loaded = keras.saving.load_model(path)
    assert [type(one) for one in loaded.layers] == [type(one) for one in model.layers]
    assert_equal(loaded(inputs), model(inputs))


def _saved_model(factory, inputs, repeatable, path):
    """An exported SavedModel computes the same without the Python code."""
    model = functional_model(factory(), inputs, **repeatable)
    model.export(path, verbose=False)
    loaded = tf.saved_model.load(str(path))  # it owns the variables: `serve` alone would lose them
    assert_equal(loaded.serve([tf.constant(value) for value in inputs]), model(inputs))


def _mixed_precision(factory, inputs, output_shapes, repeatable):
    """Under mixed_bfloat16 outputs are bfloat16, weights float32, and values those of float32, roughly."""
    layer = factory(dtype="mixed_bfloat16")
    for output, shape in zip(as_list(layer(*inputs)), output_shapes, strict=True):
        assert output.shape == shape
        assert output.dtype == tf.bfloat16
        assert np.isfinite(tf.cast(output, "float32")).all()
    assert {variable.dtype for variable in layer.trainable_variables} <= {"float32"}
    assert_equal(layer(*inputs, **repeatable), factory()(*inputs, **repeatable), atol=0.05)
