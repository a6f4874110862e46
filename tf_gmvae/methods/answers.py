"""What the methods say of examples, which is always a number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from tf_gmvae import data
from tf_gmvae.checks import check_sizes, known
from tf_gmvae.methods.reading import split_of
from tf_gmvae.model.part import Part


class Answers(Part):
    """The methods of `ClusteringMethod` behind soft assignments and codes."""

    def predict(
        self, x: ArrayLike | data.Split, batch_size: int | None = None, verbose: Any = "auto", **kwargs: Any
    ) -> np.ndarray:
        """See `keras.Model.predict`, and `fit` for the examples: the soft assignments, array (N, K)."""
        check_sizes(batch_size=batch_size)
        return known(super().predict(split_of(x, self).examples, batch_size, verbose, **kwargs))

    def predict_on_batch(self, x: ArrayLike | data.Split) -> np.ndarray:
        """See `keras.Model.predict_on_batch`, and `fit` for the examples: the soft assignments, array (N, K)."""
        return known(super().predict_on_batch(split_of(x, self).examples))

    def examine(self, examples: ArrayLike | data.Split, batch_size: int = 1024) -> tuple[np.ndarray, np.ndarray]:
        """What the method says of many examples.

        Args:
            examples: array (N, ...) or `data.Split`.
            batch_size: integer, examples at a time. Default 1024.

        Returns:
            Pair of arrays: logarithm of the soft assignments (N, K), and codes (N, D).

        Raises:
            InputError: if the examples are no such, or an answer is no number.
        """
        batches = [self.flat(batch) for batch in data.to_batches(split_of(examples, self), batch_size)]
        found = [(self.answers(values).numpy(), self.embed(values).numpy()) for values in batches]
        log_assignments, codes = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return known(log_assignments), codes

    def answers(self, values: tf.Tensor) -> tf.Tensor:
        """`log_assignments`, and NaN for examples that are too large for any network, or not finite.

        Args:
            values: tensor (B, F).

        Returns:
            Tensor (B, K).
        """
        # Where ReLU is fused with a product, it makes 0 of the NaN of an overflow: only the values tell of it.
        is_small = tf.math.is_finite(tf.reduce_sum(tf.square(values), axis=-1, keepdims=True))
        return tf.where(is_small, self.log_assignments(values), math.nan)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Soft assignments of examples: what `predict` returns.

        Args:
            inputs: tensor (B, ...).
            training: ignored. Default False.

        Returns:
            Tensor (B, K), rows sum to one; NaN where `predict` refuses to answer.
        """
        return tf.exp(self.answers(self.flat(inputs)))
