"""Every weight moves by the same small step, in the direction that its gradient names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import ops

# 3.2e-7 of a loss that is summed over the paper's 50 examples, as ours is a mean.
EPSILON = 6.3e-9


@keras.saving.register_keras_serializable(package="tf_gmvae")
class SignDescent(keras.optimizers.Optimizer):
    """Sign descent without memory: w <- w - learning_rate g / (|g| + epsilon).

    It is the first step of Adam, at every step: what the authors' published code did, since it gave Adam a fresh
    state at each step (docs/from_random_weights.md). A component that has hardly a share in the data has hardly a
    gradient either; here it moves as fast as all others all the same.

    Args:
        learning_rate: float, or a schedule of Keras; default 1e-4, the paper's.
        epsilon: gradients far below it move their weight by less; default 6.3e-9, the authors' for the mean over a
            batch of 50.
        name: text, name of the optimizer; default "sign_descent".
        **kwargs: of `keras.optimizers.Optimizer`, such as `clipnorm` and `weight_decay`.

    Example:
        >>> weights = keras.Variable([1.0, 1.0])
        >>> tf_gmvae.SignDescent(0.5).apply([keras.ops.array([3000.0, -0.5])], [weights])
        >>> weights.numpy()
        array([0.5, 1.5], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule | Callable[[], float] = 1e-4,
        epsilon: float = EPSILON,
        name: str = "sign_descent",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.epsilon = epsilon

    def update_step(self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor) -> None:
        """Updates one variable."""
        # In half precision epsilon would be 0, and a gradient of 0 divided by itself.
        gradient = ops.cast(gradient, "float64" if variable.dtype == "float64" else "float32")
        step = ops.cast(gradient / (ops.abs(gradient) + self.epsilon), variable.dtype)
        self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * step)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}
