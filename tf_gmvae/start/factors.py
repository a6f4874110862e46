"""Each cluster of latents as a Gaussian whose mean moves with a few common factors. NumPy arrays throughout.

Within a cluster, x ~ N(mean_k + loadings_k f, diag(exp(log_var_k))) with f ~ N(0, I): factor analysis. As the
prior p(x | w, z) has this very form, with w for f, the factors are what w has to say, and a prior that starts
there has a w in use.
"""

from typing import NamedTuple

import numpy as np

from tf_gmvae.evaluation import mixtures
from tf_gmvae.seeds import within_bits

# Of a component's variances. A posterior q(x | y) is rarely sharper.
LEAST_VARIANCE = 1e-3
# Examples whose styles are grouped; the others follow.
MOST_GROUPED = 20_000


class Factors(NamedTuple):
    """Parameters of the K clusters and the factors of the N examples.

    Attributes:
        means: (K, D).
        loadings: (K, J, D).
        log_vars: (K, D).
        scores: (N, J), the expected factors of every example in its likeliest cluster.
        log_var_scores: (J,), log-variance of the factors given an example, averaged over clusters.
    """

    means: np.ndarray
    loadings: np.ndarray
    log_vars: np.ndarray
    scores: np.ndarray
    log_var_scores: np.ndarray


def analyse(
    latents: np.ndarray, labels: np.ndarray, num_components: int, num_factors: int, seed: int = 0
) -> Factors:
    """Factor analysis of every cluster, with factors that mean the same in all of them as far as they can.

    Args:
        latents: array (N, D), samples of q(x | y).
        labels: array (N,), the cluster of each.
        num_components: K.
        num_factors: J.
        seed: integer. Default 0.

    Returns:
        `Factors`. A cluster with too few examples for factors of its own takes the common ones, an empty one is
        all the data.
    """
    from scipy.linalg import orthogonal_procrustes

    means = np.stack([_mean(latents, labels == k) for k in range(num_components)])
    common = _fit(latents - means[labels], num_factors, seed)
    num_latents = latents.shape[1]
    # Of fewer examples than factors there are as many: the rest move nothing.
    shared = np.zeros((num_factors, num_latents))
    shared[: len(common.components_)] = common.components_
    loadings = np.tile(shared, (num_components, 1, 1))
    variances = np.tile(common.noise_variance_, (num_components, 1))
    scores = np.zeros((len(latents), num_factors))
    uncertainty = np.zeros((num_components, num_factors))
    for k in range(num_components):
        members = latents[labels == k] - means[k]
        if len(members) > 4 * num_latents:
            own = _fit(members, num_factors, seed)
            # Factors are determined up to a rotation: choose the one that brings them closest to the common ones.
            # Without factors there is nothing to turn, and not every SciPy takes it.
            if num_factors:
                rotation, _ = orthogonal_procrustes(own.components_.T, shared.T)
                loadings[k] = rotation.T @ own.components_
            variances[k] = own.noise_variance_
        variances[k] = np.maximum(variances[k], LEAST_VARIANCE)
        weighted = loadings[k] / variances[k]
        covariance = np.linalg.inv(np.eye(num_factors) + weighted @ loadings[k].T)
        scores[labels == k] = members @ weighted.T @ covariance
        uncertainty[k] = np.diag(covariance)
    return Factors(means, loadings, np.log(variances), scores, np.log(uncertainty.mean(axis=0)))


def groups(scores: np.ndarray, num_groups: int, seed: int = 0) -> np.ndarray:
    """Groups of styles, for the mixture of a deeper level to start from.

    Args:
        scores: array (N, J), factors of the examples within their clusters.
        num_groups: C.
        seed: integer. Default 0.

    Returns:
        Float32 array (N, C), soft labels of a mixture of C Gaussians.
    """
    from sklearn.mixture import GaussianMixture

    some = np.random.default_rng(seed).permutation(len(scores))[:MOST_GROUPED]
    mixture = GaussianMixture(num_groups, covariance_type="diag", n_init=3, random_state=within_bits(seed))
    return mixtures.quietly(mixture, scores[some]).predict_proba(scores).astype("float32")


def _mean(latents, is_member):
    return latents[is_member].mean(axis=0) if is_member.any() else latents.mean(axis=0)


def _fit(residuals, num_factors, seed):
    from sklearn.decomposition import FactorAnalysis

    analysis = FactorAnalysis(num_factors, svd_method="randomized", random_state=within_bits(seed), tol=1e-2)
    return mixtures.quietly(analysis, residuals)
