"""Style w to the K Gaussian components of the mixture prior p(x | w, z)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from layers.bounds import bounded_log
from layers.policies import KeepsPolicies
from layers.validation import seed_or_none, whole_number, whole_numbers

if TYPE_CHECKING:
    import tensorflow as tf


# tanh(0.3 w) is 0.3 w within 3 % at one standard deviation of w, and within 11 % at two.
LINEAR_RANGE = 0.3


@keras.saving.register_keras_serializable(package="tf_gmvae")
class MixturePriorHead(KeepsPolicies):
    """The network beta of Eq. 1c: w to 2K streams of size D, K means and K log-variances.

    The K streams of either kind come out of one matrix product, so that cost grows with K only in the size of
    that product. Leading axes are free: (B, W), (M, B, W) and deeper all work. Log-variances are exact within +-10
    and bounded smoothly beyond, see `bounds.bounded_log`.

    Args:
        num_components: K, components of the mixture.
        latent_dim: D, dimensions of x.
        hidden_units: units of the hidden layers; an empty tuple makes the streams linear in w. Default (500,).
        activation: activation function of the hidden layers, as Keras takes it (the paper's is tanh). Default
            "tanh".
        seed: integer seed of the initial weights; None draws one.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        w: tensor (..., W).

    Returns:
        Pair `(means, log_vars)`, each (..., K, D).

    Raises:
        ValueError: if a size is not an integer >= 1.

    Example:
        >>> means, log_vars = MixturePriorHead(num_components=10, latent_dim=2)(np.zeros((3, 5, 4)))
        >>> means.shape
        TensorShape([3, 5, 10, 2])
    """

    def __init__(
        self,
        num_components: int,
        latent_dim: int,
        hidden_units: tuple[int, ...] | list[int] = (500,),
        activation: str | Callable[[tf.Tensor], tf.Tensor] | None = "tanh",
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_components = whole_number("num_components", num_components)
        self.latent_dim = whole_number("latent_dim", latent_dim)
        self.hidden_units = whole_numbers("hidden_units", hidden_units)
        self.activation = keras.activations.get(activation)
        self.seed = seed_or_none(seed)

        self.hidden = [
            keras.layers.Dense(
                units,
                activation=self.activation,
                kernel_initializer=keras.initializers.GlorotUniform(self._seed_of(index)),
                dtype=self.dtype_policy,
                name=f"hidden_{index}",
            )
            for index, units in enumerate(self.hidden_units)
        ]
        # Glorot's scale would count all K streams as one layer's outputs and shrink the components towards
        # each other as K grows; the fan-in alone leaves their spread independent of K. Two layers rather than
        # one and a split of its outputs, which would copy every stream, and every gradient back.
        self.means, self.log_vars = (
            keras.layers.Dense(
                self.num_components * self.latent_dim,
                kernel_initializer=keras.initializers.LecunUniform(self._seed_of(len(self.hidden) + index)),
                dtype=self.dtype_policy,
                name=name,
            )
            for index, name in enumerate(("means", "log_vars"))
        )

    def _seed_of(self, index):
        return None if self.seed is None else self.seed + index

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Builds the hidden layers and both products."""
        for layer, units in zip(self.hidden, self.hidden_units, strict=True):
            layer.build(input_shape)
            input_shape = (*input_shape[:-1], units)
        self.means.build(input_shape)
        self.log_vars.build(input_shape)

    def call(self, w: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """See the class."""
        for layer in self.hidden:
            w = layer(w)
        shape = (*ops.shape(w)[:-1], self.num_components, self.latent_dim)
        return ops.reshape(self.means(w), shape), bounded_log(ops.reshape(self.log_vars(w), shape))

    def assign_components(
        self, means: np.ndarray, loadings: np.ndarray, log_vars: np.ndarray, others: float = 0.1
    ) -> None:
        """Sets the weights to a mixture whose means move with the first factors of w.

        Afterwards means_k(w) = means_k + loadings_k w[:J], bent by the activation for large w, and log_vars_k(w) =
        log_vars_k, both up to what is left of the other weights.

        Args:
            means: array (K, D).
            loadings: array (K, J, D), J at most the dimensions of w and the units of any hidden layer.
            log_vars: array (K, D).
            others: factor on all other weights of the streams; small ones leave the mixture as given. Default 0.1.
        """
        factors, slope = loadings.shape[1], 1.0
        for index, layer in enumerate(self.hidden):
            kernel, bias = (variable.numpy() for variable in (layer.kernel, layer.bias))
            # One unit a factor, in the range where the activation is nearly linear.
            gain = LINEAR_RANGE if index == 0 else 1.0
            kernel[:, :factors], bias[:factors] = 0.0, 0.0
            kernel[range(factors), range(factors)] = gain
            slope *= gain
            layer.kernel.assign(kernel)
            layer.bias.assign(bias)
        for layer, values in ((self.means, means), (self.log_vars, log_vars)):
            layer.bias.assign(np.reshape(values, -1))
            kernel = others * layer.kernel.numpy()
            kernel[:factors] = 0.0
            if layer is self.means:
                kernel[:factors] = np.swapaxes(loadings, 0, 1).reshape(factors, layer.units) / slope
            layer.kernel.assign(kernel)

    def split_component(self, source: int, target: int, shift: np.ndarray) -> None:
        """Makes one component a copy of another, and moves the two apart.

        Args:
            source: number of the component that is copied.
            target: number of the one that is replaced.
            shift: array (D,): the means move by it, the copy's forwards and the source's back.
        """
        rows = [slice(k * self.latent_dim, (k + 1) * self.latent_dim) for k in (source, target)]
        for layer in (self.means, self.log_vars):
            for variable in (layer.kernel, layer.bias):
                values = variable.numpy()
                values[..., rows[1]] = values[..., rows[0]]
                if variable is self.means.bias:
                    values[rows[0]] -= shift
                    values[rows[1]] += shift
                variable.assign(values)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
        """Shapes of the means and of the log-variances."""
        shape = (*input_shape[:-1], self.num_components, self.latent_dim)
        return shape, shape

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {
            **super().get_config(),
            "num_components": self.num_components,
            "latent_dim": self.latent_dim,
            "hidden_units": list(self.hidden_units),
            "activation": keras.activations.serialize(self.activation),
            "seed": self.seed,
        }
