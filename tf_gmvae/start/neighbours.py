"""The nearest neighbours of examples, exact, among their own slightly changed views.

What makes a neighbour is a choice: of two digits the nearer one is that which comes nearer when it may be turned,
moved and scaled a little. So an example is compared with the others as it is and in several views of itself, and
the least of the distances counts. All pairs are compared, block by block, by matrix products.

Of images those 59 that are nearest so are compared once more, by their colours and as if each of their strokes
could bend, see `distortion`. What counts is the product of both distances, for they have no unit in common in
which to add them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_gmvae import terminal
from tf_gmvae.evaluation.neighbourhoods import NEIGHBOURS
from tf_gmvae.start import descriptors, distortion
from tf_gmvae.terminal import Step

# Examples that are compared with all the others at once: 60 MB of distances to 60,000.
BLOCK = 256
# Of an image, itself counted in: more than one looks at, for a few that are near are not where strokes may bend.
IMAGE_NEIGHBOURS = 60


class Neighbours(NamedTuple):
    """Of N examples, the nearest ones among the first P.

    Attributes:
        points: float32 array (P, D), features of the first P.
        indices: int32 array (N, 15), of images (N, 60), ascending by distance; an example of the first P is the
            first of its own.
        distances: float32 array of the same shape.
    """

    points: np.ndarray
    indices: np.ndarray
    distances: np.ndarray


def nearest(
    examples: np.ndarray,
    num_points: int,
    to_floats: Callable[[tf.Tensor], tf.Tensor],
    view: Callable[[tf.Tensor], tf.Tensor] | None,
    num_views: int,
    seed: int,
    own_features: Callable[[tf.Tensor], tf.Tensor] | None = None,
    step: Step = terminal.step,
    as_images: bool = True,
) -> Neighbours:
    """The nearest neighbours of every example among the first ones, by the nearest of their views.

    Args:
        examples: array (N, ...).
        num_points: P, how many of the first examples are neighbours of others.
        to_floats: function of a batch of examples to floats; images in [0, 1].
        view: function of a batch of such floats to a changed one, another at every call, or None.
        num_views: integer, views of each example.
        seed: integer.
        own_features: function of such floats (B, ...) to features (B, F) of examples that are no images. Default
            None: their values, standardised.
        step: what shows how far long steps have come. Default `terminal.step`.
        as_images: whether examples of the shape of images are compared as images. Default True.

    Returns:
        `Neighbours`; fewer a row if P is smaller.
    """
    features: Callable[[tf.Tensor], tf.Tensor] = descriptors.image_features
    as_images = as_images and descriptors.is_image(examples.shape[1:])
    if not as_images:
        of_others = descriptors.series_features if examples.ndim == 3 else descriptors.row_features
        features = (
            of_others(to_floats(examples[:num_points]).numpy())  # bytes and floats have one scale
            if own_features is None
            else _one_form(own_features)
        )
    # What is called once is computed sooner than traced.
    traced = (
        tf.function(reduce_retracing=True, autograph=False) if len(examples) > BLOCK else lambda function: function
    )
    plain = traced(lambda batch: features(to_floats(batch))[0])
    traced_floats = traced(to_floats)
    fitted = descriptors.fitted(num_points, seed)
    projected: list[np.ndarray] = []
    with step("  What examples are compared by", len(fitted) + num_points) as reached:
        # Features of all, of which there are thousands each, would take more memory than anything else here.
        found = np.concatenate([plain(part).numpy() for part in _parts(examples[fitted])])
        mean, components = descriptors.projection(
            found, seed, descriptors.IMAGE_COMPONENTS if as_images else descriptors.COMPONENTS
        )
        del found
        for part in _parts(examples[:num_points]):
            projected.append((plain(part).numpy() - mean) @ components)
            reached(len(fitted) + BLOCK * len(projected))
        points = np.concatenate(projected)
        bent = _bent(examples[:num_points], traced, to_floats) if as_images else None
    lengths = np.sum(points**2, axis=1)
    count = min(IMAGE_NEIGHBOURS if as_images else NEIGHBOURS, num_points)

    @traced
    def least_of(floats, least, changed):
        """The least of the distances so far and of those of a batch as it is, or of a view of it; squared."""
        queries = tf.matmul(features(view(floats) if changed and view else floats) - mean, components)
        for query in tf.unstack(queries):
            products = tf.matmul(query, points, transpose_b=True)
            least = tf.minimum(least, tf.reduce_sum(query**2, axis=1, keepdims=True) - 2.0 * products)
        return least

    @traced
    def chosen(least, numbers):
        least = tf.maximum(least + lengths, 0.0)
        # Nothing is nearer than oneself.
        itself = tf.stack([tf.range(tf.shape(numbers)[0]), numbers], axis=1)
        itself = tf.boolean_mask(itself, numbers < num_points)
        least = tf.tensor_scatter_nd_update(least, itself, -tf.ones(tf.shape(itself)[0]))
        values, indices = tf.math.top_k(-least, count)
        return indices, tf.sqrt(tf.maximum(-values, 0.0))

    def compare(batch, numbers):
        floats = traced_floats(batch)
        # View after view: side by side, the distances of all would be in memory, two gigabytes.
        least = least_of(floats, tf.constant(np.inf, shape=(1, 1)), False)
        for _ in range(0 if view is None else num_views):
            least = least_of(floats, least, True)
        return chosen(least, numbers)

    indices, distances = [], []
    numbers = np.arange(len(examples), dtype="int32")
    parts = list(zip(_parts(examples), _parts(numbers), strict=True))
    with step("  The neighbours of every example", len(parts)) as reached:
        for number, (part, its_numbers) in enumerate(parts, start=1):
            nearest_ones, apart = (each.numpy() for each in compare(part, its_numbers))
            if bent is not None:
                nearest_ones, apart = _ordered(nearest_ones, apart * bent(part, nearest_ones), its_numbers)
            indices.append(nearest_ones)
            distances.append(apart)
            reached(number)
    return Neighbours(points, np.concatenate(indices), np.concatenate(distances))


def _bent(examples, traced, to_floats):
    """Function of images and of their candidates among the examples: how far these are where strokes may bend."""
    maps = traced(lambda batch: distortion.maps_of(to_floats(batch)))
    colours = traced(lambda batch: descriptors.colours(to_floats(batch)))
    points, hues = _of_all(maps, examples), _of_all(colours, examples)
    row_stride, column_stride = (distortion.spacing(side)[1] for side in examples.shape[1:3])
    # The edges of an image have this length in its maps, where beside its colours, as features, they have 1.
    length = distortion.LEVEL * np.sqrt(points[0, ::row_stride, ::column_stride].size)

    def distances(part, candidates):
        apart = distortion.distances(maps(part).numpy(), points, candidates, (row_stride, column_stride))
        differences = (colours(part).numpy()[:, None] - hues[candidates]).reshape(*candidates.shape, -1)
        return np.hypot(apart, length * np.linalg.norm(differences, axis=-1))

    return distances


def _of_all(function, examples):
    """What a function makes of batches, in one array from the first: parts, put together, would be there twice."""
    found = None
    for begin, part in zip(range(0, len(examples), BLOCK), _parts(examples), strict=True):
        made = function(part).numpy()
        if found is None:
            found = np.empty((len(examples), *made.shape[1:]), made.dtype)
        found[begin : begin + BLOCK] = made
    return found


def _ordered(indices, distances, numbers):
    """Candidates by their distances, each example its own first where it is among them."""
    distances = np.where(indices == numbers[:, None], -1.0, distances)
    order = distances.argsort(axis=1, kind="stable")
    distances = np.maximum(np.take_along_axis(distances, order, axis=1), 0.0)
    return np.take_along_axis(indices, order, axis=1), distances.astype("float32")


def _one_form(features):
    return lambda batch: features(batch)[None]


def _parts(array):
    return (array[begin : begin + BLOCK] for begin in range(0, len(array), BLOCK))
