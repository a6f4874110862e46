"""Initial weights as Torch drew them in 2016, from which the paper's objective does not collapse.

See docs/from_random_weights.md for what they do, and for what a model's own initial weights do in their place.
"""

import math

import keras
import numpy as np

from tf_gmvae.errors import InputError

# As --initial_weights takes them: Keras' own, those of each layer's initialisers, or Torch's.
NAMES = ("keras", "torch")


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
    layers = list(network._flatten_layers())
    if not network.built or not any(layer.weights for layer in layers):
        raise InputError(
            f"{network.name} has no weights yet, so that they cannot be drawn anew: call its build, or give its "
            "first layer an input shape."
        )
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


def _fan_in(layer, shape):
    """Inputs of one output: a transposed convolution keeps its inputs in the last axis."""
    transposed = "Transpose" in type(layer).__name__
    return math.prod(shape[:-2]) * shape[-1 if transposed else -2]
