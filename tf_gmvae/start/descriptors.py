"""What two examples are compared by when their neighbourhoods are mapped.

Images are compared by their oriented gradients, as in the descriptor of SIFT (Lowe 2004, section 6) taken of the
whole image: in cells that overlap, how much edge there is in each of eight directions, weighted by a Gaussian
window of half the image's side, its square root taken (Arandjelovic and Zisserman 2012). Where strokes lie matters
there more than how bright they are. Series are compared by their values and their
spectra, everything else by its values, each column standardised.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tf_gmvae import threads
from tf_gmvae.scales import scale_of
from tf_gmvae.seeds import within_bits

# Directions of an edge, and cells along a side of the image.
DIRECTIONS = 8
CELLS = 7
# Of the Gaussian window, in sides of the image.
WINDOW = 0.5
# Of the grid on which colours are compared.
COLOUR_CELLS = 4
# Principal components that are kept, of images and of all else.
IMAGE_COMPONENTS, COMPONENTS = 128, 64
# Sides of an image below which there are no directions to see.
LEAST_SIDE = 6
# Features whose covariances are computed.
_MOST_COVARIANCES = 2_000
# Examples that the principal components are found in.
_FITTED = 10_000


def is_image(data_shape: tuple[int, ...]) -> bool:
    """Whether examples of this shape are compared as images.

    Args:
        data_shape: tuple, shape of one example.
    """
    return len(data_shape) == 3 and min(data_shape[:2]) >= LEAST_SIDE and data_shape[-1] in (1, 3)


def cell(side: int) -> int:
    """How large a cell is along a side of an image.

    Args:
        side: integer, pixels.

    Returns:
        Integer, pixels: a seventh of the side, at least 2.
    """
    return max(2, side // CELLS)


def edges(images: tf.Tensor) -> tf.Tensor:
    """How much edge there is at every pixel of images, in each of eight directions, towards the middle more.

    Args:
        images: tensor (B, H, W, C) of C = 1 or 3 channels.

    Returns:
        Float32 tensor (B, H, W, 8).
    """
    grey = tf.reduce_mean(tf.cast(images, "float32"), axis=-1)
    height, width = grey.shape[1:]
    padded = tf.pad(grey, [[0, 0], [1, 1], [1, 1]], "SYMMETRIC")
    to_right = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    down = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    strength = tf.sqrt(to_right**2 + down**2) * _window(height)[:, None] * _window(width)
    direction = tf.math.floormod(tf.atan2(down, to_right) * (DIRECTIONS / (2 * np.pi)), float(DIRECTIONS))
    # An edge between two directions counts for both, by its nearness.
    apart = tf.abs(direction[..., None] - tf.range(DIRECTIONS, dtype="float32"))
    return tf.maximum(1.0 - tf.minimum(apart, DIRECTIONS - apart), 0.0) * strength[..., None]


def oriented_gradients(images: tf.Tensor) -> tf.Tensor:
    """Directions of the edges of images, cell by cell.

    Args:
        images: tensor (B, H, W, C) of C = 1 or 3 channels.

    Returns:
        Float32 tensor (B, h, w, 8), the length of each (h, w, 8) is 1, or 0 where there is no edge at all.
    """
    cells = [cell(side) for side in images.shape[1:3]]
    maps = tf.nn.avg_pool2d(edges(images), cells, [side // 2 for side in cells], "SAME")
    maps = tf.nn.avg_pool2d(maps, 2, 1, "SAME")  # cells that fade into each other
    # The square of the length of a square root is a sum.
    return tf.sqrt(maps / tf.maximum(tf.reduce_sum(maps, axis=[1, 2, 3], keepdims=True), 1e-9))


def colours(images: tf.Tensor) -> tf.Tensor:
    """How the colour of images differs from grey, on a coarse grid.

    Args:
        images: tensor (B, H, W, C), values in [0, 1].

    Returns:
        Float32 tensor (B, 4, 4, C), divided by 4, so that its length is that of a mean; 0 for grey images.
    """
    images = tf.cast(images, "float32")
    chroma = images - tf.reduce_mean(images, axis=-1, keepdims=True)
    return tf.image.resize(chroma, [COLOUR_CELLS] * 2, "area") / COLOUR_CELLS


def image_features(images: tf.Tensor) -> tf.Tensor:
    """Features of images and of their negatives: a dark digit on light ground is what it would be light on dark.

    Args:
        images: tensor (B, H, W, C), values in [0, 1].

    Returns:
        Float32 tensor (2, B, F).
    """
    size = tf.shape(images)[0]
    gradients = oriented_gradients(images)
    # Of a negative all edges point the other way.
    both = tf.stack([gradients, tf.roll(gradients, DIRECTIONS // 2, axis=-1)])
    both = tf.reshape(both, [2, size, int(np.prod(gradients.shape[1:]))])
    if images.shape[-1] == 1:
        return both
    flat = tf.reshape(colours(images), [1, size, COLOUR_CELLS**2 * images.shape[-1]])
    return tf.concat([both, tf.tile(flat, [2, 1, 1])], axis=-1)


def row_features(examples: np.ndarray) -> Callable[[tf.Tensor], tf.Tensor]:
    """Features of examples that are no images: their values, standardised.

    Args:
        examples: array (N, ...), whose means and deviations count.

    Returns:
        Function of a tensor (B, ...) to features (1, B, F).
    """
    rows = np.reshape(examples, (len(examples), -1))
    mean, deviation = rows.mean(axis=0, dtype="float64"), rows.std(axis=0, dtype="float64")
    scale, _ = scale_of(deviation, np.maximum(np.abs(rows.max(axis=0)), np.abs(rows.min(axis=0))))
    mean, deviation = mean.astype("float32"), scale.astype("float32")

    def features(batch):
        flat = tf.reshape(tf.cast(batch, "float32"), [-1, len(mean)])
        return ((flat - mean) / deviation)[None]

    return features


def series_features(examples: np.ndarray) -> Callable[[tf.Tensor], tf.Tensor]:
    """Features of series: their values, and how strong they swing at each frequency, whenever that is.

    Args:
        examples: array (N, T, C), whose means and deviations count.

    Returns:
        Function of a tensor (B, T, C) to features (1, B, F), of which either half has the same weight.
    """

    def swings(series):
        over_time = tf.transpose(tf.cast(series, "float32"), [0, 2, 1])
        amplitudes = tf.sqrt(tf.abs(tf.signal.rfft(over_time)))
        return tf.reshape(amplitudes, [-1, amplitudes.shape[1] * amplitudes.shape[2]])

    values = row_features(examples)
    found = swings(examples[:_FITTED]).numpy()
    size = float(np.prod(examples.shape[1:]))
    spread = max(float(np.sqrt(found.var(axis=0).sum())), 1e-6 * (1.0 + float(found.mean())))

    def features(batch):
        return tf.concat([values(batch) / np.sqrt(size), swings(batch)[None] / spread], axis=-1)

    return features


def fitted(num_examples: int, seed: int) -> np.ndarray:
    """Numbers of the examples whose features are projected best.

    Args:
        num_examples: N.
        seed: integer.

    Returns:
        Integer array, at most 10,000 of 0 to N - 1, in any order.
    """
    return np.random.default_rng(seed).permutation(num_examples)[:_FITTED]


def projection(features: np.ndarray, seed: int, most: int = COMPONENTS) -> tuple[np.ndarray, np.ndarray]:
    """The principal components of features.

    Args:
        features: array (N, F), of the examples of `fitted`.
        seed: integer.
        most: integer, components that are kept. Default `COMPONENTS`, 64.

    Returns:
        Mean (F,) and components (F, P), P at most `most`; of no more than P features, these themselves.
    """
    from sklearn.decomposition import PCA

    size = features.shape[1]
    if size <= most:
        return np.zeros(size, "float32"), np.eye(size, dtype="float32")
    # The covariances of thousands of features would take minutes, and a table of few rows has few components.
    solver = "covariance_eigh" if size <= _MOST_COVARIANCES else "auto"
    found = PCA(min(most, len(features)), svd_solver=solver, random_state=within_bits(seed))
    with threads.limited():
        found.fit(features)
    return found.mean_.astype("float32"), found.components_.T.astype("float32")


def _window(side):
    return tf.exp(-0.5 * ((tf.range(side, dtype="float32") - (side - 1) / 2) / (WINDOW * side)) ** 2)
