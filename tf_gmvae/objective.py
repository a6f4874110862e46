"""The objective of the GMVAE as pure functions of tensors (Eq. 3 to 7 of arXiv 1611.02648).

No layer, no model, no state. All densities and divergences are in nats and summed over dimensions; nothing is
averaged over the batch here. Leading axes broadcast, so M samples and K components are axes of one computation,
never loops. What is normalised over components stays in log space: at D = 200 densities underflow float32.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from keras import ops

from tf_gmvae.gaussians import gaussian_kl, gaussian_log_density, standard_normal_kl

if TYPE_CHECKING:
    import tensorflow as tf


class ElboTerms(NamedTuple):
    """The four terms of Eq. 4, for each example, in nats. The three KL terms are to be subtracted.

    Attributes:
        reconstruction: (B,), E_q[log p(y | x)].
        conditional_prior: (B,), E[KL(q(x | y) || p(x | w, z))].
        w_prior: (B,), KL(q(w | y) || N(0, I)).
        z_prior: (B,), E[KL(p(z | x, w) || p(z))], between 0 and log K where p(z) is uniform.
    """

    reconstruction: Any
    conditional_prior: Any
    w_prior: Any
    z_prior: Any

    @property
    def elbo(self) -> Any:  # tensors, arrays or numbers, as the terms are
        """The evidence lower bound of Eq. 4, (B,), nats; higher is better."""
        return self.reconstruction - self.conditional_prior - self.w_prior - self.z_prior


def component_log_densities(x: tf.Tensor, means: tf.Tensor, log_vars: tf.Tensor) -> tf.Tensor:
    """log N(x | mu_k(w), sigma^2_k(w)) for every component k (Eq. 1c).

    Args:
        x: tensor (..., D).
        means: tensor (..., K, D), of the same leading axes.
        log_vars: tensor (..., K, D).

    Returns:
        Tensor (..., K), nats.
    """
    return gaussian_log_density(ops.expand_dims(x, -2), means, log_vars)


def log_responsibilities(
    x: tf.Tensor, means: tf.Tensor, log_vars: tf.Tensor, log_weights: tf.Tensor | None = None
) -> tf.Tensor:
    """log p(z | x, w), the exact posterior over components (Eq. 3).

    Args:
        x: tensor (..., D).
        means: tensor (..., K, D), of the same leading axes.
        log_vars: tensor (..., K, D).
        log_weights: tensor (K,), log p(z). Default None, uniform.

    Returns:
        Tensor (..., K), nats; `exp` of it sums to one over the last axis.

    Example:
        >>> log_resp = tf_gmvae.objective.log_responsibilities(np.zeros(2), np.zeros((4, 2)), np.zeros((4, 2)))
        >>> np.exp(log_resp).tolist()
        [0.25, 0.25, 0.25, 0.25]
    """
    log_densities = component_log_densities(x, means, log_vars)
    return ops.log_softmax(log_densities if log_weights is None else log_densities + log_weights, axis=-1)


def mixture_log_density(
    x: tf.Tensor, means: tf.Tensor, log_vars: tf.Tensor, log_weights: tf.Tensor | None = None
) -> tf.Tensor:
    """log p(x | w) = log sum_k p(z_k) N(x | mu_k(w), sigma^2_k(w)): z summed out exactly.

    Args:
        x: tensor (..., D).
        means: tensor (..., K, D), of the same leading axes.
        log_vars: tensor (..., K, D).
        log_weights: tensor (K,), log p(z). Default None, uniform.

    Returns:
        Tensor (...), nats.
    """
    log_densities = component_log_densities(x, means, log_vars)
    if log_weights is None:
        return ops.logsumexp(log_densities, axis=-1) - math.log(means.shape[-2])
    return ops.logsumexp(log_densities + log_weights, axis=-1)


def conditional_prior(
    log_resp: tf.Tensor, q_mean: tf.Tensor, q_log_var: tf.Tensor, means: tf.Tensor, log_vars: tf.Tensor
) -> tf.Tensor:
    """The conditional prior term by Eq. 5: z is summed over, never sampled.

    1/M sum_j sum_k p(z_k | x_j, w_j) KL(q(x | y) || p(x | w_j, z_k)). The responsibilities of sample j
    weigh the divergences of the same sample j.

    Args:
        log_resp: tensor (M, B, K), from `log_responsibilities`.
        q_mean: tensor (B, D), mean of q(x | y).
        q_log_var: tensor (B, D).
        means: tensor (M, B, K, D).
        log_vars: tensor (M, B, K, D).

    Returns:
        Tensor (B,), nats, >= 0.
    """
    return _weighted_kl(ops.exp(log_resp), q_mean, q_log_var, means, log_vars)


def _weighted_kl(responsibilities, q_mean, q_log_var, means, log_vars):
    """Those of every sample, (M, B, K), or the same for all, (B, K)."""
    q_mean, q_log_var = (ops.expand_dims(q, (0, 2)) for q in (q_mean, q_log_var))
    divergences = gaussian_kl(q_mean, q_log_var, means, log_vars)
    return ops.mean(ops.sum(responsibilities * divergences, axis=-1), axis=0)


def z_prior(log_resp: tf.Tensor, log_weights: tf.Tensor | None = None) -> tf.Tensor:
    """The z-prior term by Eq. 6: 1/M sum_j KL(p(z | x_j, w_j) || p(z)).

    Args:
        log_resp: tensor (M, B, K), from `log_responsibilities`.
        log_weights: tensor (K,), log p(z). Default None, uniform.

    Returns:
        Tensor (B,), nats, between 0 and - log min_k p(z_k), which is log K where p(z) is uniform.
    """
    if log_weights is None:
        negative_entropy = ops.sum(ops.exp(log_resp) * log_resp, axis=-1)
        return ops.mean(negative_entropy, axis=0) + math.log(log_resp.shape[-1])
    return ops.mean(ops.sum(ops.exp(log_resp) * (log_resp - log_weights), axis=-1), axis=0)


def elbo_terms(
    log_likelihood: tf.Tensor,
    x: tf.Tensor,
    q_x: tuple[tf.Tensor, tf.Tensor],
    q_w: tuple[tf.Tensor, tf.Tensor],
    means: tf.Tensor,
    log_vars: tf.Tensor,
    log_weights: tf.Tensor | None = None,
) -> ElboTerms:
    """All four terms of Eq. 4 from M samples.

    Args:
        log_likelihood: tensor (M, B), log p(y | x_j).
        x: tensor (M, B, D), samples of q(x | y).
        q_x: pair (mean, log_var) of q(x | y), each (B, D).
        q_w: pair (mean, log_var) of q(w | y), each (B, W).
        means: tensor (M, B, K, D), component means at the M samples of w.
        log_vars: tensor (M, B, K, D).
        log_weights: tensor (K,), log p(z). Default None, uniform.

    Returns:
        `ElboTerms` of tensors (B,), nats.
    """
    log_resp = log_responsibilities(x, means, log_vars, log_weights)
    return _terms(log_resp, log_likelihood, q_x, q_w, means, log_vars, log_weights)


def _terms(log_resp, log_likelihood, q_x, q_w, means, log_vars, log_weights):
    return ElboTerms(
        reconstruction=ops.mean(log_likelihood, axis=0),
        conditional_prior=conditional_prior(log_resp, q_x[0], q_x[1], means, log_vars),
        w_prior=standard_normal_kl(*q_w),
        z_prior=z_prior(log_resp, log_weights),
    )


def held_terms(
    responsibilities: tf.Tensor,
    log_likelihood: tf.Tensor,
    x: tf.Tensor,
    q_x: tuple[tf.Tensor, tf.Tensor],
    q_w: tuple[tf.Tensor, tf.Tensor],
    means: tf.Tensor,
    log_vars: tf.Tensor,
    log_weights: tf.Tensor | None = None,
) -> tuple[ElboTerms, tf.Tensor]:
    """The terms of Eq. 4, and beside them the `cross_entropy` of p(z | x, w) to given components; not the paper's.

    Args:
        responsibilities: tensor (B, K), a_k, rows sum to one.
        log_likelihood: as in `elbo_terms`, as are all that follow.
        x: tensor (M, B, D).
        q_x: pair of tensors (B, D).
        q_w: pair of tensors (B, W).
        means: tensor (M, B, K, D).
        log_vars: tensor (M, B, K, D).
        log_weights: tensor (K,). Default None, uniform.

    Returns:
        Pair of `ElboTerms` of tensors (B,), nats, and of the cross-entropy (B,), nats.
    """
    log_resp = log_responsibilities(x, means, log_vars, log_weights)
    terms = _terms(log_resp, log_likelihood, q_x, q_w, means, log_vars, log_weights)
    return terms, cross_entropy(responsibilities, log_resp)


def plain_vae_terms(log_likelihood: tf.Tensor, q_x: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """Reconstruction and divergence of a VAE with a standard normal prior on x: no mixture, no w.

    Args:
        log_likelihood: tensor (M, B), log p(y | x_j).
        q_x: pair (mean, log_var) of q(x | y), each (B, D).

    Returns:
        Pair of tensors (B,), nats; the ELBO of that VAE is the first less the second.
    """
    return ops.mean(log_likelihood, axis=0), standard_normal_kl(*q_x)


def guided_terms(
    responsibilities: tf.Tensor,
    log_likelihood: tf.Tensor,
    x: tf.Tensor,
    q_x: tuple[tf.Tensor, tf.Tensor],
    q_w: tuple[tf.Tensor, tf.Tensor],
    means: tf.Tensor,
    log_vars: tf.Tensor,
    log_weights: tf.Tensor | None = None,
) -> tuple[ElboTerms, tf.Tensor]:
    """The terms of Eq. 4 where the component of every example is (softly) given; not the paper's, used to start.

    Args:
        responsibilities: tensor (B, K), a_k, rows sum to one: take the place of p(z | x, w) in the
            conditional prior.
        log_likelihood: as in `elbo_terms`, as are all that follow.
        x: tensor (M, B, D).
        q_x: pair of tensors (B, D).
        q_w: pair of tensors (B, W).
        means: tensor (M, B, K, D).
        log_vars: tensor (M, B, K, D).
        log_weights: tensor (K,). Default None, uniform.

    Returns:
        Pair of `ElboTerms` of tensors (B,), nats, whose z_prior is that of p(z | x, w), and of the guidance (B,),
        the cross-entropy - 1/M sum_j sum_k a_k log p(z_k | x_j, w_j).
    """
    terms, guidance = held_terms(responsibilities, log_likelihood, x, q_x, q_w, means, log_vars, log_weights)
    conditional = _weighted_kl(responsibilities, *q_x, means, log_vars)
    return terms._replace(conditional_prior=conditional), guidance


def cross_entropy(responsibilities: tf.Tensor, log_resp: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of p(z | x, w) to given responsibilities; not the paper's.

    Args:
        responsibilities: tensor (B, K), a_k, rows sum to one.
        log_resp: tensor (M, B, K), from `log_responsibilities`.

    Returns:
        Tensor (B,), nats: - 1/M sum_j sum_k a_k log p(z_k | x_j, w_j).
    """
    return -ops.mean(ops.sum(responsibilities * log_resp, axis=-1), axis=0)


def training_loss(batch_means: ElboTerms, min_information: float | tf.Variable) -> tf.Tensor:
    """What training minimises: the negative ELBO under the minimum information constraint (Eq. 7).

    The z-prior term enters as max(lambda, its batch mean): below lambda it is a constant without
    gradient, so that clusters can spread; above, it merges what overlaps. lambda = 0 is the plain -ELBO.

    Args:
        batch_means: `ElboTerms` of scalars, each the mean of a term over the batch.
        min_information: lambda, nats, >= 0.

    Returns:
        Scalar tensor, nats.
    """
    z_term = ops.maximum(batch_means.z_prior, min_information)
    return z_term + batch_means.w_prior + batch_means.conditional_prior - batch_means.reconstruction


def importance_weighted_bound(log_weights: tf.Tensor) -> tf.Tensor:
    """log 1/S sum_s exp(log_weights_s), the importance-weighted bound on log p(y).

    Args:
        log_weights: tensor (S, B), log p(y, x_s, w_s) - log q(x_s, w_s | y).

    Returns:
        Tensor (B,), nats; from below it nears log p(y) as S grows.
    """
    return ops.logsumexp(log_weights, axis=0) - math.log(log_weights.shape[0])
