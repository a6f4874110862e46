"""What numbers are divided by, so that their unit does not matter."""

import numpy as np
from numpy.typing import ArrayLike


def scale_of(deviation: ArrayLike, largest: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """What numbers are divided by, whatever their unit: their deviation, unless it is rounding alone.

    Args:
        deviation: float or array (F,).
        largest: float or array (F,), the largest absolute number of each.

    Returns:
        Pair of arrays like `deviation`: the scales, and whether there is more than rounding. Where
        there is not, the scale is 1, or the step between float32 numbers of that size, if it is more.
    """
    step = np.spacing(np.asarray(largest, "float32")).astype("float64")
    varies = np.asarray(deviation) > step
    return np.where(varies, deviation, np.maximum(1.0, step)), varies
