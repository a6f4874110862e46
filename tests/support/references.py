"""The equations of arXiv 1611.02648 as plain loops in float64: what the product is tested against.

Everything is written one number at a time, from the paper, so that no broadcasting or reshape of the product
can be repeated here. Shapes: x (M, B, D), q_x and q_w pairs (B, D) and (B, W), means and log_vars (M, B, K, D).
"""

import math

import numpy as np


def gaussian_log_density(x, mean, log_var):
    """log N(x | mean, diag exp(log_var)) of vectors of length D."""
    total = 0.0
    for d in range(len(x)):
        variance = math.exp(log_var[d])
        total += -0.5 * math.log(2.0 * math.pi * variance) - (x[d] - mean[d]) ** 2 / (2.0 * variance)
    return total


def gaussian_kl(q_mean, q_log_var, p_mean, p_log_var):
    """KL(q || p) of two diagonal Gaussians, vectors of length D."""
    total = 0.0
    for d in range(len(q_mean)):
        q_sd, p_sd = math.exp(0.5 * q_log_var[d]), math.exp(0.5 * p_log_var[d])
        total += math.log(p_sd / q_sd) + (q_sd**2 + (q_mean[d] - p_mean[d]) ** 2) / (2.0 * p_sd**2) - 0.5
    return total


def log_sum_exp(values):
    """log sum exp of a sequence of numbers."""
    largest = max(values)
    return largest + math.log(sum(math.exp(value - largest) for value in values))


def component_log_densities(x, means, log_vars):
    """log N(x | mu_k, sigma_k^2), Eq. 1c, (M, B, K)."""
    samples, batch, components, _ = means.shape
    result = np.zeros((samples, batch, components))
    for j in range(samples):
        for b in range(batch):
            for k in range(components):
                result[j, b, k] = gaussian_log_density(x[j, b], means[j, b, k], log_vars[j, b, k])
    return result


def weights_or_equal(log_weights, components):
    """log pi_k for every k, -log K where none are given."""
    return [math.log(1.0 / components)] * components if log_weights is None else log_weights


def log_responsibilities(x, means, log_vars, log_weights=None):
    """log p(z_k = 1 | x, w), Eq. 3, with pi_k = 1/K unless given, (M, B, K)."""
    samples, batch, components, _ = means.shape
    log_weights = weights_or_equal(log_weights, components)
    densities = component_log_densities(x, means, log_vars)
    result = np.zeros((samples, batch, components))
    for j in range(samples):
        for b in range(batch):
            joint = [log_weights[k] + densities[j, b, k] for k in range(components)]
            evidence = log_sum_exp(joint)
            for k in range(components):
                result[j, b, k] = joint[k] - evidence
    return result


def mixture_log_density(x, means, log_vars, log_weights=None):
    """log sum_k pi_k N(x | mu_k, sigma_k^2), (M, B)."""
    samples, batch, components, _ = means.shape
    log_weights = weights_or_equal(log_weights, components)
    densities = component_log_densities(x, means, log_vars)
    result = np.zeros((samples, batch))
    for j in range(samples):
        for b in range(batch):
            result[j, b] = log_sum_exp([log_weights[k] + densities[j, b, k] for k in range(components)])
    return result


def conditional_prior(log_resp, q_mean, q_log_var, means, log_vars):
    """Eq. 5: 1/M sum_j sum_k p(z_k = 1 | x_j, w_j) KL(q(x | y) || p(x | w_j, z_k = 1)), (B,)."""
    samples, batch, components, _ = means.shape
    result = np.zeros(batch)
    for b in range(batch):
        for j in range(samples):
            for k in range(components):
                divergence = gaussian_kl(q_mean[b], q_log_var[b], means[j, b, k], log_vars[j, b, k])
                result[b] += math.exp(log_resp[j, b, k]) * divergence / samples
    return result


def w_prior(mean, log_var):
    """KL(q(w | y) || N(0, I)), (B,)."""
    result = np.zeros(len(mean))
    for b in range(len(mean)):
        result[b] = gaussian_kl(mean[b], log_var[b], np.zeros(len(mean[b])), np.zeros(len(mean[b])))
    return result


