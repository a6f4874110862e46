"""Adversarial Autoencoder, as its section on unsupervised clustering has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_gmvae.methods.method import ClusteringMethod
from tf_gmvae.methods.networks import dense, stack
from tf_gmvae.model import replicas
from tf_gmvae.optimizer import FusedAdam

UNITS = (1000, 1000)
STYLE = 10


@keras.saving.register_keras_serializable(package="tf_gmvae")
class AAE(ClusteringMethod):
    """Adversarial Autoencoder for clustering (Makhzani et al., arXiv 1511.05644, section 5).

    An encoder returns soft assignments z (a softmax over K) and a style x, from which a decoder brings the example
    back. Two discriminators learn to tell z from one-hot draws of Categorical(1/K), and x from N(0, I), and the
    encoder learns to deceive both, so that assignments become certain and clusters of one size. Every step has
    three parts, each with an optimizer of its own:

    1. encoder and decoder: the reconstruction, - log p(y | z, x);
    2. the discriminators: cross-entropy of real (1) and encoded (0);
    3. the encoder: cross-entropy of its codes to real.

    The paper's networks have two layers of 3,000 units with ReLU each, and are trained by stochastic gradient
    descent with momentum; its K are 16 and 30. Ours: layers of 1,000 units, batch normalisation in the encoder, a
    style of 10 dimensions, Adam.

    Args:
        data_shape: tuple, shape of one example.
        num_components: K, clusters. Default 10.
        seed: integer, seed of weights, noise and the order of the data. Default 0.
        **kwargs: of `keras.Model`.
    """

    TITLE = "an Adversarial Autoencoder"
    TABLE_K = (16, 30)
    EPOCHS = 30
    BATCH_SIZE = 100
    LOGGED = ("loss", "discrimination", "deception")

    def __init__(self, data_shape: Sequence[int], num_components: int = 10, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(data_shape, num_components, seed, **kwargs)
        first = 10 * self.seed
        self.trunk = stack(self.num_values, UNITS, None, first, normalise=True)
        self.cluster_head = dense(num_components, None, first + 1)
        self.style_head = dense(STYLE, None, first + 2)
        for head in (self.cluster_head, self.style_head):
            head.build((None, UNITS[-1]))
        self.decoder = stack(num_components + STYLE, UNITS, self.num_values, first + 3)
        self.cluster_critic = stack(num_components, UNITS, 1, first + 4)
        self.style_critic = stack(STYLE, UNITS, 1, first + 5)
        parts = (self.trunk, self.cluster_head, self.style_head)
        self.encoder_weights = [weight for part in parts for weight in part.trainable_weights]
        self.critic_weights = self.cluster_critic.trainable_weights + self.style_critic.trainable_weights
        # At one rate the discriminators win, and the codes no longer follow; so they stay near chance.
        self.critic_optimizer, self.deception_optimizer = FusedAdam(1e-4, beta_1=0.5), FusedAdam(5e-4, beta_1=0.5)
        self.critic_optimizer.build(self.critic_weights)
        self.deception_optimizer.build(self.encoder_weights)
        self.finish(FusedAdam(5e-4), self.encoder_weights + self.decoder.trainable_weights)

    def encode(self, values: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """Assignments and style.

        Args:
            values: tensor (B, F).
            training: whether batch normalisation goes by the batch. Default False.

        Returns:
            Pair of log z, a tensor (B, K), and x, a tensor (B, 10).
        """
        features = self.trunk(values, training=training)
        return tf.nn.log_softmax(self.cluster_head(features)), self.style_head(features)

    def log_assignments(self, values: tf.Tensor) -> tf.Tensor:
        """log z. See `ClusteringMethod.log_assignments`."""
        return self.encode(values)[0]

    def embed(self, values: tf.Tensor) -> tf.Tensor:
        """What assignments and style are made from, a tensor (B, 1000). See `ClusteringMethod.embed`."""
        return self.trunk(values, training=False)

    def step(self, values: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """The three parts of a step. See `ClusteringMethod.step`."""
        size = tf.shape(values)[0]

        def reconstruction():
            log_z, x = self.encode(values, training=True)
            made = self.decoder(tf.concat([tf.exp(log_z), x], axis=-1))
            return -tf.reduce_mean(self.likelihood.log_prob(values, made[None])), ()

        weights = self.encoder_weights + self.decoder.trainable_weights
        loss, _ = replicas.take_step(self.optimizer, weights, reconstruction)

        log_z, x = self.encode(values, training=True)
        drawn = tf.random.stateless_uniform((size,), self.step_seed(0), 0, self.num_components, tf.int32)
        pairs = (
            (self.cluster_critic, tf.one_hot(drawn, self.num_components), tf.exp(log_z)),
            (self.style_critic, self.noise((size, STYLE), 1), x),
        )
        discrimination, _ = replicas.take_step(
            self.critic_optimizer,
            self.critic_weights,
            lambda: (tf.add_n([tf.reduce_mean(discrimination_loss(*pair)) for pair in pairs]), ()),
        )

        def deception():
            log_z, x = self.encode(values, training=True)
            codes = ((self.cluster_critic, tf.exp(log_z)), (self.style_critic, x))
            return tf.add_n([tf.reduce_mean(deception_loss(*code)) for code in codes]), ()

        deceived, _ = replicas.take_step(self.deception_optimizer, self.encoder_weights, deception)
        return loss, discrimination, deceived


def discrimination_loss(
    critic: Callable[[tf.Tensor], tf.Tensor], real: tf.Tensor, encoded: tf.Tensor
) -> tf.Tensor:
    """What a discriminator minimises: - log s(real) - log(1 - s(encoded)), s the sigmoid of its logits.

    Args:
        critic: function from codes (B, D) to logits (B, 1) of their being real.
        real: tensor (B, D), draws.
        encoded: tensor (B, D), codes.

    Returns:
        Tensor (B, 1), nats.
    """
    return tf.nn.softplus(-critic(real)) + tf.nn.softplus(critic(encoded))


def deception_loss(critic: Callable[[tf.Tensor], tf.Tensor], encoded: tf.Tensor) -> tf.Tensor:
    """What the encoder minimises against a discriminator: - log s(encoded).

    Args:
        critic: function from codes (B, D) to logits (B, 1) of their being real.
        encoded: tensor (B, D), codes.

    Returns:
        Tensor (B, 1), nats.
    """
    return tf.nn.softplus(-critic(encoded))
