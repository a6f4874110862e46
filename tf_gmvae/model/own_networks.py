"""Encoders, decoders and other layers that users bring along: any Keras model or layer, built or not."""

import contextlib
import random
import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from layers.keras_private import global_seed, sublayers, was_given_no_seed
from tf_gmvae.errors import InputError


def build(
    network: keras.Layer, shape: tuple[int | None, ...], seed: int | None = None, name: str = "network"
) -> tuple[int | None, ...]:
    """Builds a network by calling it on a symbol, which works for every kind of Keras model.

    Args:
        network: Keras model or layer.
        shape: tuple, shape of its input, (None, ...).
        seed: integer, of weights whose initialisers come into being here. Default None: they follow from no seed.
        name: text, name of the network for the message. Default "network".

    Returns:
        Shape of its output, a tuple.

    Raises:
        InputError: if it takes or returns several tensors, or a list or dict of them.
    """
    given: Any = getattr(network, "inputs", None)  # layers of the user's own may have anything there
    several = isinstance(given, list | tuple) and len(given) > 1
    if several and all(isinstance(each, keras.KerasTensor) for each in given):
        raise InputError(
            f"The {name} must take one tensor, and {network.name} takes {len(given)}: "
            "join them within, as parts of one tensor."
        )
    with contextlib.nullcontext() if seed is None else _drawn_from(seed):
        features = network(keras.KerasTensor(shape, dtype="float32"))
    if not hasattr(features, "shape"):
        raise InputError(
            f"The {name} must return one tensor, and {network.name} returns a {type(features).__name__}: give "
            "Keras the tensor alone, as in keras.Model(inputs, outputs)."
        )
    return tuple(features.shape)


def check_takes(decoder: keras.Layer, latent_dim: int) -> None:
    """Checks that a decoder which is built already was built for x.

    Args:
        decoder: Keras model or layer.
        latent_dim: D.

    Raises:
        InputError: if it takes vectors of another size.
    """
    taken = getattr(decoder, "input_shape", None) if decoder.built else None
    if isinstance(taken, tuple) and len(taken) == 2 and isinstance(taken[1], int) and taken[1] != latent_dim:
        raise InputError(
            f"The decoder takes ({taken[1]},), but latent_dim is {latent_dim}: build it for ({latent_dim},), or "
            f"pass latent_dim={taken[1]}."
        )


def check_apart(encoder: keras.Layer, decoder: keras.Layer) -> None:
    """Checks that two networks, which are written one by one, have no weights in common.

    Args:
        encoder: Keras model or layer that is built.
        decoder: as `encoder`.

    Raises:
        InputError: if a layer with weights is part of both: files could be written, and not be read.
    """
    of_encoder = {id(layer) for layer in sublayers(encoder)}
    for layer in sublayers(decoder):
        if id(layer) in of_encoder and layer.weights:
            raise InputError(
                f"Layer {layer.name!r} is part of the encoder and of the decoder, which files cannot hold: give "
                "each a layer of its own."
            )


@contextlib.contextmanager
def _drawn_from(seed: int) -> Iterator[None]:
    """Keras draws the seeds of initialisers that were given none from Python's random numbers."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


@contextlib.contextmanager
def built_in_time(model: keras.Model) -> Iterator[None]:
    """While a model is trained: names a layer of a subclass that is built by the first step, when it is too late.

    Args:
        model: `GMVAE`.

    Raises:
        InputError: where the optimizer does not know the weights of such a layer.
    """
    networks = {id(each) for network in (model.encoder, model.decoder) for each in sublayers(network)}
    waiting = [each for each in sublayers(model) if not each.built and id(each) not in networks]
    try:
        yield
    # The second where Keras 3.12 fails to write the variable that it does not know.
    except (ValueError, NotImplementedError) as error:
        late = [each.name for each in waiting if each.built and each.weights]
        if not late or not ("Unknown variable" in str(error) or isinstance(error, NotImplementedError)):
            raise
        raise InputError(
            f"Layer {late[0]!r} got its weights in the first step, after the optimizer had looked for all of "
            f"them: build it in the constructor of {type(model).__name__}, by its method build, as files need it, "
            "too."
        ) from None


def seed_initial_weights(network: keras.Layer, seed: int, name: str, of_model: int) -> None:
    """Makes a network's initial weights and noise follow from a seed, as far as they are still to be drawn.

    Layers that are not built yet, whose initialisers have no seed of their own, get seeds, and so do layers of
    noise (dropout). Weights that are there already may have been trained or loaded, and are never drawn anew.

    Args:
        network: Keras model or layer.
        seed: integer.
        name: text, name of the network for the warning.
        of_model: integer, the seed that the model was given, for the warning.

    Warns:
        UserWarning: where weights were drawn already, and without a seed.
    """
    seeds = iter(np.random.SeedSequence(seed).generate_state(10_000).tolist())
    layers = sublayers(network)
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
            f"GMVAE(seed={of_model}) cannot seed the {name}: its initial weights (layer {drawn[0]!r}) were drawn "
            "before, without a seed, so that results differ from run to run. Call keras.utils.set_random_seed(0) "
            "before you make it, give its initialisers seeds, or pass it without keras.Input, not built yet.",
            stacklevel=4,
        )


def _unseeded(layer):
    """Initialisers of a layer that draw, and were given no seed."""
    for value in vars(layer).values():
        if isinstance(value, keras.initializers.Initializer) and was_given_no_seed(value):
            yield value


def _all_is_seeded():
    """Whether `keras.utils.set_random_seed` was called, from which initialisers without a seed then follow."""
    return global_seed() is not None
