"""From examples to soft labels: of images by a map of their neighbours, of rows by the methods that agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from layers import RandomAffine
from tf_gmvae import terminal
from tf_gmvae.errors import InputError
from tf_gmvae.evaluation.neighbourhoods import NEIGHBOURS
from tf_gmvae.seeds import within_bits
from tf_gmvae.start import agreement, candidates, descriptors, known, latent_map, neighbours, shades
from tf_gmvae.terminal import Step

# Components of the mixture for each cluster of images: a digit is written in more than one way.
IMAGE_PARTS = 2
# What `views` may be: "auto", None, or a layer or function.
Views = str | Callable[[tf.Tensor], tf.Tensor] | None


def view_layer(views: Views, data_shape: tuple[int, ...], seed: int) -> Callable[[tf.Tensor], tf.Tensor] | None:
    """The function that makes a view of a batch.

    Args:
        views: "auto", None, or a layer or function.
        data_shape: tuple, shape of an example.
        seed: integer.

    Returns:
        Function of a float32 tensor (B, ...) to another such, or None for no views.

    Raises:
        InputError: if `views` is something else, or does not keep the shape.
    """
    if views is None:
        return None
    if isinstance(views, str):
        if views != "auto":
            raise InputError(f'`views` must be "auto", None, or a layer. Received: {views!r}.')
        return RandomAffine(seed=within_bits(seed), dtype="float32") if descriptors.is_image(data_shape) else None
    if not callable(views):
        raise InputError(f'`views` must be "auto", None, or a layer. Received: {views!r}.')
    view = _Training(views) if isinstance(views, keras.layers.Layer) else views
    shape = tuple(tf.convert_to_tensor(view(tf.zeros((2, *data_shape)))).shape)
    if shape != (2, *data_shape):
        raise InputError(
            f"`views` must keep the shape of the examples. It made of two of shape {tuple(data_shape)}: {shape}."
        )
    return view


class _Training(keras.layers.Layer):
    """A layer as it works in training."""

    def __init__(self, layer: keras.layers.Layer) -> None:
        super().__init__(name="views", dtype="float32")
        self.layer = layer
        self.built = True

    def call(self, batch: tf.Tensor) -> tf.Tensor:
        return self.layer(batch, training=True)


class Compared(NamedTuple):
    """Examples that have been compared with each other.

    Attributes:
        order: integer array (N,), their numbers in the order in which they were compared.
        neighbours: `Neighbours` of all of them, in this order, among the first P.
        map: `Map` of the first P, if they are compared as images, else None.
    """

    order: np.ndarray
    neighbours: neighbours.Neighbours
    map: latent_map.Map | None


def find(
    examples: np.ndarray,
    num_components: int,
    *,
    to_floats: Callable[[tf.Tensor], tf.Tensor],
    view: Callable[[tf.Tensor], tf.Tensor] | None,
    num_views: int,
    max_mapped: int,
    seed: int,
    say: Callable[[str], object] = terminal.say,
    features: Callable[[tf.Tensor], tf.Tensor] | None = None,
    step: Step = terminal.step,
    classes: np.ndarray | None = None,
) -> np.ndarray:
    """Soft labels of examples, found on a map of their neighbours.

    Args:
        examples: array (N, ...).
        num_components: K.
        to_floats: function of a batch of examples to floats; images in [0, 1].
        view: see `view_layer`.
        num_views: integer, views by which an example is compared.
        max_mapped: integer, largest number of examples on the map; the others take the labels of their neighbours.
        seed: integer.
        say: function that shows a line of progress. Default `terminal.say`.
        features: function of floats (B, ...) to features (B, F) by which examples that are no images are
            compared. Default None: their values, standardised.
        step: what shows how far long steps have come. Default `terminal.step`.
        classes: integer array (N,), the class of examples that are known, from 0 to at most K - 1, else -1.
            Default None: nothing is known.

    Returns:
        Float32 array (N, K), rows sum to one.
    """
    if num_components == 1:
        return np.ones((len(examples), 1), "float32")
    compared = compare(
        examples, to_floats=to_floats, view=view, num_views=num_views, max_mapped=max_mapped, seed=seed,
        features=features, step=step, classes=classes, say=say,
    )  # fmt: skip
    return labels_of(compared, num_components, seed, say, step, classes)


def compare(
    examples: np.ndarray,
    *,
    to_floats: Callable[[tf.Tensor], tf.Tensor],
    view: Callable[[tf.Tensor], tf.Tensor] | None,
    num_views: int,
    max_mapped: int,
    seed: int,
    features: Callable[[tf.Tensor], tf.Tensor] | None = None,
    step: Step = terminal.step,
    classes: np.ndarray | None = None,
    say: Callable[[str], object] = terminal.say,
) -> Compared:
    """Compares examples with each other, and draws the map of images, if they differ by more than their shades.

    Args:
        examples: as in `find`, as are all that follow.
        to_floats: function of a batch.
        view: see `view_layer`.
        num_views: integer.
        max_mapped: integer.
        seed: integer.
        features: function of floats. Default None.
        step: what shows how far long steps have come. Default `terminal.step`.
        classes: integer array (N,). Default None.
        say: function that shows a line. Default `terminal.say`.

    Returns:
        `Compared`.
    """
    order = np.arange(len(examples))
    if len(examples) > max_mapped:
        order = np.random.default_rng(seed).permutation(len(examples))
        order = order if classes is None else known.first(order, classes)
        examples = examples[order]
    as_images = descriptors.is_image(examples.shape[1:])
    if as_images and shades.differ_alone(examples, to_floats, within_bits(seed)):
        say("  Compared by their shades: of these images clusters of strokes are not found again in samples.")
        as_images = False
    found = neighbours.nearest(
        examples, min(max_mapped, len(examples)), to_floats, view, num_views, within_bits(seed), features, step,
        as_images,
    )  # fmt: skip
    return Compared(order, found, latent_map.mapped(found, seed, step) if as_images else None)


def labels_of(
    compared: Compared,
    num_components: int,
    seed: int,
    say: Callable[[str], object] = terminal.say,
    step: Step = terminal.step,
    classes: np.ndarray | None = None,
) -> np.ndarray:
    """Clusters of examples that have been compared.

    Args:
        compared: answer of `compare`.
        num_components: K, at least 2.
        seed: as in `find`, as are all that follow.
        say: function that shows a line. Default `terminal.say`.
        step: what shows how far long steps have come. Default `terminal.step`.
        classes: integer array (N,), as `compare` had it. Default None.

    Returns:
        Float32 array (N, K), rows sum to one.
    """
    order, found = compared.order, compared.neighbours
    labels = np.empty((len(order), num_components), "float32")
    its_classes = None if classes is None else classes[order[: len(found.points)]]
    if compared.map is not None:
        mapped = latent_map.soft_labels(compared.map, num_components, seed, IMAGE_PARTS, step, its_classes)
    else:
        methods = candidates.for_rows(len(found.points), num_components)
        mapped = agreement.soft_labels(found.points, num_components, seed, methods, say, step)
        if its_classes is not None:
            mapped = agreement.with_known(mapped, found.points, seed, methods, its_classes, say)
    # What is not on the map has the mean of its neighbours.
    labels[order] = np.concatenate([mapped, mapped[found.indices[len(mapped) :, :NEIGHBOURS]].mean(axis=1)])
    return labels if classes is None else known.settled(labels, classes)
