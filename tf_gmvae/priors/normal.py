"""The paper's prior of the style."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tf_gmvae import gaussians
from tf_gmvae.errors import InputError


@keras.saving.register_keras_serializable(package="tf_gmvae")
class StandardNormal:
    """p(w) = N(0, I), the paper's prior of the style (Eq. 1a).

    Attributes:
        dims: tuple of the dimensions of the styles of `levels`, here none.
    """

    dims: ClassVar[tuple[int, ...]] = ()

    def levels(self) -> tuple[Any, ...]:
        """The `MixturePrior` of w, of its style and so on: here none."""
        return ()

    def log_prob(self, w: tf.Tensor) -> tf.Tensor:
        """Log-density.

        Args:
            w: tensor (..., W).

        Returns:
            Tensor (...), nats.
        """
        return gaussians.gaussian_log_density(w, 0.0, ops.zeros_like(w))

    def kl(self, mean: tf.Tensor, log_var: tf.Tensor) -> tf.Tensor:
        """KL(q(w | y) || p(w)), the w-prior term of Eq. 4, in closed form.

        Args:
            mean: tensor (B, W), of q(w | y).
            log_var: tensor (B, W).

        Returns:
            Tensor (B,), nats.
        """
        return gaussians.standard_normal_kl(mean, log_var)

    def sample(
        self, rng: np.random.Generator, num_samples: int, dim: int, components: Sequence[Any] = ()
    ) -> np.ndarray:
        """Draws.

        Args:
            rng: NumPy generator.
            num_samples: integer N.
            dim: W.
            components: of deeper levels, of which there are none. Default ().

        Returns:
            Float64 array (N, W).

        Raises:
            InputError: if there are components.
        """
        if len(components):
            raise InputError(
                "`style_components` are for a deep GMVAE, with a style_prior of `MixturePrior`: leave them out."
            )
        return rng.standard_normal((num_samples, dim))

    def from_noise(self, components: Sequence[tf.Tensor], noises: Sequence[tf.Tensor]) -> tf.Tensor:
        """w from noise.

        Args:
            components: of deeper levels, none.
            noises: list of one tensor (B, W), from N(0, I).

        Returns:
            That tensor.
        """
        return noises[0]

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments: none."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> StandardNormal:
        """The object of a config."""
        return cls(**config)
