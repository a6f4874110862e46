"""Categorical generative adversarial network, without labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_gmvae.methods.method import ClusteringMethod
from tf_gmvae.methods.networks import dense, stack
from tf_gmvae.model import replicas
from tf_gmvae.optimizer import FusedAdam

UNITS = (1000, 500, 250, 250, 250)
GENERATOR_UNITS = (500, 500)
NOISE = 128
# Standard deviations of what is added to the input and to the layers of the discriminator.
INPUT_NOISE = 0.3
HIDDEN_NOISE = 0.5


@keras.saving.register_keras_serializable(package="tf_gmvae")
class CatGAN(ClusteringMethod):
    """Categorical GAN without labels (Springenberg, arXiv 1511.06390).

    The discriminator is the clustering: a softmax p(z | y) over K clusters. It shall be certain of real examples,
    use all clusters evenly, and be uncertain of generated ones; the generator wants it certain of its examples,
    and them spread over all clusters:

        L_D = E_y H[p(z | y)] - H[E_y p(z | y)] - E_g H[p(z | g)]
        L_G = E_g H[p(z | g)] - H[E_g p(z | g)]

    The averages E within an entropy are those of the batch. Networks of dense layers, with noise on the input and
    on every layer of the discriminator; here F-1000-500-250-250-250-K with leaky ReLU, and a generator
    128-500-500-F with batch normalisation; Adam.

    Args:
        data_shape: tuple, shape of one example.
        num_components: K, clusters; the paper's figure is at 20. Default 10.
        seed: integer, seed of weights, noise and the order of the data. Default 0.
        **kwargs: of `keras.Model`.
    """

    TITLE = "a Categorical GAN"
    TABLE_K = (20,)
    EPOCHS = 40
    BATCH_SIZE = 100
    LOGGED = ("loss", "generation", "certainty", "evenness")

    def __init__(self, data_shape: Sequence[int], num_components: int = 10, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(data_shape, num_components, seed, **kwargs)
        first = 10 * self.seed
        sizes = (self.num_values, *UNITS)
        self.hidden = [dense(units, None, first + i) for i, units in enumerate(UNITS)]
        self.normalisations = [keras.layers.BatchNormalization() for _ in UNITS]
        for size, units, layer, normalisation in zip(sizes, UNITS, self.hidden, self.normalisations, strict=False):
            layer.build((None, size))
            normalisation.build((None, units))
        self.cluster_head = dense(num_components, None, first + 8)
        self.cluster_head.build((None, UNITS[-1]))
        self.generator = stack(NOISE, GENERATOR_UNITS, self.num_values, first + 9, normalise=True)
        parts = (*self.hidden, *self.normalisations, self.cluster_head)
        self.critic_weights = [weight for part in parts for weight in part.trainable_weights]
        self.generator_optimizer = FusedAdam(2e-4, beta_1=0.5)
        self.generator_optimizer.build(self.generator.trainable_weights)
        self.finish(FusedAdam(2e-4, beta_1=0.5), self.critic_weights)

    def log_assignments(self, values: tf.Tensor) -> tf.Tensor:
        """log p(z | y). See `ClusteringMethod.log_assignments`."""
        return tf.nn.log_softmax(self.cluster_head(self.features(values)))

    def embed(self, values: tf.Tensor) -> tf.Tensor:
        """The last layer before the softmax, a tensor (B, 250). See `ClusteringMethod.embed`."""
        return self.features(values)

    def features(self, values: tf.Tensor, stream: int | None = None) -> tf.Tensor:
        """The last layer of the discriminator before its softmax.

        Args:
            values: tensor (B, F).
            stream: integer, the first stream of the noise in training; None, the default, is without noise, and
                batch normalisation goes by its running averages.

        Returns:
            Tensor (B, 250).
        """
        features = values
        for depth, (layer, normalisation) in enumerate(zip(self.hidden, self.normalisations, strict=True)):
            if stream is not None:
                scale = INPUT_NOISE if depth == 0 else HIDDEN_NOISE
                features += scale * self.noise(tf.shape(features), stream + depth)
            features = tf.nn.leaky_relu(normalisation(layer(features), training=stream is not None), 0.1)
        return features

    def generate(self, size: tf.Tensor, stream: int) -> tf.Tensor:
        """Examples of the generator in training.

        Args:
            size: integer, number of examples.
            stream: integer, stream of the noise.

        Returns:
            Tensor (size, F).
        """
        made = self.generator(self.noise((size, NOISE), stream), training=True)
        return self.likelihood.mean(made)

    def step(self, values: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """A step of the discriminator, and one of the generator. See `ClusteringMethod.step`."""
        size, generated = tf.shape(values)[0], self.generate(tf.shape(values)[0], 100)

        def noisy(examples, stream):
            return tf.nn.log_softmax(self.cluster_head(self.features(examples, stream)))

        def discrimination():
            real, fake = (noisy(each, 20 * i) for i, each in enumerate((values, generated)))
            certainty, evenness = entropies(real)
            return certainty - evenness - entropies(fake)[0], (certainty, evenness)

        def generation():
            certainty, evenness = entropies(noisy(self.generate(size, 101), 40))
            return certainty - evenness, ()

        loss, (certainty, evenness) = replicas.take_step(self.optimizer, self.critic_weights, discrimination)
        generator_loss, _ = replicas.take_step(
            self.generator_optimizer, self.generator.trainable_weights, generation
        )
        return loss, generator_loss, certainty, evenness


def entropies(log_assignments: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Of a batch: the mean entropy, and the entropy of the mean.

    Args:
        log_assignments: tensor (B, K).

    Returns:
        Pair of scalar tensors, nats, from 0 to log K; the second is never below the first.
    """
    each = -tf.reduce_sum(tf.exp(log_assignments) * log_assignments, axis=-1)
    mean = tf.reduce_mean(tf.exp(log_assignments), axis=0)
    return tf.reduce_mean(each), -tf.reduce_sum(tf.math.xlogy(mean, mean))
