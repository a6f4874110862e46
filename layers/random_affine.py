"""Images turned, moved, sheared and scaled a little, each in its own way."""

from __future__ import annotations

from numbers import Real
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
        ValueError: if a largest value is no finite number >= 0, or `scale` is 1 or more.

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
        self.input_spec = keras.InputSpec(ndim=4)
        self.largest = {"rotation": rotation, "shift": shift, "scale": scale, "shear": shear}
        for name, value in self.largest.items():
            if not (isinstance(value, Real) and 0 <= value < (1 if name == "scale" else np.inf)):
                bounds = "a number in [0, 1)" if name == "scale" else "a finite number >= 0"
                raise ValueError(f"`{name}` must be {bounds}. Received: {name}={value!r}")

    def call(self, images: tf.Tensor, training: bool = True) -> tf.Tensor:
        """See the class."""
        if not training:
            return images
        count, height, width, channels = (ops.shape(images)[axis] for axis in range(4))
        across, down = self._origins(count, height, width)
        left, above = ops.floor(across), ops.floor(down)
        right, below = ops.minimum(left + 1.0, width - 1), ops.minimum(above + 1.0, height - 1)
        values = ops.reshape(images, (-1, channels))
        firsts = ops.arange(count, dtype="int64")[:, None] * ops.cast(height * width, "int64")

        def at(row, column):
            # XLA compiles this, where it knows no operation for images that are moved.
            places = firsts + ops.cast(row, "int64") * ops.cast(width, "int64") + ops.cast(column, "int64")
            return ops.cast(ops.take(values, places, axis=0), "float32")

        to_right, to_below = (across - left)[..., None], (down - above)[..., None]
        upper = at(above, left) * (1.0 - to_right) + at(above, right) * to_right
        lower = at(below, left) * (1.0 - to_right) + at(below, right) * to_right
        moved = upper * (1.0 - to_below) + lower * to_below
        if "int" in keras.backend.standardize_dtype(images.dtype):
            moved = ops.round(moved)
        moved = ops.cast(moved, images.dtype)
        return ops.reshape(moved, (count, height, width, channels))

    def _origins(self, count, height, width):
        # Where each value comes from, its column and its row (B, H W): the value at column u, row v comes from
        # (a u + b v + c, d u + e v + f), or from the edge nearest to it.
        drawn = self._draw(keras.random.uniform, (count, 5), axis=0, minval=-1.0, maxval=1.0, dtype="float32")
        angle = drawn[:, 0] * np.deg2rad(self.largest["rotation"])
        factor = 1.0 + drawn[:, 1] * self.largest["scale"]
        shear = drawn[:, 2] * self.largest["shear"]
        rows, columns = ops.arange(height, dtype="float32"), ops.arange(width, dtype="float32")
        height, width = ops.cast(height, "float32"), ops.cast(width, "float32")
        u, v = (width - 1.0) / 2.0, (height - 1.0) / 2.0
        from_u = u + drawn[:, 3] * self.largest["shift"] * width
        from_v = v + drawn[:, 4] * self.largest["shift"] * height
        cos, sin = ops.cos(angle) / factor, ops.sin(angle) / factor
        a, b = cos, cos * shear - sin
        d, e = sin, sin * shear + cos
        c, f = u - a * from_u - b * from_v, v - d * from_u - e * from_v
        a, b, c, d, e, f = (each[:, None, None] for each in (a, b, c, d, e, f))
        columns, rows = columns[None, None, :], rows[None, :, None]
        across = ops.clip(a * columns + b * rows + c, 0.0, width - 1.0)
        down = ops.clip(d * columns + e * rows + f, 0.0, height - 1.0)
        return ops.reshape(across, (count, -1)), ops.reshape(down, (count, -1))

    def compute_output_shape(self, images_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the images."""
        return images_shape

    def compute_output_spec(self, images: keras.KerasTensor, training: bool = True) -> keras.KerasTensor:
        """Shape and dtype of the images."""
        return keras.KerasTensor(images.shape, images.dtype)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), **self.largest}
