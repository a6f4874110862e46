"""Initial weights for the paper's objective without a start; docs/from_random_weights.md says what each does.

Example:
    >>> model = tf_gmvae.GMVAE.from_preset("synthetic", seed=0)
    >>> tf_gmvae.initial_weights.bring_components_near(model)
"""

import math
from collections.abc import Callable

import keras
import numpy as np

from layers.keras_private import sublayers
from tf_gmvae.errors import InputError

# Of the kernels that make the components, against the layer's own.
NEAR = 0.1


def draw_as_torch(network: keras.Layer, seed: int | None = None) -> None:
    """Draws all weights of a network anew, as Torch's layers of 2016 did.

    Kernels and biases are uniform within +-1 / sqrt(fan-in), the scales of normalisation layers uniform within [0,
    1]. Means, variances and shifts of normalisation layers stay as they are. What had been learned is lost.

    Args:
        network: built Keras model or layer, such as a whole `GMVAE`.
        seed: integer; None, the default, draws one.

    Raises:
        InputError: if the network has no weights yet.
    """
    layers = sublayers(network)
    if not network.built or not any(layer.weights for layer in layers):
        raise _no_weights(network)
    rng = np.random.default_rng(seed)
    for layer in layers:
        if isinstance(getattr(layer, "gamma", None), keras.Variable):
            layer.gamma.assign(rng.uniform(0, 1, layer.gamma.shape))
        kernel, bias = (getattr(layer, name, None) for name in ("kernel", "bias"))
        if not isinstance(kernel, keras.Variable):
            continue
        bound = 1 / math.sqrt(_fan_in(layer, kernel.shape))
        for variable in (kernel, bias):
            if isinstance(variable, keras.Variable):
                variable.assign(rng.uniform(-bound, bound, variable.shape))


def bring_components_near(model: keras.Model) -> None:
    """Makes the components of the mixture prior begin close to each other, all else as it is.

    Components that begin apart share out the first, meaningless latents among themselves: the nearest takes them
    all, and those without examples have no gradient to come back by. Near ones share every example for a while.

    Args:
        model: built `GMVAE`.

    Raises:
        InputError: if the model has no weights yet.
    """
    if not model.built:
        raise _no_weights(model)
    for layer in (model.prior_head.means, model.prior_head.log_vars):
        layer.kernel.assign(NEAR * layer.kernel)


# By the value of --initial_weights: what becomes of a model's own; "keras" leaves them.
WAYS: dict[str, Callable[[keras.Model, int | None], None]] = {
    "keras": lambda model, seed: None,
    "near": lambda model, seed: bring_components_near(model),
    "torch": draw_as_torch,
}


def _no_weights(network):
    return InputError(
        f"{network.name} has no weights yet, so that they cannot be changed: call its build, or give its first "
        "layer an input shape."
    )


def _fan_in(layer, shape):
    """Inputs of one output: a transposed convolution keeps its inputs in the last axis."""
    transposed = "Transpose" in type(layer).__name__
    return math.prod(shape[:-2]) * shape[-1 if transposed else -2]
