"""Features to the parameters of a diagonal Gaussian."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from layers.bounds import bounded_log
from layers.policies import KeepsPolicies
from layers.validation import seed_or_none, whole_number

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf


# Of the initial kernel of the log-variances, against that of the means: features of any size begin with variances
# near 1, where they would begin with exp(+-100).
SMALL = 0.1


@keras.saving.register_keras_serializable(package="tf_gmvae")
class GaussianHead(KeepsPolicies):
    """Mean and log-variance streams of a diagonal Gaussian, from one matrix product.

    The recognition network q(x, w | y) (section 5 of the paper's appendix A) ends in two of these:
    one for x, one for w. Variances are always produced as log-variances, exact within +-10 and bounded smoothly
    beyond, see `bounds.bounded_log`; they begin near 0.

    Args:
        dim: D, dimensions of the Gaussian.
        seed: integer seed of the initial kernel; None draws one.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        features: tensor (..., F).

    Returns:
        Pair `(mean, log_var)`, each (..., D).

    Raises:
        ValueError: if `dim` is not an integer >= 1.

    Example:
        >>> mean, log_var = GaussianHead(2)(np.zeros((5, 7), "float32"))
        >>> mean.shape
        TensorShape([5, 2])
    """

    def __init__(self, dim: int, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dim = whole_number("dim", dim)
        self.seed = seed_or_none(seed)
        self.streams = keras.layers.Dense(
            2 * self.dim,
            kernel_initializer=self._initial_kernel,
            dtype=self.dtype_policy,
            name="streams",
        )

    def _initial_kernel(self, shape, dtype=None):
        kernel = keras.initializers.GlorotUniform(self.seed)(shape, dtype)
        means, log_vars = ops.split(kernel, 2, axis=-1)
        return ops.concatenate([means, SMALL * log_vars], axis=-1)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Builds the Dense layer behind both streams."""
        self.streams.build(input_shape)

    def call(self, features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """See the class."""
        mean, log_var = ops.split(self.streams(features), 2, axis=-1)
        return mean, bounded_log(log_var)

    def assign_linear(
        self, kernel: np.ndarray, bias: np.ndarray, log_vars: np.ndarray, others: float = 0.1
    ) -> None:
        """Sets the first means to a linear function of the features, and their log-variances to constants.

        Args:
            kernel: array (F, J), J at most `dim`.
            bias: array (J,).
            log_vars: array (J,).
            others: factor on all other weights; small ones leave the other dimensions near N(0, I). Default 0.1.
        """
        count = len(bias)
        all_kernel, all_bias = (others * variable.numpy() for variable in (self.streams.kernel, self.streams.bias))
        all_kernel[:, :count], all_bias[:count] = kernel, bias
        all_bias[self.dim : self.dim + count] = log_vars
        self.streams.kernel.assign(all_kernel)
        self.streams.bias.assign(all_bias)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
        """Shapes of the mean and of the log-variance."""
        shape = (*input_shape[:-1], self.dim)
        return shape, shape

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "dim": self.dim, "seed": self.seed}
