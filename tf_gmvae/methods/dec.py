"""Deep Embedded Clustering."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae import data
from tf_gmvae.evaluation import mixtures
from tf_gmvae.methods.networks import LATENT
from tf_gmvae.methods.pretrained import PretrainedMethod
from tf_gmvae.model import replicas
from tf_gmvae.optimizer import steps_taken

# Steps from one look at all examples to the next, and the share of them that may still change their cluster where
# training ends.
INTERVAL = 140
TOLERANCE = 1e-3


@keras.saving.register_keras_serializable(package="tf_gmvae")
class DEC(PretrainedMethod):
    """Deep Embedded Clustering (Xie, Girshick, Farhadi, arXiv 1511.06335).

    An encoder f is pretrained as a stack of denoising autoencoders, k-means on its codes gives K centres mu_j, and
    both learn to sharpen the assignments

        q_ij = (1 + |f(y_i) - mu_j|^2)^-1 / sum_k (1 + |f(y_i) - mu_k|^2)^-1    (Eq. 1, alpha = 1)
        p_ij = (q_ij^2 / sum_i q_ij) / sum_k (q_ik^2 / sum_i q_ik)              (Eq. 3, sums over all examples)
        loss = 1/B sum_i sum_j p_ij log(p_ij / q_ij)                            (Eq. 2)

    The targets p are found from all training examples, every 140 steps; training ends where fewer than 0.1 % of
    the examples change their cluster from one look to the next.

    Of the paper: networks F-500-500-2000-10, batches of 256, 20 starts of k-means, stochastic gradient descent at
    0.01. Its momentum of 0.9 is that of the authors' code. Ours: a shorter pretraining, by Adam, see
    `autoencoder`.

    Args:
        data_shape: tuple, shape of one example.
        num_components: K, clusters. Default 10.
        seed: integer, seed of weights, noise and the order of the data. Default 0.
        pretraining_epochs: integer, epochs of the pretraining, see `autoencoder.pretrain`. Default 40.
        **kwargs: of `keras.Model`.

    Raises:
        InputError: if an argument is out of its range.
    """

    TITLE = "Deep Embedded Clustering"
    EPOCHS = 60
    BATCH_SIZE = 256

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.centres = self.add_weight(shape=(self.num_components, LATENT), initializer="zeros", name="centres")
        self.settled = self.add_weight(shape=(), dtype="bool", trainable=False, initializer="zeros")
        # Of as many examples as `fit` is given: p, and the clusters at the last look.
        self.targets = tf.Variable(tf.zeros((1, self.num_components)), False, shape=(None, self.num_components))
        self.clusters = np.zeros(1, "int64")
        self.finish(keras.optimizers.SGD(0.01, momentum=0.9), self.trained)

    @property
    def trained(self) -> list[keras.Variable]:
        """Variables that the objective trains."""
        return [*self.encoder.trainable_weights, self.centres]

    def prepare(self, examples: np.ndarray, verbose: Any = "auto") -> None:
        """Pretrains the encoder, and finds the centres by k-means. See `ClusteringMethod.prepare`."""
        codes = self.pretrained_codes(self.new_decoder(), examples, verbose)
        found = mixtures.kmeans(codes, self.num_components, self.seed, num_starts=20)
        self.centres.assign(found.cluster_centers_)
        super().prepare(examples, verbose)

    @property
    def has_ended(self) -> bool:
        """Whether clusters have settled. See `ClusteringMethod.has_ended`."""
        return bool(self.settled.numpy())

    def embed(self, values: tf.Tensor) -> tf.Tensor:
        """f(y), a tensor (B, 10). See `ClusteringMethod.embed`."""
        return self.encoder(values)

    def log_assignments(self, values: tf.Tensor) -> tf.Tensor:
        """log q (Eq. 1). See `ClusteringMethod.log_assignments`."""
        return log_student(self.encoder(values), self.centres)

    def save_own_variables(self, store: Any) -> None:
        """See `keras.Layer.save_own_variables`; what the last look has found goes along."""
        super().save_own_variables(store)
        store["targets"], store["clusters"] = self.targets.numpy(), self.clusters

    def load_own_variables(self, store: Any) -> None:
        """See `keras.Layer.load_own_variables`."""
        self.targets.assign(store["targets"])
        self.clusters = np.array(store["clusters"])
        super().load_own_variables({key: store[key] for key in store.keys() - {"targets", "clusters"}})

    def own_callbacks(self, split: data.Split, initial_epoch: int) -> list[keras.callbacks.Callback]:
        """The one that keeps the targets. See `ClusteringMethod.own_callbacks`."""
        return [_Targets(split, goes_on=initial_epoch > 0)]

    def step(self, values: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """One step towards the targets. See `ClusteringMethod.step`."""
        targets = tf.gather(self.targets, rows)
        return replicas.take_step(
            self.optimizer,
            self.trained,
            lambda: (tf.reduce_mean(divergence(targets, self.log_assignments(values))), ()),
        )[:1]


def log_student(codes: tf.Tensor, centres: tf.Tensor) -> tf.Tensor:
    """log q of Eq. 1.

    Args:
        codes: tensor (B, D).
        centres: tensor (K, D).

    Returns:
        Tensor (B, K).
    """
    distances = tf.reduce_sum(tf.square(codes[:, None] - centres), axis=-1)
    return tf.nn.log_softmax(-tf.math.log1p(distances))


def targets(assignments: np.ndarray) -> np.ndarray:
    """p of Eq. 3: assignments sharpened, and evened out over the clusters.

    Args:
        assignments: array (N, K), q of all examples.

    Returns:
        Array (N, K), rows sum to one.
    """
    weighted = np.square(assignments) / assignments.sum(axis=0)
    return weighted / weighted.sum(axis=1, keepdims=True)


def divergence(targets: tf.Tensor, log_assignments: tf.Tensor) -> tf.Tensor:
    """KL(p || q) of every example (Eq. 2).

    Args:
        targets: tensor (B, K), p.
        log_assignments: tensor (B, K), log q.

    Returns:
        Tensor (B,), nats.
    """
    return tf.reduce_sum(tf.math.xlogy(targets, targets) - targets * log_assignments, axis=-1)


class _Targets(keras.callbacks.Callback):
    """Finds the targets of all examples anew every `INTERVAL` steps, and says when nothing changes any more."""

    def __init__(self, split: data.Split, goes_on: bool) -> None:
        super().__init__()
        self.split, self.goes_on = split, goes_on

    def on_train_begin(self, logs=None):
        """The first targets, unless training goes on with those that it had."""
        if not (self.goes_on and len(self.model.clusters) == self.split.num_examples):
            self._look()

    def on_train_batch_end(self, batch, logs=None):
        """Others, if they are due."""
        if steps_taken(self.model.optimizer) % INTERVAL == 0:
            before = self.model.clusters
            self._look()
            if np.mean(before != self.model.clusters) < TOLERANCE:
                self.model.settled.assign(True)
                self.model.stop_training = True

    def _look(self):
        assignments = np.exp(self.model.examine(self.split.examples)[0].astype("float64"))
        self.model.clusters = assignments.argmax(axis=1)
        self.model.targets.assign(targets(assignments))
