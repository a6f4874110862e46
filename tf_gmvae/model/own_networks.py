"""Encoders and decoders that users bring along: any Keras model or layer, built or not."""

import contextlib
import random
import warnings
from collections.abc import Iterator

import keras
import numpy as np


def build(network: keras.Layer, shape: tuple[int | None, ...], seed: int | None = None) -> tuple[int | None, ...]:
    """Builds a network by calling it on a symbol, which works for every kind of Keras model.

    Args:
        network: Keras model or layer.
        shape: tuple, shape of its input, (None, ...).
        seed: integer, of weights whose initialisers come into being here. Default None: they follow from no seed.

    Returns:
        Shape of its output, a tuple.
    """
    with contextlib.nullcontext() if seed is None else _drawn_from(seed):
        return tuple(network(keras.KerasTensor(shape, dtype="float32")).shape)


@contextlib.contextmanager
def _drawn_from(seed: int) -> Iterator[None]:
    """Keras draws the seeds of initialisers that were given none from Python's random numbers."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def seed_initial_weights(network: keras.Layer, seed: int, name: str) -> None:
    """Makes a network's initial weights and noise follow from a seed, as far as they are still to be drawn.

    Layers that are not built yet, whose initialisers have no seed of their own, get seeds, and so do layers of
    noise (dropout). Weights that are there already may have been trained or loaded, and are never drawn anew.

    Args:
        network: Keras model or layer.
        seed: integer.
        name: text, name of the network for the warning.

    Warns:
        UserWarning: where weights were drawn already, and without a seed.
    """
    seeds = iter(np.random.SeedSequence(seed).generate_state(10_000).tolist())
    layers = list(network._flatten_layers())
    for layer in layers:
        generators = [value for value in vars(layer).values() if isinstance(value, keras.random.SeedGenerator)]
        if getattr(layer, "seed", 0) is None:
            for generator in generators:
                generator.state.assign([next(seeds), 0])
        for initializer in _unseeded(layer):
            if not layer.built:
                initializer.seed = next(seeds)
    drawn = [layer.name for layer in layers if layer.built and layer.weights and any(_unseeded(layer))]
    if drawn and not _all_is_seeded():
        warnings.warn(
            f"GMVAE(seed={seed}) cannot seed the {name}: its initial weights (layer {drawn[0]!r}) were drawn "
            "before, without a seed, so that results differ from run to run. Call keras.utils.set_random_seed(0) "
            "before you make it, give its initialisers seeds, or pass it without keras.Input, not built yet.",
            stacklevel=4,
        )


def _unseeded(layer):
    """Initialisers of a layer that draw, and were given no seed."""
    for value in vars(layer).values():
        if isinstance(value, keras.initializers.Initializer) and getattr(value, "_init_seed", 0) is None:
            yield value


def _all_is_seeded():
    """Whether `keras.utils.set_random_seed` was called, from which initialisers without a seed then follow."""
    from keras.src.utils import rng_utils

    return rng_utils.get_random_seed() is not None
