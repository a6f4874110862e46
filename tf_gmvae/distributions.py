"""The model's distributions as TensorFlow Probability objects, from their parameters.

TensorFlow Probability is imported when the first one is made: training never needs it.
"""

from types import ModuleType
from typing import Any, NamedTuple

import tensorflow as tf

from tf_gmvae import objective


class Distributions(NamedTuple):
    """Distributions at a batch of B examples, each of batch shape (B,).

    Attributes:
        q_x: q(x | y), event (D,).
        q_w: q(w | y), event (W,).
        p_z: p(z | x, w) at the means of q_x and q_w, a Categorical over K.
        p_x: p(x | w) at the mean of q_w, z summed out, event (D,).
        p_y: p(y | x) at the mean of q_x, event shaped as an example.
    """

    q_x: Any
    q_w: Any
    p_z: Any
    p_x: Any
    p_y: Any


def tfd() -> ModuleType:
    """The module `tensorflow_probability.distributions`, which takes more than a second to import."""
    from tensorflow_probability import distributions

    return distributions


def tfb() -> ModuleType:
    """The module `tensorflow_probability.bijectors`, likewise."""
    from tensorflow_probability import bijectors

    return bijectors


def diagonal_gaussian(mean: tf.Tensor, log_var: tf.Tensor) -> Any:
    """N(mean, diag exp(log_var)).

    Args:
        mean: tensor (..., D).
        log_var: tensor (..., D).

    Returns:
        `tfp.distributions.MultivariateNormalDiag` of event (D,).
    """
    return tfd().MultivariateNormalDiag(mean, tf.exp(0.5 * log_var))


def gaussian_mixture(means: tf.Tensor, log_vars: tf.Tensor, log_weights: tf.Tensor | None = None) -> Any:
    """p(x | w), the mixture of K diagonal Gaussians (Eq. 1b, 1c).

    Args:
        means: tensor (..., K, D).
        log_vars: tensor (..., K, D).
        log_weights: tensor (K,), log p(z), nats. Default None, uniform.

    Returns:
        `tfp.distributions.MixtureSameFamily` of event (D,).
    """
    logits = tf.zeros(tf.shape(means)[:-1], means.dtype)
    weights = tfd().Categorical(logits=logits if log_weights is None else logits + log_weights)
    return tfd().MixtureSameFamily(weights, diagonal_gaussian(means, log_vars))


def component_posterior(
    x: tf.Tensor, means: tf.Tensor, log_vars: tf.Tensor, log_weights: tf.Tensor | None = None
) -> Any:
    """p(z | x, w) (Eq. 3).

    Args:
        x: tensor (..., D).
        means: tensor (..., K, D).
        log_vars: tensor (..., K, D).
        log_weights: tensor (K,), log p(z), nats. Default None, uniform.

    Returns:
        `tfp.distributions.Categorical` over K.
    """
    return tfd().Categorical(logits=objective.log_responsibilities(x, means, log_vars, log_weights))
