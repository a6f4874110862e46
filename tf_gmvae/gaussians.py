"""Densities, divergences and draws of diagonal Gaussians as pure functions of tensors, in nats."""

from __future__ import annotations

import math

import tensorflow as tf
from keras import ops

LOG_TWO_PI = math.log(2.0 * math.pi)


def gaussian_log_density(x: tf.Tensor, mean: tf.Tensor, log_var: tf.Tensor) -> tf.Tensor:
    """Log-density of a diagonal Gaussian.

    Args:
        x: tensor (..., D).
        mean: tensor that broadcasts with `x`.
        log_var: tensor that broadcasts with `x`.

    Returns:
        Tensor (...), nats: -1/2 sum_d (log 2 pi + log_var + (x - mean)^2 / var).
    """
    return -0.5 * ops.sum(LOG_TWO_PI + log_var + ops.square(x - mean) * ops.exp(-log_var), axis=-1)


def gaussian_kl(q_mean: tf.Tensor, q_log_var: tf.Tensor, p_mean: tf.Tensor, p_log_var: tf.Tensor) -> tf.Tensor:
    """KL(q || p) of two diagonal Gaussians.

    Args:
        q_mean: tensor (..., D).
        q_log_var: tensor (..., D).
        p_mean: tensor that broadcasts with `q_mean`.
        p_log_var: tensor that broadcasts with `q_mean`.

    Returns:
        Tensor (...), nats: 1/2 sum_d (log_var_p - log_var_q + (var_q + (mean_q - mean_p)^2) / var_p - 1).

    Example:
        >>> float(tf_gmvae.gaussians.gaussian_kl(np.ones(3), np.zeros(3), np.zeros(3), np.zeros(3)))
        1.5
    """
    # exp of the difference, not a ratio of two exponentials: neither can overflow alone.
    scaled = ops.exp(q_log_var - p_log_var) + ops.square(q_mean - p_mean) * ops.exp(-p_log_var)
    return 0.5 * ops.sum(p_log_var - q_log_var + scaled - 1.0, axis=-1)


def standard_normal_kl(mean: tf.Tensor, log_var: tf.Tensor) -> tf.Tensor:
    """KL(N(mean, exp(log_var)) || N(0, I)), the w-prior term of Eq. 4.

    Args:
        mean: tensor (..., D).
        log_var: tensor (..., D).

    Returns:
        Tensor (...), nats.
    """
    return 0.5 * ops.sum(ops.exp(log_var) + ops.square(mean) - 1.0 - log_var, axis=-1)


def component_sample(component: tf.Tensor, noise: tf.Tensor, means: tf.Tensor, log_vars: tf.Tensor) -> tf.Tensor:
    """A draw from one component of each mixture of diagonal Gaussians: mu_k + sigma_k noise.

    Args:
        component: integer tensor (B,), k of each.
        noise: tensor (B, D), from N(0, I).
        means: tensor (B, K, D).
        log_vars: tensor (B, K, D).

    Returns:
        Tensor (B, D).
    """
    mean, log_var = (tf.gather(part, component, batch_dims=1) for part in (means, log_vars))
    return mean + ops.exp(0.5 * log_var) * noise
