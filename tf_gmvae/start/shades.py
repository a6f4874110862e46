"""Whether images differ by their shades alone, and have no strokes to be compared by.

Clusters of what images have in common are found again in other samples of them, see `agreement`. Of light and dark
pictures of nothing, clusters of shades are, and clusters of strokes, which are noise there, are not.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tf_gmvae.start import agreement, candidates, descriptors

# Images that are looked at, samples of them, and numbers of clusters that are looked for in these: by strokes, of
# which two or three are found again in any cloud that is longer than it is wide, and by shades.
MOST, SAMPLES = 600, 4
OF_STROKES, OF_SHADES = (5, 6, 8), (2, 3, 4, 6, 8)
# Of the best of these numbers: what clusters of strokes stay below, and those of shades reach. Digits, drawn or
# photographed, have 0.7 and more by their strokes; light and dark noise has 0.2 to 0.4, and 1 by its shades.
NOT_FOUND_AGAIN, FOUND_AGAIN = 0.5, 0.9


def differ_alone(examples: np.ndarray, to_floats: Callable[[tf.Tensor], tf.Tensor], seed: int) -> bool:
    """Whether clusters of shades are found again in samples, and those of strokes are not, or there is no stroke.

    Args:
        examples: array (N, H, W, C), images.
        to_floats: function of a batch of examples to floats in [0, 1].
        seed: integer; the same seed gives the same answer.

    Returns:
        Boolean.
    """
    some = np.random.default_rng(seed).permutation(len(examples))[:MOST]
    images = to_floats(examples[np.sort(some)])
    strokes, values = descriptors.image_features(images)[0].numpy(), np.reshape(images, (len(some), -1))
    if _are_alike(strokes) or _are_alike(values):
        # Plain pictures, whose shades may have no clusters, have nothing else.
        return not _are_alike(values)
    if _stability(strokes, OF_STROKES, seed, NOT_FOUND_AGAIN) >= NOT_FOUND_AGAIN:
        return False
    return _stability(values, OF_SHADES, seed, FOUND_AGAIN) >= FOUND_AGAIN


def _are_alike(features):
    return np.ptp(features, axis=0).max() < 1e-6


def _stability(features, numbers, seed, enough):
    """That of the number of clusters that is best, or is enough."""
    mean, components = descriptors.projection(features, seed)
    points = (features - mean) @ components
    best = 0.0
    for number in numbers:
        if number < len(points) and best < enough:
            best = max(best, agreement.stability(points, number, seed, candidates.k_means, SAMPLES))
    return best
