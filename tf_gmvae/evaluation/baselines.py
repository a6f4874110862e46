"""What clustering costs without a GMVAE: scikit-learn on the pixels, as floors for its scores."""

import warnings

import numpy as np


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

    fitted = KMeans(num_components, n_init=3, random_state=seed).fit(_rows(train))
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
    mixture = GaussianMixture(num_components, covariance_type="diag", reg_covar=1e-2, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a mixture that is not quite converged serves as well
        return mixture.fit(_rows(train)).predict_proba(_rows(test))


def _rows(examples):
    rows = np.reshape(examples, (len(examples), -1)).astype("float32")
    return rows / 255.0 if examples.dtype == np.uint8 else rows
