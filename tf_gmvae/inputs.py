"""Checks of what users feed to the model: shapes when traced, values when they run."""

import contextlib
import math
import re

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae.errors import InputError

# Frames our sentence within the long report TensorFlow makes of a failed assertion.
_MARK = "Bad input: "
_FRAMED = re.compile(rf"{_MARK}(.*?)\]\n", re.DOTALL)


def check_shape(shape, data_shape):
    """Checks a batch's shape against the shape the model was built for.

    Args:
        shape: of the batch, (B, ...); unknown sizes are None.
        data_shape: of one example.

    Raises:
        InputError: if they do not fit.
    """
    received, expected = tuple(shape[1:]), tuple(data_shape)
    if len(received) == len(expected) and all(
        want in (None, have) or have is None for have, want in zip(received, expected, strict=True)
    ):
        return
    hint = "reshape the data or build a model for their shape"
    if (*received, 1) == expected:
        hint = "add the channel axis, images[..., None]"
    raise InputError(f"Examples of shape {received} do not fit a model built for {expected}: {hint}.")


def _sentence(culprit, likelihood, mend="repair or drop those examples"):
    low, high = likelihood.support
    return (
        f"{culprit}, but the {likelihood.name} likelihood takes finite values within [{low:g}, {high:g}]: {mend}."
    )


def _rescaling(likelihood):
    if math.isfinite(likelihood.support[1]):
        return "scale them first (uint8 images: divide by 255), or choose another likelihood"
    return "choose another likelihood"


def check_values(values, likelihood):
    """Checks that every value is finite and within the likelihood's support.

    Args:
        values: NumPy array.
        likelihood: a `Likelihood`.

    Raises:
        InputError: naming the first bad value.
    """
    low, high = likelihood.support
    # NaN makes the minimum NaN and fails the comparison, so the two extremes find it too.
    minimum, maximum = (values.min(), values.max()) if values.size else (0.0, 0.0)
    if low <= minimum and maximum <= high and math.isfinite(minimum) and math.isfinite(maximum):
        return
    bad = ~((values >= low) & (values <= high) & np.isfinite(values))
    where = tuple(int(i) for i in np.argwhere(bad)[0])
    culprit = f"The value at index {where} is {values[where]:g}"
    if np.isfinite(values[where]):
        raise InputError(_sentence(culprit, likelihood, _rescaling(likelihood)))
    raise InputError(_sentence(culprit, likelihood))


def with_value_checks(values, likelihood):
    """The same tensor, behind the check of `check_values`.

    Args:
        values: float tensor.
        likelihood: a `Likelihood`.

    Returns:
        The tensor. Evaluating it within a graph raises `tf.errors.InvalidArgumentError` on bad values,
        which `readable_errors` turns into our sentence. XLA drops assertions, and this check with them.

    Raises:
        InputError: at once, if executing eagerly.
    """
    if tf.executing_eagerly():
        check_values(values.numpy(), likelihood)
        return values
    low, high = likelihood.support
    good = tf.reduce_all(tf.math.is_finite(values) & (values >= low) & (values <= high))
    mend = f"repair or drop those examples if they are NaN or infinite, else {_rescaling(likelihood)}"
    sentence = _sentence("A batch holds values that are NaN, infinite or out of range", likelihood, mend)
    with tf.control_dependencies([tf.debugging.Assert(good, [_MARK + sentence])]):
        return tf.identity(values)


def check_data(data, model):
    """Checks what can be known of `fit`'s, `evaluate`'s or `predict`'s data before the first step.

    Args:
        data: an array, which is checked whole, a `tf.data.Dataset`, of which the shape is checked, or
            anything else Keras takes, which is left to the first step.
        model: a built `GMVAE`; one not built yet takes its shape from the data.

    Raises:
        InputError: if shape or values do not fit the model.
    """
    if not model.built:
        return
    if isinstance(data, np.ndarray):
        check_shape(data.shape, model.data_shape)
        check_values(data, model.likelihood)
    elif isinstance(data, tf.data.Dataset):
        examples = keras.tree.flatten(data.element_spec)[0]
        if examples.shape.rank is not None:
            check_shape(examples.shape, model.data_shape)


@contextlib.contextmanager
def readable_errors():
    """Turns a failed `with_value_checks` into an `InputError` of one sentence."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        framed = _FRAMED.search(str(error))
        if framed is None:
            raise
        raise InputError(framed.group(1)) from None
