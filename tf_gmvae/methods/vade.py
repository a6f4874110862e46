"""Variational Deep Embedding."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from tf_gmvae import data, gaussians, objective
from tf_gmvae.errors import InputError
from tf_gmvae.evaluation import mixtures
from tf_gmvae.methods.networks import HIDDEN, LATENT, dense
from tf_gmvae.methods.pretrained import PretrainedMethod
from tf_gmvae.model import replicas
from tf_gmvae.optimizer import FusedAdam

LEARNING_RATE = 0.002


@keras.saving.register_keras_serializable(package="tf_gmvae")
class VaDE(PretrainedMethod):
    """Variational Deep Embedding (Jiang et al., arXiv 1611.05148): a VAE whose prior is a mixture of Gaussians.

    Unlike in the GMVAE, the components are weights and do not move with a style w:

        z ~ Categorical(pi), x | z ~ N(mu_z, diag sigma^2_z), y | x as in the GMVAE
        ELBO = E[log p(y | x)] - sum_k g_k KL(q(x | y) || N(mu_k, sigma^2_k)) - sum_k g_k log(g_k / pi_k)
        g_k = p(z = k | x) at a sample x of q(x | y), by Bayes' rule

    Of the paper: networks F-500-500-2000-10 and back, batches of 100, Adam at 0.002, times 0.9 every 10 epochs;
    one sample; the encoder, the decoder and the mixture begin from DEC's pretraining and a mixture fitted to its
    codes. Ours: a shorter pretraining, see `autoencoder`; 40 epochs where the paper has 300; the variances of q(x
    | y) begin at 1, of which the paper says nothing.

    Args:
        data_shape: tuple, shape of one example.
        num_components: K, clusters. Default 10.
        seed: integer, seed of weights, noise and the order of the data. Default 0.
        pretraining_epochs: integer, epochs of the pretraining, see `autoencoder.pretrain`. Default 40.
        **kwargs: of `keras.Model`.

    Raises:
        InputError: if an argument is out of its range.
    """

    TITLE = "Variational Deep Embedding"
    EPOCHS = 40
    BATCH_SIZE = 100
    LOGGED = ("loss", "reconstruction", "x_prior", "z_prior")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.log_var_head = dense(LATENT, None, 10 * self.seed + 2)
        self.log_var_head.kernel_initializer = "zeros"
        self.log_var_head.build((None, HIDDEN[-1]))
        self.decoder = self.new_decoder()
        self.logits = self.add_weight(shape=(self.num_components,), initializer="zeros", name="logits")
        self.means = self.add_weight(shape=(self.num_components, LATENT), initializer="zeros", name="means")
        self.log_vars = self.add_weight(shape=(self.num_components, LATENT), initializer="zeros", name="log_vars")
        # What the schedule set last, which callbacks of the caller may have lowered since; None is unknown.
        self.scheduled_rate: float | None = LEARNING_RATE
        self.finish(FusedAdam(LEARNING_RATE), self.trainable_weights)

    def checked(self, examples: ArrayLike | data.Split) -> data.Split:
        """See `ClusteringMethod.checked`; the mixture that it begins with needs two examples."""
        split = super().checked(examples)
        if split.num_examples < 2 and not self.is_prepared.numpy():
            raise InputError(
                "VaDE begins with a mixture, which needs two examples at least: give more. Received: 1."
            )
        return split

    def prepare(self, examples: np.ndarray, verbose: Any = "auto") -> None:
        """Pretrains encoder and decoder, and fits the mixture. See `ClusteringMethod.prepare`."""
        codes = self.pretrained_codes(self.decoder, examples, verbose)
        mixture = mixtures.gaussians(codes, self.num_components, self.seed, num_starts=5, covariance="diag")
        self.logits.assign(np.log(mixture.weights_))
        self.means.assign(mixture.means_)
        self.log_vars.assign(np.log(mixture.covariances_))
        super().prepare(examples, verbose)

    def encode(self, values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """q(x | y).

        Args:
            values: tensor (B, F).

        Returns:
            Pair of tensors (B, 10), mean and log-variance.
        """
        features = values
        for layer in self.encoder.layers[:-1]:
            features = layer(features)
        return self.encoder.layers[-1](features), self.log_var_head(features)

    def log_assignments(self, values: tf.Tensor) -> tf.Tensor:
        """log p(z | x) at the mean of q(x | y). See `ClusteringMethod.log_assignments`."""
        return log_posterior(self.encode(values)[0], self.logits, self.means, self.log_vars)

    def embed(self, values: tf.Tensor) -> tf.Tensor:
        """Mean of q(x | y), a tensor (B, 10). See `ClusteringMethod.embed`."""
        return self.encode(values)[0]

    def own_callbacks(self, split: data.Split, initial_epoch: int) -> list[keras.callbacks.Callback]:
        """The schedule of the learning rate. See `ClusteringMethod.own_callbacks`."""
        return [_FallingRate()]

    def save_own_variables(self, store: Any) -> None:
        """See `keras.Layer.save_own_variables`; the rate of the schedule goes along."""
        super().save_own_variables(store)
        if self.scheduled_rate is not None:
            store["scheduled_rate"] = np.array(self.scheduled_rate)

    def load_own_variables(self, store: Any) -> None:
        """See `keras.Layer.load_own_variables`; files of earlier versions have no rate of a schedule."""
        kept = {key: store[key] for key in store.keys()}  # noqa: SIM118 (Keras' stores are no dicts)
        rate = kept.pop("scheduled_rate", None)
        self.scheduled_rate = None if rate is None else float(np.array(rate))
        super().load_own_variables(kept)

    def step(self, values: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """One step on the negative ELBO. See `ClusteringMethod.step`."""

        def loss_and_rest():
            mean, log_var = self.encode(values)
            x = mean + tf.exp(0.5 * log_var) * self.noise(tf.shape(mean), 0)
            reconstruction = -self.reconstruction_loss(values, self.decoder(x))
            log_post = log_posterior(x, self.logits, self.means, self.log_vars)
            terms = prior_terms(log_post, (mean, log_var), self.logits, self.means, self.log_vars)
            means = [tf.reduce_mean(term) for term in (reconstruction, *terms)]
            return means[1] + means[2] - means[0], means

        loss, terms = replicas.take_step(self.optimizer, self.trainable_weights, loss_and_rest)
        return (loss, *terms)


def log_posterior(x: tf.Tensor, logits: tf.Tensor, means: tf.Tensor, log_vars: tf.Tensor) -> tf.Tensor:
    """log p(z | x) by Bayes' rule.

    Args:
        x: tensor (B, D).
        logits: tensor (K,), log pi but for a constant.
        means: tensor (K, D).
        log_vars: tensor (K, D).

    Returns:
        Tensor (B, K), nats.
    """
    return tf.nn.log_softmax(tf.nn.log_softmax(logits) + objective.component_log_densities(x, means, log_vars))


def prior_terms(
    log_post: tf.Tensor,
    q_x: tuple[tf.Tensor, tf.Tensor],
    logits: tf.Tensor,
    means: tf.Tensor,
    log_vars: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """The two terms of the bound that are to be subtracted.

    Args:
        log_post: tensor (B, K), log g.
        q_x: pair of tensors (B, D), mean and log-variance of q(x | y).
        logits: tensor (K,).
        means: tensor (K, D).
        log_vars: tensor (K, D).

    Returns:
        Pair of tensors (B,), nats: sum_k g_k KL(q(x | y) || N(mu_k, sigma^2_k)), and sum_k g_k log(g_k / pi_k).
    """
    share = tf.exp(log_post)
    divergences = gaussians.gaussian_kl(q_x[0][:, None], q_x[1][:, None], means, log_vars)
    x_prior = tf.reduce_sum(share * divergences, axis=-1)
    return x_prior, tf.reduce_sum(share * (log_post - tf.nn.log_softmax(logits)), axis=-1)


class _FallingRate(keras.callbacks.Callback):
    """Multiplies the learning rate by 0.9 every 10 epochs; what other callbacks have made of it stays."""

    def on_epoch_begin(self, epoch, logs=None):
        """The rate of the epoch."""
        due, rate = LEARNING_RATE * 0.9 ** (epoch // 10), self.model.optimizer.learning_rate
        # A ratio, which is exactly 1 where nobody else has changed the rate.
        before = self.model.scheduled_rate
        changed = 1.0 if before is None else float(rate) / float(np.float32(before))
        rate.assign(changed * due)
        self.model.scheduled_rate = due

    def on_epoch_end(self, epoch, logs=None):
        """Tells it to the history, as Keras' own schedules do."""
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
