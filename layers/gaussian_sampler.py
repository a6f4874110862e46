"""Reparameterised samples of diagonal Gaussians."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from layers.seeded import SeededLayer
from layers.validation import whole_number

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="tf_gmvae")
class GaussianSampler(SeededLayer):
    """M samples mean + exp(log_var / 2) * noise, through which gradients flow.

    The layer owns its random state, which is saved with it: see `SeededLayer`.

    `GMVAE` itself takes the means where it wants no noise: `deterministic` is for other models.

    Args:
        num_samples: M, samples for each example. Default 1.
        seed: integer seed of the noise; None draws one.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        mean: tensor (B, D).
        log_var: tensor (B, D), natural log of the variance.
        deterministic: if True the mean stands in for the samples, as one of them, without noise.
        num_samples: M for this call only.

    Returns:
        Tensor (M, B, D); (1, B, D) if deterministic.

    Raises:
        ValueError: if `num_samples` is not an integer >= 1.

    Example:
        >>> GaussianSampler(num_samples=3, seed=0)(np.zeros((5, 2)), np.zeros((5, 2))).shape
        TensorShape([3, 5, 2])
    """

    def __init__(self, num_samples: int = 1, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.num_samples = whole_number("num_samples", num_samples)

    def call(
        self, mean: tf.Tensor, log_var: tf.Tensor, deterministic: bool = False, num_samples: int | None = None
    ) -> tf.Tensor:
        """See the class."""
        if deterministic:
            return ops.expand_dims(mean, 0)
        noise = self._draw(
            keras.random.normal, (self._count(num_samples), *ops.shape(mean)), axis=1, dtype=mean.dtype
        )
        return mean + ops.exp(0.5 * log_var) * noise

    def _count(self, num_samples):
        return self.num_samples if num_samples is None else whole_number("num_samples", num_samples)

    def compute_output_shape(
        self, mean_shape: tuple[int | None, ...], log_var_shape: tuple[int | None, ...] | None = None
    ) -> tuple[int | None, ...]:
        """Shape (M, B, D) of the samples."""
        return (self.num_samples, *mean_shape)

    def compute_output_spec(
        self,
        mean: keras.KerasTensor,
        log_var: keras.KerasTensor,
        deterministic: bool = False,
        num_samples: int | None = None,
    ) -> keras.KerasTensor:
        """Shape and dtype of the samples, which depend on how the layer is called."""
        count = 1 if deterministic else self._count(num_samples)
        return keras.KerasTensor((count, *mean.shape), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "num_samples": self.num_samples}
