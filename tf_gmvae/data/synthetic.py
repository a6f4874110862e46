"""Five bent arcs in the plane: the small data set whose clusters are not Gaussian."""

from __future__ import annotations

import numpy as np

from tf_gmvae.checks import whole_number
from tf_gmvae.data.split import Dataset, Split

NUM_ARCS = 5
_RADIAL_STD = 0.3
_TANGENTIAL_STD = 0.05
# Radians by which an arc turns for each unit of radius. Its ends, 2.5 radial deviations either side of its
# middle, are then turned by about 90 degrees against each other, which one Gaussian does not fit.
_TWIST = 1.0


def five_arcs(num_points: int = 10_000, seed: int = 0) -> Split:
    """Draws points from five arcs, in the manner of the pinwheel data of Johnson et al. (2016).

    A point of arc k starts on a spoke, at `(1 + 0.3 r, 0.05 t)` with standard normal r and t, and is turned
    by `2 pi k / 5 + (radius - 1)`: the angle grows with the radius, which bends the spokes into arcs. The
    whole is scaled by a constant that gives each coordinate about unit variance whatever the draw.

    Args:
        num_points: Number of points, at least 5. The arcs differ by one point at most. Default 10,000.
        seed: Seed of the draw, and the only thing it depends on. Default 0.

    Returns:
        A `Split` of `(num_points, 2)` float32 points in random order, with the arc 0 to 4 as the label.

    Raises:
        InputError: If `num_points` is below 5 or the seed is not a whole number >= 0.
    """
    num_points = whole_number("num_points", num_points, NUM_ARCS)
    rng = np.random.default_rng(whole_number("seed", seed, 0))
    labels = rng.permutation(np.arange(num_points, dtype=np.int64) % NUM_ARCS)
    along = 1 + _RADIAL_STD * rng.standard_normal(num_points)
    across = _TANGENTIAL_STD * rng.standard_normal(num_points)
    radius = np.hypot(along, across)
    angle = 2 * np.pi * labels / NUM_ARCS + _TWIST * (radius - 1)
    points = np.stack(
        [along * np.cos(angle) - across * np.sin(angle), along * np.sin(angle) + across * np.cos(angle)],
        axis=1,
    )
    # Five arcs evenly around the circle share the mean squared radius equally between the two axes.
    scale = np.sqrt((1 + _RADIAL_STD**2 + _TANGENTIAL_STD**2) / 2)
    return Split((points / scale).astype(np.float32), labels)


def load_synthetic(seed: int = 0) -> Dataset:
    """Draws 10,000 training points from `seed` and 2,000 test points from a stream derived from it."""
    test_seed = int(np.random.SeedSequence([whole_number("seed", seed, 0), 1]).generate_state(1)[0])
    return Dataset("synthetic", five_arcs(10_000, seed), five_arcs(2_000, test_seed), tuple("01234"))
