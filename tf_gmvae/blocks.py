"""The layers that the presets are made of, as in the paper's appendix A."""

from __future__ import annotations

import itertools
import math

import keras

from layers import FusedBatchNormalization, SpectralConv2D, SpectralConv2DTranspose
from tf_gmvae.seeds import within_bits

# A kind of convolution, such as `keras.layers.Conv1D`.
Kind = type[keras.Layer]


class Blocks:
    """Makes layers, each with a seed of its own that follows from the network's.

    Convolutions are of images, if nothing else is said. Each method returns a list of Keras layers.

    Args:
        seed: integer, or None for initial weights that differ from run to run.
    """

    def __init__(self, seed: int | None) -> None:
        self._seeds = itertools.repeat(None) if seed is None else itertools.count(1000 * (seed + 1))

    def dense(self, units: int, activation: str | None = None) -> list[keras.Layer]:
        """A matrix product and its bias."""
        return [keras.layers.Dense(units, activation=activation, kernel_initializer=self._kernel())]

    def dense_bn(self, units: int) -> list[keras.Layer]:
        """A matrix product, batch normalisation and ReLU."""
        return [keras.layers.Dense(units, use_bias=False, kernel_initializer=self._kernel()), *self._bn_relu()]

    def conv_bn(self, filters: int, size: int, stride: int, layer: Kind | None = None) -> list[keras.Layer]:
        """A convolution, batch normalisation and ReLU."""
        return [self._conv(layer or SpectralConv2D, filters, size, stride, use_bias=False), *self._bn_relu()]

    def full_conv(self, filters: int, size: int, stride: int, layer: Kind | None = None) -> list[keras.Layer]:
        """A transposed convolution, the paper's full-convolution."""
        return [self._conv(layer or SpectralConv2DTranspose, filters, size, stride, use_bias=True)]

    def full_conv_bn(self, filters: int, size: int, stride: int, layer: Kind | None = None) -> list[keras.Layer]:
        """A transposed convolution, batch normalisation and ReLU."""
        layer = layer or SpectralConv2DTranspose
        return [self._conv(layer, filters, size, stride, use_bias=False), *self._bn_relu()]

    def full_conv_from_vector(self, filters: int, *sizes: int) -> list[keras.Layer]:
        """A transposed convolution of a vector to a map of these sizes: one matrix product, and then as above."""
        return [
            keras.layers.Dense(math.prod(sizes) * filters, use_bias=False, kernel_initializer=self._kernel()),
            keras.layers.Reshape((*sizes, filters)),
            *self._bn_relu(),
        ]

    # A kernel of 4 with stride 2 and padding 1 halves or doubles an even size: Keras' "same". With stride 1
    # and padding 0 a size changes by that of the kernel - 1: Keras' "valid".
    def _conv(self, layer, filters, size, stride, use_bias):
        return layer(
            filters,
            size,
            stride,
            padding="same" if stride == 2 else "valid",
            data_format="channels_last",  # as all data here are, whatever Keras is configured to
            use_bias=use_bias,
            kernel_initializer=self._kernel(),
        )

    def _kernel(self):
        seed = next(self._seeds)
        return keras.initializers.GlorotUniform(None if seed is None else within_bits(seed, 63))

    @staticmethod
    def _bn_relu() -> list[keras.Layer]:
        return [FusedBatchNormalization(momentum=0.9, epsilon=1e-5), keras.layers.ReLU()]