def z_prior(log_resp, log_weights=None):
    """Eq. 6: 1/M sum_j sum_k p(z_k | x_j, w_j) log(p(z_k | x_j, w_j) / pi_k), (B,)."""
    samples, batch, components = log_resp.shape
    log_weights = weights_or_equal(log_weights, components)
    result = np.zeros(batch)
    for b in range(batch):
        for j in range(samples):
            for k in range(components):
                log_ratio = log_resp[j, b, k] - log_weights[k]
                result[b] += math.exp(log_resp[j, b, k]) * log_ratio / samples
    return result


def reconstruction(log_likelihood):
    """1/M sum_j log p(y | x_j), (B,)."""
    samples, batch = log_likelihood.shape
    result = np.zeros(batch)
    for b in range(batch):
        for j in range(samples):
            result[b] += log_likelihood[j, b] / samples
    return result


def elbo_terms(log_likelihood, x, q_x, q_w, means, log_vars, log_weights=None):
    """Eq. 4: (reconstruction, conditional prior, w-prior, z-prior), each (B,)."""
    log_resp = log_responsibilities(x, means, log_vars, log_weights)
    return (
        reconstruction(log_likelihood),
        conditional_prior(log_resp, *q_x, means, log_vars),
        w_prior(*q_w),
        z_prior(log_resp, log_weights),
    )


def training_loss(terms, min_information):
    """-ELBO of terms (B,), averaged over the batch, with Eq. 7 on the batch mean of the z-prior term."""
    means = []
    for term in terms:
        means.append(sum(float(value) for value in term) / len(term))
    log_likelihood, conditional, style, component = means
    return -(log_likelihood - conditional - style - max(min_information, component))


def importance_weighted_bound(log_weights):
    """log 1/S sum_s exp(log_weights[s, b]), (B,)."""
    samples, batch = log_weights.shape
    result = np.zeros(batch)
    for b in range(batch):
        result[b] = log_sum_exp([log_weights[s, b] for s in range(samples)]) - math.log(samples)
    return result


def central_differences(function, value, step=1e-5):
    """Gradient of a scalar `function` at the array `value`, one element at a time."""
    gradient = np.zeros_like(value)
    for index in np.ndindex(value.shape):
        above, below = value.copy(), value.copy()
        above[index] += step
        below[index] -= step
        gradient[index] = (function(above) - function(below)) / (2.0 * step)
    return gradient


def cross_entropy(responsibilities, log_resp):
    """That of p(z | x, w) to given components, a mean over samples."""
    samples, batch, components = log_resp.shape
    total = np.zeros(batch)
    for sample, example, component in np.ndindex(samples, batch, components):
        total[example] -= responsibilities[example, component] * log_resp[sample, example, component] / samples
    return total


def held_terms(responsibilities, *latents):
    """The paper's terms, and the cross-entropy of p(z | x, w) to given components."""
    _, x, _, _, *mixture = latents
    return elbo_terms(*latents), cross_entropy(responsibilities, log_responsibilities(x, *mixture))


def guided_terms(responsibilities, log_likelihood, x, q_x, q_w, means, log_vars, log_weights=None):
    """The terms with the components given, and the cross-entropy of p(z | x, w) to them."""
    log_resp = log_responsibilities(x, means, log_vars, log_weights)
    samples, batch, components = log_resp.shape
    conditional, guidance = np.zeros(batch), np.zeros(batch)
    for sample, example, component in np.ndindex(samples, batch, components):
        weight = responsibilities[example, component] / samples
        q, p = (
            (q_x[0][example], q_x[1][example]),
            (means[sample, example, component], log_vars[sample, example, component]),
        )
        conditional[example] += weight * gaussian_kl(*q, *p)
        guidance[example] -= weight * log_resp[sample, example, component]
    return (reconstruction(log_likelihood), conditional, w_prior(*q_w), z_prior(log_resp, log_weights)), guidance
