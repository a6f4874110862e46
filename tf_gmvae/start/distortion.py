"""How far images are apart where each part of their strokes may move a little: the image distortion model.

Each place of an image is compared with that place of the other which fits it best, within a reach (Keysers,
Deselaers, Gollan and Ney 2007, "Deformation Models for Image Recognition", IEEE TPAMI 29(8)). What lies at a place
is how much edge there is around it in each of eight directions, see `descriptors`, and the reach is half a cell:
two pixels of 28. Views move, turn and scale an image as a whole; here a stroke may be longer, or bent otherwise.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from tf_gmvae.evaluation import machine_code
from tf_gmvae.start import descriptors

# Root mean square of the numbers of a map: bytes, which take a quarter of the memory of floats.
LEVEL = 16.0
# Above the square of any distance between two places. Fast arithmetic takes no infinity.
_FARTHEST = np.float32(1e6)


def spacing(side: int) -> tuple[int, int]:
    """How places lie along a side of an image.

    Args:
        side: integer, pixels.

    Returns:
        Pixels from a place to the next; places from one that is compared to the next, and as far an edge may move.
    """
    half = descriptors.cell(side) // 2
    step = -(-half // 2)
    return step, half // step


def maps_of(images: tf.Tensor) -> tf.Tensor:
    """How much edge there is at every place of images, in each direction.

    Args:
        images: tensor (B, H, W, C) of C = 1 or 3 channels.

    Returns:
        uint8 tensor (B, h, w, 8); the root mean square of an image is 16, or 0 where there is no edge at all.
    """
    sides = images.shape[1:3]
    maps = descriptors.edges(images)
    maps = tf.nn.avg_pool2d(
        maps, [descriptors.cell(side) for side in sides], [spacing(side)[0] for side in sides], "SAME"
    )
    mean = tf.reduce_mean(maps, axis=[1, 2, 3], keepdims=True)
    return tf.cast(tf.minimum(tf.round(LEVEL * tf.sqrt(maps / tf.maximum(mean, 1e-9))), 255.0), "uint8")


def distances(
    queries: np.ndarray, points: np.ndarray, candidates: np.ndarray, strides: tuple[int, int]
) -> np.ndarray:
    """How far images are from others, of which each may be the negative: the root of the sum over places.

    Args:
        queries: uint8 array (B, h, w, 8), maps of images.
        points: uint8 array (P, h, w, 8), maps of the others.
        candidates: integer array (B, C), the others that each is compared with.
        strides: places from one that is compared to the next, along the two sides, see `spacing`.

    Returns:
        Float64 array (B, C), in units of the maps. The same on whatever number of threads, and on all machines.
    """
    found = np.empty(candidates.shape)
    fill = _compiled()
    threads = min(os.cpu_count() or 1, len(queries))
    ends = np.linspace(0, len(queries), threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        # `list` raises what a thread has raised.
        list(pool.map(lambda part: fill(queries[part], points, candidates[part], *strides, found[part]),
                      map(slice, ends[:-1], ends[1:])))  # fmt: skip
    return np.sqrt(found)


@functools.cache
def _compiled() -> Callable[..., None]:
    with machine_code.kept():
        import numba

        # Sums of squares of bytes over eight directions are exact in float32, in whichever order.
        return numba.njit(nogil=True, fastmath=True)(fill)


def fill(
    queries: np.ndarray, points: np.ndarray, candidates: np.ndarray, row_stride: int, column_stride: int,
    found: np.ndarray,
) -> None:  # fmt: skip
    """Writes the squares of `distances` into `found`. It is compiled: loops here are as fast as they look slow.

    Args:
        queries: as in `distances`, as are `points` and `candidates`.
        points: array.
        candidates: array.
        row_stride: integer.
        column_stride: integer.
        found: float64 array (B, C).
    """
    rows, columns, directions = queries.shape[1:]
    half = directions // 2
    turned = np.empty_like(queries[0])
    for number in range(len(queries)):
        query = queries[number]
        # Of a negative all edges point the other way.
        turned[:, :, :half], turned[:, :, half:] = query[:, :, half:], query[:, :, :half]
        for candidate in range(candidates.shape[1]):
            point = points[candidates[number, candidate]]
            as_it_is, as_negative = 0.0, 0.0
            for row in range(0, rows, row_stride):
                for column in range(0, columns, column_stride):
                    square, of_negative = np.float32(0), np.float32(0)
                    for direction in range(directions):
                        value = np.float32(point[row, column, direction])
                        square += (np.float32(query[row, column, direction]) - value) ** 2
                        of_negative += (np.float32(turned[row, column, direction]) - value) ** 2
                    as_it_is += square
                    as_negative += of_negative
            better = turned if as_negative < as_it_is else query
            total = 0.0
            for row in range(0, rows, row_stride):
                for column in range(0, columns, column_stride):
                    least = _FARTHEST
                    for other_row in range(max(row - row_stride, 0), min(row + row_stride + 1, rows)):
                        for other_column in range(
                            max(column - column_stride, 0), min(column + column_stride + 1, columns)
                        ):
                            square = np.float32(0)
                            for direction in range(directions):
                                apart = np.float32(better[row, column, direction]) - np.float32(
                                    point[other_row, other_column, direction]
                                )
                                square += apart * apart
                            least = min(least, square)
                    total += least
            found[number, candidate] = total
