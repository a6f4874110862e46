"""The networks of the preset for tables."""

from __future__ import annotations

import keras

from tf_gmvae.blocks import Blocks

# Units of the hidden layers, twice as many for tables of more columns than `WIDE`.
UNITS = 128
WIDE = 64
# Largest number of dimensions of x and w.
MOST_DIMENSIONS = 10


def dimensions(num_columns: int) -> int:
    """Dimensions of x and of w.

    Args:
        num_columns: integer.
    """
    return min(MOST_DIMENSIONS, max(2, num_columns))


def table(
    blocks: Blocks, data_shape: tuple[int, ...], channels: int
) -> tuple[list[keras.Layer], list[keras.Layer]]:
    """Layers of encoder and decoder.

    Args:
        blocks: makes the layers of the presets, each with a seed of its own.
        data_shape: tuple (F,).
        channels: integer, of the decoder.

    Returns:
        Two lists of Keras layers.
    """
    units = UNITS if data_shape[-1] <= WIDE else 2 * UNITS
    encoder = [*blocks.dense(units, "relu"), *blocks.dense(units, "relu")]
    decoder = [*blocks.dense(units, "relu"), *blocks.dense(units, "relu"), *blocks.dense(channels)]
    return encoder, decoder
