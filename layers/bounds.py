"""Bounds on the logarithms that networks return."""

from keras import ops

# A logarithm within +-EXACT is left exactly as it is; beyond, it bends and never reaches +-LIMIT. exp(LIMIT) is
# 1.1e13: products of two such variances and a squared distance stay far from float32's largest, 3.4e38, and a
# responsibility of 0 times any of them is 0, where 0 times infinity would be NaN.
EXACT = 20.0
LIMIT = 30.0


def bounded_log(values):
    """A log-variance or log-rate, kept within bounds that no sensible one reaches.

    The identity where |value| <= `EXACT` = 20, that is for variances and rates from 2e-9 to 4.9e8. Beyond, a smooth
    continuation (of the same value and slope there) that stays within `LIMIT` = 30: EXACT + 10 tanh((value - EXACT)
    / 10), and likewise below.

    Args:
        values: tensor of any shape.

    Returns:
        Tensor of that shape.
    """
    inner = ops.clip(values, -EXACT, EXACT)
    span = LIMIT - EXACT
    return inner + span * ops.tanh((values - inner) / span)
