"""What DEC and VaDE have in common: an encoder that begins as half of an autoencoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae import checks
from tf_gmvae.methods import autoencoder
from tf_gmvae.methods.method import ClusteringMethod
from tf_gmvae.methods.networks import HIDDEN, LATENT, stack


class PretrainedMethod(ClusteringMethod):
    """A method whose encoder F-500-500-2000-10 is pretrained.

    Args:
        data_shape: tuple, shape of one example.
        num_components: K, clusters. Default 10.
        seed: integer, seed of weights, noise and the order of the data. Default 0.
        pretraining_epochs: integer, epochs of the pretraining, see `autoencoder.pretrain`. Default 40.
        **kwargs: of `keras.Model`.

    Raises:
        InputError: if an argument is out of its range.
    """

    def __init__(
        self,
        data_shape: Sequence[int],
        num_components: int = 10,
        seed: int = 0,
        pretraining_epochs: int = autoencoder.EPOCHS,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_shape, num_components, seed, **kwargs)
        self.pretraining_epochs = checks.whole_number("pretraining_epochs", pretraining_epochs, 1)
        self.encoder = stack(self.num_values, HIDDEN, LATENT, 10 * self.seed)

    def new_decoder(self) -> keras.Sequential:
        """The network that mirrors the encoder, untrained."""
        return stack(LATENT, HIDDEN[::-1], self.num_values, 10 * self.seed + 1)

    def pretrained_codes(self, decoder: keras.Sequential, examples: np.ndarray, verbose: Any) -> np.ndarray:
        """Pretrains encoder and decoder.

        Args:
            decoder: network of `new_decoder`.
            examples: array (N, ...).
            verbose: 0 is silent; else there is a line an epoch.

        Returns:
            Array (N, 10), codes of the examples.
        """
        autoencoder.pretrain(
            self.encoder, decoder, self.reconstruction_loss, self.flat, examples, self.pretraining_epochs,
            self.seed, verbose,
        )  # fmt: skip
        return self.examine(examples)[1]

    def reconstruction_loss(self, values: tf.Tensor, made: tf.Tensor) -> tf.Tensor:
        """- log p(y | x).

        Args:
            values: tensor (B, F).
            made: tensor (B, F), what the decoder returns.

        Returns:
            Tensor (B,), nats.
        """
        return -self.likelihood.log_prob(values, made[None])[0]

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "pretraining_epochs": self.pretraining_epochs}
