"""Bounds on the logarithms that networks return."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras import ops

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf


# A logarithm within +-EXACT is left as it is; beyond, it bends and never passes +-LIMIT, unless a larger `exact`
# is asked for. With exp(LIMIT) = 3.3e6 products of variances, squared distances and raw columns of a table stay
# far from float32's largest number, and so do the squares of their gradients, of which Adam keeps averages. A
# responsibility of 0 times any of them is 0, where 0 times infinity would be NaN.
EXACT = 10.0
LIMIT = 15.0


def bounded_log(values: tf.Tensor, exact: float | np.ndarray = EXACT) -> tf.Tensor:
    """A log-variance or log-rate, kept within bounds that no sensible one reaches.

    The identity from -10 to `exact`, by default 10, that is for variances and rates from 4.5e-5 to 2.2e4. Beyond,
    a smooth continuation, of the same value and slope there, that stays above -15 and below `exact` + 5, by
    default from 3.1e-7 to 3.3e6: exact + 5 tanh((value - exact) / 5), and likewise below.

    Args:
        values: tensor of any shape.
        exact: float, or an array that goes with `values`: up to where it is the identity, where larger values are
            sensible. Default `EXACT` = 10.

    Returns:
        Tensor of that shape.
    """
    inner = ops.clip(values, -EXACT, exact)
    span = LIMIT - EXACT
    return inner + span * ops.tanh((values - inner) / span)
