"""Images turned, moved, sheared and scaled a little, each in its own way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from layers.seeded import SeededLayer

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="tf_gmvae")
class RandomAffine(SeededLayer):
    """One affine map for each image, drawn anew at every call, about the centre of the image.

    All four motions are one map, so that the image is interpolated (bilinearly) once; what comes in from outside
    continues its edge. A mirror image is never made: a mirrored digit or letter is another or none.

    Args:
        rotation: float, largest angle, degrees. Default 10.
        shift: float, largest move along each axis, as a share of the side. Default 0.06.
        scale: float, largest change of size, as a share of it. Default 0.07.
        shear: float, largest shear, as a share. Default 0.1.
        seed: integer seed of the draws; None draws one. Default None.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        images: tensor (B, H, W, C).
        training: if False the images are returned as they are. Default True.

    Returns:
        Tensor (B, H, W, C).

    Raises:
        ValueError: if a largest value is negative or not finite, or `scale` is 1 or more.

    Example:
        >>> RandomAffine(seed=0)(np.zeros((5, 28, 28, 1))).shape
        TensorShape([5, 28, 28, 1])
    """

    def __init__(
        self,
        rotation: float = 10.0,
        shift: float = 0.06,
        scale: float = 0.07,
        shear: float = 0.1,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        self.largest = {"rotation": rotation, "shift": shift, "scale": scale, "shear": shear}
        for name, value in self.largest.items():
            if not 0 <= value < np.inf or (name == "scale" and value >= 1):
                bounds = "in [0, 1)" if name == "scale" else ">= 0 and finite"
                raise ValueError(f"`{name}` must be {bounds}. Received: {name}={value!r}")

    def call(self, images: tf.Tensor, training: bool = True) -> tf.Tensor:
        """See the class."""
        if not training:
            return images
        shape = ops.shape(images)
        transforms = self._transforms(shape[0], shape[1], shape[2])
        return ops.image.affine_transform(
            images, transforms, interpolation="bilinear", fill_mode="nearest", data_format="channels_last"
        )

    def _transforms(self, count, height, width):
        # Rows (a, b, c, d, e, f, 0, 0): the value at column u, row v comes from (a u + b v + c, d u + e v + f).
        drawn = self._draw(keras.random.uniform, (count, 5), axis=0, minval=-1.0, maxval=1.0, dtype="float32")
        angle = drawn[:, 0] * np.deg2rad(self.largest["rotation"])
        factor = 1.0 + drawn[:, 1] * self.largest["scale"]
        shear = drawn[:, 2] * self.largest["shear"]
        height, width = ops.cast(height, "float32"), ops.cast(width, "float32")
        u, v = (width - 1.0) / 2.0, (height - 1.0) / 2.0
        from_u = u + drawn[:, 3] * self.largest["shift"] * width
        from_v = v + drawn[:, 4] * self.largest["shift"] * height
        cos, sin = ops.cos(angle) / factor, ops.sin(angle) / factor
        a, b = cos, cos * shear - sin
        d, e = sin, sin * shear + cos
        c, f = u - a * from_u - b * from_v, v - d * from_u - e * from_v
        zero = ops.zeros_like(angle)
        return ops.stack([a, b, c, d, e, f, zero, zero], axis=1)

    def compute_output_shape(self, images_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the images."""
        return images_shape

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), **self.largest}
