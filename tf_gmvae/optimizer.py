"""Adam in one operation a weight, and a learning rate that falls."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

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


@keras.saving.register_keras_serializable(package="tf_gmvae")
class FusedAdam(keras.optimizers.Adam):
    """`keras.optimizers.Adam`, whose update of a weight is one pass over memory instead of a dozen.

    Arguments, state and results are those of the Keras optimizer, within float32 rounding. With
    `amsgrad`, or for sparse gradients, that optimizer itself runs.
    """

    def apply(
        self, grads: Sequence[tf.Tensor | None], trainable_variables: Sequence[keras.Variable] | None = None
    ) -> Any:
        """See `keras.optimizers.Optimizer.apply`."""
        # A weight that a gradient still has to read would be copied before it is written.
        with tf.control_dependencies([gradient for gradient in grads if gradient is not None]):
            return super().apply(grads, trainable_variables)

    def update_step(
        self, gradient: tf.Tensor | tf.IndexedSlices, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Updates one variable and its two moments."""
        if self.amsgrad or isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        resources = [_resource(value) for value in (variable, self._momentums[index], self._velocities[index])]
        dtype = resources[0].dtype
        step = tf.cast(self.iterations + 1, dtype)
        rate, beta_1, beta_2, epsilon = (
            tf.cast(value, dtype) for value in (learning_rate, self.beta_1, self.beta_2, self.epsilon)
        )
        tf.raw_ops.ResourceApplyAdam(
            var=resources[0].handle,
            m=resources[1].handle,
            v=resources[2].handle,
            beta1_power=tf.pow(beta_1, step),
            beta2_power=tf.pow(beta_2, step),
            lr=rate,
            beta1=beta_1,
            beta2=beta_2,
            epsilon=epsilon,
            grad=tf.cast(gradient, dtype),
        )


def _resource(variable):
    """The TensorFlow variable behind a Keras variable."""
    return variable.value if isinstance(variable, keras.Variable) else variable
