"""The two trainings before the paper's own: as a plain VAE, and with the component of every example given.

Both are Keras models around a `GMVAE` and train its weights with an optimizer of their own, from one sample an
example.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_gmvae import inputs, objective
from tf_gmvae.callbacks.non_finite import StopOnNonFinite
from tf_gmvae.model import replicas
from tf_gmvae.optimizer import FusedAdam
from tf_gmvae.start.descriptors import is_image

# Nats on the cross-entropy of p(z | x, w) to the given components, and up to how many values of an example.
GUIDANCE, _VALUES = 20.0, 28 * 28


def guidance_for(data_shape: tuple[int, ...]) -> float:
    """Weight of given components beside a reconstruction that grows with what is to be reconstructed.

    Without it, networks of large pictures would hardly hear of them.

    Args:
        data_shape: tuple, shape of an example.

    Returns:
        Nats, a float: 20, and of more than 28 x 28 values more, in proportion.
    """
    return GUIDANCE * max(1.0, math.prod(data_shape) / _VALUES)


def labels_are_hard(data_shape: tuple[int, ...]) -> bool:
    """Whether networks learn the labels of a start only in part, as those of large pictures.

    Training then goes on learning the labels: of SVHN, where the networks agree with seven in eight of them after
    the start, it so adds three points to it, and hardly any if it holds on to what they have learned.

    Args:
        data_shape: tuple, shape of an example.

    Returns:
        True of pictures of more than 28 x 28 values.
    """
    return is_image(data_shape) and math.prod(data_shape) > _VALUES


class _Stage(replicas.KeepsOrder, keras.Model):
    """Training of a GMVAE by another loss, on its replicas and at its precision; logs the means of some terms."""

    def __init__(self, gmvae: keras.Model, names: tuple[str, ...], learning_rate: Any) -> None:
        # Keras takes the strategy from the scope, and whether losses are scaled from the policy.
        with gmvae.distribute_strategy.scope():
            super().__init__(name=type(self).__name__.lower(), dtype=gmvae.dtype_policy)
            self.gmvae = gmvae
            self.autocast = False
            self.trackers = [replicas.running_mean(name) for name in ("loss", *names)]
            self.compile(
                FusedAdam(learning_rate, epsilon=1e-8),
                jit_compile=gmvae.jit_compile,
                run_eagerly=gmvae.run_eagerly,
            )
            self.optimizer.build(self.weights_to_train())
            self.built = True  # it has no weights of its own

    def fit(
        self, *args: Any, callbacks: Sequence[keras.callbacks.Callback] = (), **kwargs: Any
    ) -> keras.callbacks.History:
        """See `keras.Model.fit`; training stops by itself at the first loss that is not finite."""
        with inputs.readable_errors():
            return super().fit(*args, callbacks=[StopOnNonFinite(), *callbacks], **kwargs)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One step of the optimizer on `loss_and_terms`."""
        loss, terms = replicas.take_step(
            self.optimizer, self.weights_to_train(), lambda: self.loss_and_terms(data)
        )
        for tracker, value in zip(self.trackers, (loss, *terms), strict=True):
            tracker.update_state(value)
        return {tracker.name: tracker.result() for tracker in self.trackers}

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Running means."""
        return self.trackers


class Pretraining(_Stage):
    """As a VAE with a standard normal prior on x; encoder, head of x and decoder learn.

    Args:
        gmvae: compiled `GMVAE`.
        learning_rate: Adam's. Default 0.001.
        beta: weight of the divergence from the prior; below 1, more dimensions of x come into use. Default 1.
    """

    def __init__(self, gmvae: keras.Model, learning_rate: float = 1e-3, beta: float = 1.0) -> None:
        self.beta = beta
        super().__init__(gmvae, ("reconstruction", "x_prior"), learning_rate)

    def weights_to_train(self) -> list[keras.Variable]:
        """Variables."""
        parts = (self.gmvae.encoder, self.gmvae.x_head, self.gmvae.decoder)
        return [weight for part in parts for weight in part.trainable_weights]

    def loss_and_terms(self, data: Any) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        """Loss and logged terms of a batch of examples."""
        model, examples = self.gmvae, self.gmvae.examples(data)
        encoding = model.encode(examples, training=True)
        x = model.sampler(encoding.x_mean, encoding.x_log_var, num_samples=1)
        log_likelihood = model.likelihood.log_prob(examples, model.decode(x, training=True))
        terms = replicas.batch_means(objective.plain_vae_terms(log_likelihood, tuple(encoding[:2])))
        return self.beta * terms[1] - terms[0], terms


class GuidedTraining(_Stage):
    """By the paper's objective at given components, and a cross-entropy to them; all weights learn.

    Args:
        gmvae: compiled `GMVAE`.
        learning_rate: Adam's, a float or a schedule. Default 0.001.
        guidance: weight of the cross-entropy, nats. Default 20.
        view: layer or function of a batch to a slightly changed one, which the model sees in its stead; None shows
            the examples as they are. Default None.
    """

    def __init__(
        self,
        gmvae: keras.Model,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 1e-3,
        guidance: float = GUIDANCE,
        view: Callable[[tf.Tensor], tf.Tensor] | None = None,
    ) -> None:
        self.guidance = guidance
        super().__init__(gmvae, ("agreement", *objective.ElboTerms._fields), learning_rate)
        self.view = view  # a layer is saved with the stage, and its random state with it

    def weights_to_train(self) -> list[keras.Variable]:
        """Variables."""
        return self.gmvae.trainable_weights

    def loss_and_terms(self, data: Any) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        """Loss and logged terms of a batch of (examples, responsibilities, those of deeper levels, if any)."""
        values, responsibilities, *groups = data
        examples = self.gmvae.examples(values)
        if self.view is not None:
            examples = self.view(examples)
        sampled = self.gmvae.sampled(examples, training=True, num_samples=1)
        given = (responsibilities, *groups)
        (terms, _), guidance = self.gmvae.terms_at_given(sampled, given, objective.guided_terms)
        agreement = tf.exp(-guidance[0])
        means, guidance, agreement = replicas.batch_means((terms, tf.add_n(guidance), agreement))
        loss = means.conditional_prior + means.w_prior - means.reconstruction + self.guidance * guidance
        return loss, (agreement, *means)
