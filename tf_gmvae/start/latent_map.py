"""From latent means to soft labels: a neighbourhood map, and a Gaussian mixture on it. NumPy arrays throughout.

The means of q(x | y) of a plain VAE hold the classes, but not as separate Gaussians. UMAP (McInnes et al., arXiv
1802.03426) draws neighbourhoods together and apart from each other, and on its map a Gaussian mixture finds
clusters of which 97 % are of one class on MNIST. No label is used.
"""

import warnings

import numpy as np

from tf_gmvae.evaluation.diagnostics import ACTIVE_VARIANCE, activity
from tf_gmvae.evaluation.neighbourhoods import LEAST_POINTS, MAP_DIMENSIONS, mapper
from tf_gmvae.seeds import within_bits

# Examples below which the mixture takes more starts: it then needs them more, and they cost little.
FEW = 10_000


def active(means: np.ndarray) -> np.ndarray:
    """Dimensions that the posterior uses.

    Args:
        means: array (N, D), means of q(x | y).

    Returns:
        Array (D,) of bools; all, if none is active.
    """
    is_active = activity(means) > ACTIVE_VARIANCE
    return is_active if is_active.any() else np.ones_like(is_active)


def soft_labels(means: np.ndarray, num_components: int, seed: int = 0) -> np.ndarray:
    """Clusters of latent means.

    Args:
        means: array (N, D), means of q(x | y).
        num_components: K, at most N.
        seed: integer; the same seed gives the same labels. Default 0.

    Returns:
        Array (N, K), float32, rows sum to one.
    """
    from sklearn.mixture import GaussianMixture

    if num_components == 1:
        return np.ones((len(means), 1), "float32")
    points = neighbourhood_map(means[:, active(means)], seed)
    num_starts = 10 if len(means) < FEW else 3
    mixture = GaussianMixture(num_components, n_init=num_starts, reg_covar=1e-3, random_state=within_bits(seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a mixture that is not quite converged serves as well
        return mixture.fit(points).predict_proba(points).astype("float32")


def neighbourhood_map(
    points: np.ndarray, seed: int = 0, dimensions: int = MAP_DIMENSIONS, min_dist: float = 0.0
) -> np.ndarray:
    """The map of UMAP, on which neighbours lie close and the rest lies apart.

    Args:
        points: array (N, D).
        seed: integer. Default 0.
        dimensions: integer, dimensions of the map. Default 10.
        min_dist: how close neighbours may lie on it. Default 0.

    Returns:
        Array (N, D'), D' at most `dimensions`; of fewer examples than UMAP can map, the points themselves.
    """
    if len(points) < LEAST_POINTS:
        return points
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed makes it run on one core
        return mapper(points.shape[1], seed, dimensions, min_dist).fit_transform(points)


def plane(means: np.ndarray, seed: int = 0) -> np.ndarray:
    """A map of latent means to look at.

    Args:
        means: array (N, D), means of q(x | y).
        seed: integer; the same seed gives the same map. Default 0.

    Returns:
        Array (N, 2): the means themselves where they have two active dimensions or fewer, else UMAP's map, or of
        few examples their first two principal components.
    """
    from sklearn.decomposition import PCA

    points = means[:, active(means)]
    if points.shape[1] > 2:
        points = neighbourhood_map(points, seed, dimensions=2, min_dist=0.1)
    if points.shape[1] > 2:
        points = PCA(2, random_state=within_bits(seed)).fit_transform(points) if len(points) > 1 else points[:, :2]
    return np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
