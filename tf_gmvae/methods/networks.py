"""Fully connected networks, with a seed for every kernel."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from tf_gmvae.seeds import within_bits

# Of DEC and VaDE, the same in both papers: units of the encoder, whose last layer is linear, and mirrored in the
# decoder.
HIDDEN = (500, 500, 2000)
LATENT = 10


def dense(units: int, activation: str | None, seed: int) -> keras.layers.Dense:
    """A dense layer.

    Args:
        units: integer.
        activation: text, or None for a linear layer.
        seed: integer, seed of its kernel.

    Returns:
        `keras.layers.Dense`, not built yet.
    """
    kind = keras.initializers.GlorotUniform if activation is None else keras.initializers.HeNormal
    return keras.layers.Dense(units, activation=activation, kernel_initializer=kind(within_bits(seed, 63)))


def stack(
    inputs: int, hidden: Sequence[int], outputs: int | None, seed: int, normalise: bool = False
) -> keras.Sequential:
    """Layers with ReLU, and a linear one at the end.

    Args:
        inputs: integer, values of an example.
        hidden: tuple of the units of the layers with ReLU.
        outputs: integer, units of the linear layer, or None for none.
        seed: integer, from which the seeds of the kernels follow.
        normalise: whether batch normalisation stands before every ReLU. Default False.

    Returns:
        `keras.Sequential`, built; the seeds of two stacks are unlike if theirs are.
    """
    seeds = iter(np.random.SeedSequence(seed).generate_state(len(hidden) + 1).tolist())
    layers: list[keras.Layer] = []
    for units in hidden:
        if normalise:
            layers += [dense(units, None, next(seeds)), keras.layers.BatchNormalization(), keras.layers.ReLU()]
        else:
            layers.append(dense(units, "relu", next(seeds)))
    if outputs is not None:
        layers.append(dense(outputs, None, next(seeds)))
    return keras.Sequential([keras.Input((inputs,)), *layers])
