"""Checks that values are what a likelihood takes: at once of arrays, and within the graph of tensors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tf_gmvae.errors import MARK, InputError

if TYPE_CHECKING:
    from tf_gmvae.likelihoods import Likelihood


def _sentence(culprit, likelihood, mend="repair or drop those examples"):
    low, high = likelihood.support
    return (
        f"{culprit}, but the {likelihood.name} likelihood takes finite values within [{low:g}, {high:g}]: {mend}."
    )


def _rescaling(likelihood, smallest=0.0, largest=255.0, may_choose=True):
    if not math.isfinite(likelihood.support[1]):
        return "choose another likelihood"
    shades = "255: divide by 255, or pass uint8" if largest <= 255 else "65535: divide by 65535"
    how = f"(shades of 0 to {shades})" if smallest >= 0 else "by (x - x.min()) / (x.max() - x.min())"
    return f"scale them first {how}" + ", or choose another likelihood" * may_choose


def check_values(values: np.ndarray, likelihood: Likelihood, may_choose: bool = True) -> None:
    """Checks that every value is finite and within the likelihood's support.

    Args:
        values: NumPy array; one of uint8 is good for every likelihood.
        likelihood: a `Likelihood`.
        may_choose: whether whoever calls can choose another one, as a mend. Default True.

    Raises:
        InputError: naming the first bad value.
    """
    if values.dtype == np.uint8:
        return
    low, high = likelihood.support
    # NaN makes the minimum NaN and fails the comparison, so the two extremes find it too, unless it is no mistake.
    if likelihood.missing:
        values = np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=-np.inf)
    minimum, maximum = (values.min(), values.max()) if values.size else (0.0, 0.0)
    if low <= minimum and maximum <= high and math.isfinite(minimum) and math.isfinite(maximum):
        return
    bad = ~((values >= low) & (values <= high) & np.isfinite(values))
    where = tuple(int(i) for i in np.argwhere(bad)[0])
    culprit = f"The value at index {where} is {values[where]:g}"
    if np.isfinite(values[where]):
        raise InputError(_sentence(culprit, likelihood, _rescaling(likelihood, minimum, maximum, may_choose)))
    raise InputError(_sentence(culprit, likelihood))


def with_value_checks(values: tf.Tensor, likelihood: Likelihood) -> tf.Tensor:
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
    good = tf.math.is_finite(values) & (values >= low) & (values <= high)
    good = tf.reduce_all(good | tf.math.is_nan(values) if likelihood.missing else good)
    mend = f"repair or drop those examples if they are NaN or infinite, else {_rescaling(likelihood)}"
    sentence = _sentence("A batch holds values that are NaN, infinite or out of range", likelihood, mend)
    with tf.control_dependencies([tf.debugging.Assert(good, [MARK + sentence])]):
        return tf.identity(values)
