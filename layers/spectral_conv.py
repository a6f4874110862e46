"""Convolution layers that choose the faster way to the same sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from layers import spectral

if TYPE_CHECKING:
    import tensorflow as tf


def _is_spectral(layer, inputs, out_shape):
    # Convolutions of accelerators are fast as they are, and half precision has no room for the rounding.
    if keras.distribution.list_devices("gpu") or layer.compute_dtype != "float32":
        return False
    plain = layer.padding == "valid" and layer.groups == 1 and layer.data_format == "channels_last"
    if not plain or any(step != 1 for step in (*layer.strides, *layer.dilation_rate)):
        return False
    return spectral.saves_work(
        inputs.shape[1:3], out_shape[1:3], layer.kernel_size, inputs.shape[-1], layer.filters
    )


@keras.saving.register_keras_serializable(package="tf_gmvae")
class SpectralConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D`, computed by discrete Fourier transforms where that is less work.

    Weights, arguments, shapes and results are those of the Keras layer, results within float32 rounding.
    With large kernels and many channels on a CPU, training such a layer takes 2 to 3 times less time; where it
    would not gain (see `spectral.saves_work`), with another stride, padding or precision, or with a GPU, the
    Keras layer itself runs.

    Example:
        >>> SpectralConv2D(32, 6)(np.zeros((5, 23, 23, 16), "float32")).shape
        TensorShape([5, 18, 18, 32])
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Tensor (B, H, W, C) to (B, H', W', filters)."""
        if not _is_spectral(self, inputs, self.compute_output_shape(inputs.shape)):
            return super().call(inputs)
        outputs = spectral.correlate(inputs, self.kernel)
        return _finish(self, outputs)


@keras.saving.register_keras_serializable(package="tf_gmvae")
class SpectralConv2DTranspose(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose`, computed like `SpectralConv2D`.

    Example:
        >>> SpectralConv2DTranspose(16, 6)(np.zeros((5, 18, 18, 32), "float32")).shape
        TensorShape([5, 23, 23, 16])
    """

    groups = 1  # transposed convolutions have none

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Tensor (B, H, W, C) to (B, H', W', filters)."""
        if not _is_spectral(self, inputs, self.compute_output_shape(inputs.shape)):
            return super().call(inputs)
        outputs = spectral.full_convolve(inputs, self.kernel)
        return _finish(self, outputs)


def _finish(layer, outputs):
    if layer.use_bias:
        outputs = outputs + layer.bias
    return outputs if layer.activation is None else layer.activation(outputs)
