"""What shows that clusters have collapsed, on NumPy arrays (section 3.4 of the paper; Burda et al. 2016).

The terms of the ELBO do not show it alone: with every example in one component the z-prior term is as high as
with K clean clusters. The posterior averaged over examples does.
"""

import math

import numpy as np

from tf_gmvae.evaluation import components_in_use

# A latent dimension whose posterior mean varies less than this over examples (the prior has 1) is not used.
ACTIVE_VARIANCE = 0.01
# Parts of log K: below the first, one component takes nearly all; above the second, every posterior is uniform.
LEAST_USAGE_ENTROPY = 0.1
MOST_POSTERIOR_ENTROPY = 0.9
# Nats of the w-prior term below which w says nothing.
LEAST_W_PRIOR = 0.1
# Bhattacharyya coefficient from which two components count as one: unit Gaussians 0.92 deviations apart have it.
COINCIDING = 0.9


def activity(means):
    """Variance over examples of every dimension of a posterior mean.

    Args:
        means: array (N, D).

    Returns:
        Array (D,); under the prior each is at most 1, and near 0 where the dimension is ignored.
    """
    return np.var(means, axis=0)


def usage_entropy(posterior):
    """Entropy of the posterior averaged over examples.

    Args:
        posterior: array (N, K).

    Returns:
        Nats, from 0 (one component takes all) to log K (all are used alike).
    """
    return float(_entropy(np.mean(posterior, axis=0)))


def posterior_entropy(posterior):
    """Entropy of the posterior of an example, averaged over examples.

    Args:
        posterior: array (N, K).

    Returns:
        Nats, from 0 (all are certain) to log K (all components overlap).
    """
    return float(np.mean(_entropy(np.asarray(posterior, "float64"))))


def style_information(means, log_vars):
    """How much of x the style w decides within a component: what Fig. 5b is about.

    The information of w on x in nats, were p(x | z) Gaussian: 1/2 log det(I + C_k / S_k), C_k the covariance over
    w of the component's mean and S_k its own variance.

    Args:
        means: array (N, K, D), component means at N draws of w from its prior.
        log_vars: array (N, K, D).

    Returns:
        Float, nats, averaged over components; 0 where p(x | w, z) does not move with w.
    """
    found = []
    for k in range(means.shape[1]):
        deviations = np.exp(0.5 * log_vars[:, k]).mean(axis=0)
        moves = (means[:, k] - means[:, k].mean(axis=0)) / deviations
        covariance = moves.T @ moves / len(moves)
        found.append(0.5 * np.linalg.slogdet(np.eye(len(covariance)) + covariance)[1])
    return float(np.mean(found))


def merged_components(means, log_vars):
    """Components that have become one: Gaussians that coincide, directly or through others.

    The measure is the Bhattacharyya coefficient, the integral of sqrt(p_j p_k): 1 for equals, 0 for Gaussians that
    do not touch. Components in use do not show this: of two that coincide the argmax takes now one, now the other.

    Args:
        means: array (K, D), component means at one w.
        log_vars: array (K, D).

    Returns:
        List of lists of component numbers, ascending; a component that stands alone is a list of its own.
    """
    from scipy.sparse.csgraph import connected_components

    means, variances = np.asarray(means, "float64"), np.exp(np.asarray(log_vars, "float64"))
    between = (variances[:, None] + variances[None]) / 2
    apart = (means[:, None] - means[None]) ** 2 / (8 * between)
    unlike = np.log(between) / 2 - (log_vars[:, None] + log_vars[None]) / 4
    coefficients = np.exp(-np.sum(apart + unlike, axis=-1))
    number, groups = connected_components(coefficients >= COINCIDING)
    return [np.flatnonzero(groups == group).tolist() for group in range(number)]


def summary(posterior, x_means, w_means):
    """All figures of the watch.

    Args:
        posterior: array (N, K), p(z | y).
        x_means: array (N, D), means of q(x | y).
        w_means: array (N, W), means of q(w | y).

    Returns:
        Dict of floats: components_in_use, usage_entropy, posterior_entropy (nats), active_x and active_w (numbers
        of dimensions).
    """
    return {
        "components_in_use": float(components_in_use(posterior)),
        "usage_entropy": usage_entropy(posterior),
        "posterior_entropy": posterior_entropy(posterior),
        "active_x": float(np.sum(activity(x_means) > ACTIVE_VARIANCE)),
        "active_w": float(np.sum(activity(w_means) > ACTIVE_VARIANCE)),
    }


def verdicts(figures, num_components, w_prior=None):
    """The failures that the figures show, each in a sentence with its remedy.

    Args:
        figures: dict of `summary`.
        num_components: K.
        w_prior: the w-prior term, nats; None leaves w out.

    Returns:
        List of sentences, empty where all is well.
    """
    found, limit = [], math.log(num_components)
    if num_components > 1 and figures["posterior_entropy"] > MOST_POSTERIOR_ENTROPY * limit:
        found.append(
            f"All components overlap: the entropy of p(z | y) is {figures['posterior_entropy']:.2f} of at most "
            f"{limit:.2f} nats. Begin with model.initialize(data) (flag --initialize), or raise min_information."
        )
    elif num_components > 1 and figures["usage_entropy"] < LEAST_USAGE_ENTROPY * limit:
        found.append(
            f"One component takes nearly all examples: the entropy of the average p(z | y) is "
            f"{figures['usage_entropy']:.2f} of {limit:.2f} nats. Begin with model.initialize(data) (flag "
            "--initialize)."
        )
    if w_prior is not None and w_prior < LEAST_W_PRIOR:
        found.append(
            f"w is ignored: its divergence from the prior is {w_prior:.2f} nats. Begin with "
            "model.initialize(data), whose num_factors gives w something to say (flag --num_factors)."
        )
    return found


def _entropy(probabilities):
    """Over the last axis."""
    from scipy.special import entr

    return np.sum(entr(probabilities), axis=-1)
