"""What clustering is had without a GMVAE: scikit-learn and UMAP on the pixels, as floors for its scores."""

import warnings

import numpy as np

from tf_gmvae.evaluation.neighbourhoods import LEAST_POINTS, mapper
from tf_gmvae.seeds import within_bits


def kmeans(train: np.ndarray, test: np.ndarray, num_components: int, seed: int = 0) -> np.ndarray:
    """k-means on raw values.

    Args:
        train: array (N, ...), fitted to.
        test: array (N', ...), assigned.
        num_components: K.
        seed: integer. Default 0.

    Returns:
        Array (N', K): 1 for the nearest of the K means, 0 for the others. All members are equally certain, so
        `evaluation.table1_accuracy` of it is the majority accuracy.
    """
    from sklearn.cluster import KMeans

    fitted = KMeans(num_components, n_init=3, random_state=within_bits(seed)).fit(_rows(train))
    return np.eye(num_components, dtype="float32")[fitted.predict(_rows(test))]


def gaussian_mixture(train: np.ndarray, test: np.ndarray, num_components: int, seed: int = 0) -> np.ndarray:
    """A Gaussian mixture of diagonal covariances on raw values.

    Args:
        train: array (N, ...), fitted to.
        test: array (N', ...), assigned.
        num_components: K.
        seed: integer. Default 0.

    Returns:
        Array (N', K), the mixture's posterior.
    """
    from sklearn.mixture import GaussianMixture

    # Pixels that never change would have components of no width: 0.01 is a standard deviation of 0.1.
    mixture = GaussianMixture(
        num_components, covariance_type="diag", reg_covar=1e-2, random_state=within_bits(seed)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a mixture that is not quite converged serves as well
        return mixture.fit(_rows(train)).predict_proba(_rows(test))


def umap_mixture(
    train: np.ndarray, test: np.ndarray, num_components: int, seed: int = 0, max_examples: int = 20_000
) -> np.ndarray:
    """A Gaussian mixture on UMAP's map of raw values: what a user of `umap-learn` would do.

    Args:
        train: array (N, ...), from which the map is drawn.
        test: array (N', ...), placed on that map and assigned.
        num_components: K.
        seed: integer. Default 0.
        max_examples: integer, largest number of examples of `train` that the map is drawn from. Default 20,000.

    Returns:
        Array (N', K), the posterior of the mixture, which is on the values themselves where they are too few for a
        map.
    """
    from sklearn.mixture import GaussianMixture

    rows, test_rows = _rows(train), _rows(test)
    drawn = np.random.default_rng(seed).choice(len(rows), min(max_examples, len(rows)), replace=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed makes UMAP run on one core; a mixture that could go on
        points, placed = rows[drawn], test_rows
        if len(points) >= LEAST_POINTS:
            umap = mapper(rows.shape[1], seed)
            points, placed = umap.fit_transform(points), umap.transform(test_rows)
        # Of many starts the likeliest: of few, on MNIST, it is 8 points worse.
        mixture = GaussianMixture(num_components, n_init=30, reg_covar=1e-3, random_state=within_bits(seed)).fit(
            points
        )
        return mixture.predict_proba(placed)


def _rows(examples):
    rows = np.reshape(examples, (len(examples), -1)).astype("float32")
    return rows / 255.0 if examples.dtype == np.uint8 else rows
