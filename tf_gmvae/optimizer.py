"""Adam in one operation a weight, and a learning rate that falls."""

import functools
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from layers import keras_private

# Of a learning rate that falls, what is left at the end.
LAST_RATE = 0.02


def falling_rate(learning_rate: float, num_steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """A learning rate that falls along half a cosine, to a fiftieth, and stays there.

    Args:
        learning_rate: float, that of the first step.
        num_steps: integer, steps until it has fallen.

    Returns:
        Schedule of Keras, which is saved with its optimizer.
    """
    return keras.optimizers.schedules.CosineDecay(learning_rate, num_steps, LAST_RATE)


def steps_taken(optimizer: keras.Optimizer) -> int:
    """Updates that an optimizer has made, also where it counts them in a variable on each of several devices.

    Args:
        optimizer: Keras optimizer.
    """
    return int(optimizer.iterations.numpy())


@keras.saving.register_keras_serializable(package="tf_gmvae")
class FusedAdam(keras.optimizers.Adam):
    """`keras.optimizers.Adam`, whose update of a weight is one pass over memory instead of a dozen.

    Arguments, state and results are those of the Keras optimizer, within float32 rounding. With
    `amsgrad`, or for sparse gradients, that optimizer itself runs.
    """

    _decays_of = None

    def apply(
        self, grads: Sequence[tf.Tensor | None], trainable_variables: Sequence[keras.Variable] | None = None
    ) -> Any:
        """See `keras.optimizers.Optimizer.apply`."""
        self._decays_of = functools.cache(self._decays)  # of this step, once for all weights
        try:
            # A weight that a gradient still has to read would be copied before it is written.
            with tf.control_dependencies([gradient for gradient in grads if gradient is not None]):
                return super().apply(grads, trainable_variables)
        finally:
            self._decays_of = None  # tensors of one graph are of no use in another

    def update_step(
        self, gradient: tf.Tensor | tf.IndexedSlices, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Updates one variable and its two moments."""
        if self.amsgrad or isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        resources = [_resource(value) for value in (variable, *keras_private.moments(self, variable))]
        dtype = resources[0].dtype
        # Replicas are updated device by device, after all of them have called `apply`.
        decays_of = self._decays if tf.distribute.has_strategy() else self._decays_of or self._decays
        beta_1, beta_1_power, beta_2, beta_2_power, epsilon = decays_of(dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=resources[0].handle,
            m=resources[1].handle,
            v=resources[2].handle,
            beta1_power=beta_1_power,
            beta2_power=beta_2_power,
            lr=tf.cast(learning_rate, dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=epsilon,
            grad=tf.cast(gradient, dtype),
        )

    def _decays(self, dtype):
        step = tf.cast(self.iterations + 1, dtype)
        beta_1, beta_2, epsilon = (tf.cast(value, dtype) for value in (self.beta_1, self.beta_2, self.epsilon))
        return beta_1, tf.pow(beta_1, step), beta_2, tf.pow(beta_2, step), epsilon


def _resource(variable):
    """The TensorFlow variable behind a Keras variable."""
    return variable.value if isinstance(variable, keras.Variable) else variable
