"""Stride-1 convolutions as products at the frequencies of a discrete Fourier transform.

A k x k convolution of n x n maps costs k^2 multiplications for every pixel and pair of channels; between
two discrete Fourier transforms it costs one complex one. The transforms are written as matrix
products with constant matrices, one axis after the other, so that the whole is matrix products, which run at
the full rate of the machine, and so that gradients are matrix products too. The layout is (H, W, C, B): every
product contracts leading axes and no intermediate is transposed.

The half-plane of one axis suffices, as the maps are real. All arithmetic is float32; results differ from
the direct sum by rounding alone (about 1e-6 of their standard deviation).
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np
from keras import ops

if TYPE_CHECKING:
    import tensorflow as tf


def correlate(maps: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """What `keras.ops.conv` computes for stride 1 and "valid" padding.

    Args:
        maps: float32 tensor (B, H, W, C), H and W known.
        kernel: tensor (k_h, k_w, C, F).

    Returns:
        Tensor (B, H - k_h + 1, W - k_w + 1, F).
    """
    size, kernel_size = maps.shape[1:3], kernel.shape[:2]
    out_size = tuple(n - k + 1 for n, k in zip(size, kernel_size, strict=True))
    return _apply(maps, ops.transpose(kernel, (0, 1, 3, 2)), size, out_size, conjugate=True)


def full_convolve(maps: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """What `keras.ops.conv_transpose` computes for stride 1 and "valid" padding.

    Args:
        maps: float32 tensor (B, H, W, C), H and W known.
        kernel: tensor (k_h, k_w, F, C).

    Returns:
        Tensor (B, H + k_h - 1, W + k_w - 1, F).
    """
    size, kernel_size = maps.shape[1:3], kernel.shape[:2]
    out_size = tuple(n + k - 1 for n, k in zip(size, kernel_size, strict=True))
    return _apply(maps, kernel, out_size, out_size, conjugate=False)


def saves_work(
    size: tuple[int | None, int | None],
    out_size: tuple[int | None, int | None],
    kernel_size: tuple[int, int],
    channels: int,
    filters: int,
) -> bool:
    """Whether the transforms and the products at all frequencies are clearly less work than the direct sum.

    Args:
        size: (H, W) of the maps; None where it is not known.
        out_size: (H, W) of the result, likewise.
        kernel_size: (k_h, k_w).
        channels: C.
        filters: F.

    Returns:
        True if they take less than half the multiplications.
    """
    (height, width), (out_height, out_width) = size, out_size
    if height is None or width is None or out_height is None or out_width is None:
        return False
    rows, columns = max(height, out_height), max(width, out_width)
    half = rows // 2 + 1
    into = 2 * half * width * channels * (height + 2 * columns)
    products = 4 * half * columns * channels * filters
    back = 2 * half * out_width * filters * (out_height + 2 * columns)
    # The direct sum is taken over the smaller maps in either direction. Its kernels work on whole vectors of
    # filters, so that a single filter costs as much as eight.
    smaller = min(height, out_height) * min(width, out_width)
    direct = smaller * math.prod(kernel_size) * channels * max(filters, 8)
    return 2 * (into + products + back) < direct


def _apply(maps, kernel, period, out_size, conjugate):
    """Transforms, multiplies by the kernel (k_h, k_w, F, C) at every frequency, and transforms back."""
    (height, width, channels), filters = maps.shape[1:], kernel.shape[2]
    (rows, columns), half = period, period[0] // 2 + 1
    frequencies = half * columns

    maps = ops.transpose(maps, (1, 2, 3, 0))
    # Over rows (real to complex), then columns (complex): (H, ..) -> (u, re/im, W, ..) -> (u, v, re/im, ..).
    maps = ops.matmul(_rows_matrix(rows, height), ops.reshape(maps, (height, -1)))
    maps = ops.reshape(maps, (half, 2 * width, -1))
    maps = ops.matmul(_columns_matrix(columns, width)[None], maps)
    maps = ops.reshape(maps, (frequencies, 2 * channels, -1))

    factors = _kernel_matrix(period, kernel.shape[:2], conjugate)
    factors = ops.matmul(factors, ops.reshape(kernel, (-1, filters * channels)))
    factors = ops.reshape(factors, (frequencies, 2, 2, filters, channels))
    factors = ops.reshape(ops.transpose(factors, (0, 1, 3, 2, 4)), (frequencies, 2 * filters, 2 * channels))
    maps = ops.matmul(factors, maps)

    maps = ops.reshape(maps, (half, 2 * columns, -1))
    maps = ops.matmul(_inverse_columns_matrix(columns, out_size[1])[None], maps)
    maps = ops.reshape(maps, (2 * half, -1))
    maps = ops.matmul(_inverse_rows_matrix(rows, out_size[0]), maps)
    return ops.transpose(ops.reshape(maps, (*out_size, filters, -1)), (3, 0, 1, 2))


def _waves(frequencies, positions, period):
    return np.exp(-2j * np.pi * np.outer(np.arange(frequencies), np.arange(positions)) / period)


def _as_real(matrix):
    """Complex (m, n) as real (m, 2, n, 2): multiplies pairs of real and imaginary part."""
    return np.stack(
        [np.stack([matrix.real, -matrix.imag], axis=-1), np.stack([matrix.imag, matrix.real], axis=-1)], axis=1
    )


@functools.cache
def _rows_matrix(period, size):
    """(u re/im, h): real maps to their half-plane of frequencies."""
    waves = _waves(period // 2 + 1, size, period)
    return np.stack([waves.real, waves.imag], axis=1).reshape(-1, size).astype("float32")


@functools.cache
def _columns_matrix(period, size):
    """(v re/im, re/im w)."""
    real = _as_real(_waves(period, size, period))
    return real.transpose(0, 1, 3, 2).reshape(2 * period, 2 * size).astype("float32")


@functools.cache
def _inverse_columns_matrix(period, size):
    """(re/im w, v re/im)."""
    real = _as_real(_waves(period, size, period).conj().T / period)
    return real.transpose(1, 0, 2, 3).reshape(2 * size, 2 * period).astype("float32")


@functools.cache
def _inverse_rows_matrix(period, size):
    """(h, u re/im): the half-plane back to real maps; frequencies with a mirror image count twice."""
    waves = _waves(period // 2 + 1, size, period).conj().T / period
    mirrored = np.arange(waves.shape[1]) % period != -np.arange(waves.shape[1]) % period
    waves = waves * np.where(mirrored, 2.0, 1.0)
    return np.stack([waves.real, -waves.imag], axis=2).reshape(size, -1).astype("float32")


@functools.cache
def _kernel_matrix(period, kernel_size, conjugate):
    """(u v re/im re/im, k_h k_w): kernel weights to the real form of their complex factors."""
    rows = _waves(period[0] // 2 + 1, kernel_size[0], period[0])
    columns = _waves(period[1], kernel_size[1], period[1])
    waves = np.einsum("ui,vj->uvij", rows, columns).reshape(-1, np.prod(kernel_size))
    real = _as_real(waves.conj() if conjugate else waves)
    return real.transpose(0, 1, 3, 2).reshape(-1, waves.shape[1]).astype("float32")
