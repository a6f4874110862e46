"""Reparameterised samples of diagonal Gaussians."""

from collections.abc import MutableMapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from layers.validation import whole_number


@keras.saving.register_keras_serializable(package="tf_gmvae")
class GaussianSampler(keras.layers.Layer):
    """M samples mean + exp(log_var / 2) * noise, through which gradients flow.

    The layer owns its random state. The state is saved with the layer, so a training that goes on from a
    `.keras` or weights file draws the noise that the uninterrupted training would have drawn.

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
        super().__init__(**kwargs)
        self.num_samples = whole_number("num_samples", num_samples)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._initial_state = ops.convert_to_numpy(self.seed_generator.state)
        self.built = True

    def call(
        self, mean: tf.Tensor, log_var: tf.Tensor, deterministic: bool = False, num_samples: int | None = None
    ) -> tf.Tensor:
        """See the class."""
        if deterministic:
            return ops.expand_dims(mean, 0)
        num_samples = self.num_samples if num_samples is None else whole_number("num_samples", num_samples)
        return mean + ops.exp(0.5 * log_var) * self._noise(num_samples, ops.shape(mean), mean.dtype)

    def _noise(self, num_samples, shape, dtype):
        # Replicas keep the same random state. Each draws the noise of the whole batch and takes its part of it, so
        # that their examples get noise of their own, and that of a single device where they share evenly.
        replica = tf.distribute.get_replica_context()
        count = 1 if replica is None else replica.num_replicas_in_sync
        shape = (num_samples, count * shape[0], *shape[1:])
        noise = keras.random.normal(shape, dtype=dtype, seed=self.seed_generator)
        if count == 1:
            return noise
        part = shape[1] // count
        begin = replica.replica_id_in_sync_group * part
        return noise[:, begin : begin + part]

    def reset(self) -> None:
        """Takes the noise back to its start: the next call repeats the first one."""
        self.seed_generator.state.assign(self._initial_state)

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
        num_samples = 1 if deterministic else num_samples or self.num_samples
        return keras.KerasTensor((num_samples, *mean.shape), dtype=self.compute_dtype)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Stores the random state, which Keras leaves out of weight files."""
        store["seed_state"] = ops.convert_to_numpy(self.seed_generator.state)
        store["initial_state"] = self._initial_state

    def load_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Restores the random state."""
        self.seed_generator.state.assign(np.array(store["seed_state"]))
        self._initial_state = np.array(store["initial_state"])

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "num_samples": self.num_samples, "seed": self.seed}
