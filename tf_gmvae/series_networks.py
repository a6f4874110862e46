"""The networks of the preset for series: convolutions along time."""

from __future__ import annotations

import math

import keras

from tf_gmvae.blocks import Blocks

# Steps in time, the fewest that there is anything to convolve in.
LEAST_LENGTH = 8
# Halvings of the length stop near so many steps; the filters double with each, up to the most.
_SHORTEST, _FILTERS, _MOST_FILTERS = 8, 32, 128


def series(
    blocks: Blocks, data_shape: tuple[int, ...], channels: int
) -> tuple[list[keras.Layer], list[keras.Layer]]:
    """Layers of encoder and decoder.

    Args:
        blocks: makes the layers of the presets, each with a seed of its own.
        data_shape: tuple (T, C), T at least 8.
        channels: integer, of the decoder.

    Returns:
        Two lists of Keras layers.
    """
    length = data_shape[0]
    halvings = max(1, round(math.log2(length / _SHORTEST)))
    filters = [min(_FILTERS * 2**number, _MOST_FILTERS) for number in range(halvings)]
    shortened = math.ceil(length / 2**halvings)
    encoder = [
        *(layer for number in filters for layer in blocks.conv_bn(number, 5, stride=2, layer=keras.layers.Conv1D)),
        keras.layers.Flatten("channels_last"),
        *blocks.dense_bn(128),
    ]
    decoder = [
        *blocks.dense_bn(128),
        *blocks.full_conv_from_vector(filters[-1], shortened),
        *(
            layer
            for number in reversed(filters[:-1])
            for layer in blocks.full_conv_bn(number, 4, stride=2, layer=keras.layers.Conv1DTranspose)
        ),
        *blocks.full_conv(channels, 4, stride=2, layer=keras.layers.Conv1DTranspose),
    ]
    too_long = shortened * 2**halvings - length
    return encoder, [*decoder, keras.layers.Cropping1D((0, too_long))] if too_long else decoder
