"""The private parts of Keras that are in use, all of them: a release that changes one fails here, by a name.

`tests/reusable_layers/test_keras_private.py` asks for each, and that no other file knows one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    import tensorflow as tf

# What Keras calls, and methods of ours replace under the same name.
REPLACED = {
    keras.Model: ("_maybe_symbolic_build",),
    keras.layers.BatchNormalization: ("_moments",),
    keras.optimizers.Optimizer: ("_all_reduce_sum_gradients",),
}


def sublayers(layer: keras.Layer, include_self: bool = True) -> list[keras.Layer]:
    """All layers within a layer or model, each once, and before those within it.

    Args:
        layer: Keras layer.
        include_self: whether the layer itself is one. Default True.
    """
    return list(layer._flatten_layers(include_self=include_self))


def drop_losses(model: keras.Model) -> None:
    """Drops what the layers of a model have added to its loss so far."""
    model._clear_losses()


def unlock(model: keras.Model) -> None:
    """Lets a built model get further layers and metrics, which are then saved with it."""
    model._tracker.unlock()


def first_epoch(model: keras.Model) -> int | None:
    """The epoch at which `BackupAndRestore` has `fit` begin; None, where it has put nothing back."""
    return model._initial_epoch


def forget_first_epoch(model: keras.Model) -> None:
    """Has `fit` begin at the epoch that it is given."""
    model._initial_epoch = None


def was_given_no_seed(initializer: keras.Initializer) -> bool:
    """Whether an initialiser draws, and was given no seed."""
    return getattr(initializer, "_init_seed", 0) is None


def global_seed() -> int | None:
    """What `keras.utils.set_random_seed` was given; None, where it was not called."""
    from keras.src.utils import rng_utils

    return rng_utils.get_random_seed()


def reduction_axes(layer: keras.layers.BatchNormalization) -> list[int]:
    """The axes over which a built layer takes its moments."""
    return layer._reduction_axes


def moments(
    optimizer: keras.optimizers.Adam, variable: keras.Variable
) -> tuple[keras.Variable | tf.Variable, keras.Variable | tf.Variable]:
    """The first and second moment that a built Adam keeps of a variable's gradients."""
    index = optimizer._get_variable_index(variable)
    return optimizer._momentums[index], optimizer._velocities[index]
