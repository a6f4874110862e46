"""What clustering is had without a GMVAE: scikit-learn and UMAP on the values, as floors for its scores."""

import warnings

import numpy as np

from tf_gmvae.evaluation import mixtures
from tf_gmvae.evaluation.neighbourhoods import LEAST_POINTS, NEIGHBOURS, mapper, placed

# Of the mixture on a map, of which the likeliest counts: of few, on MNIST, it is 8 points worse.
MAP_STARTS = 30
QUICK_EPOCHS, QUICK_POINTS = 200, 4000


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
    rows = _rows(train)
    fitted = mixtures.kmeans(rows, num_components, seed, mixtures.starts(len(rows), of_many=3))
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
    rows = _rows(train)
    # Pixels that never change would have components of no width: 0.01 is a standard deviation of 0.1.
    mixture = mixtures.gaussians(rows, num_components, seed, mixtures.starts(len(rows)), "diag", ridge=1e-2)
    return mixture.predict_proba(_rows(test))


def full_mixture(train: np.ndarray, test: np.ndarray, num_components: int, seed: int = 0) -> np.ndarray:
    """A Gaussian mixture of full covariances, for columns of unit variance.

    Args:
        train: array (N, F), fitted to.
        test: array (N', F), assigned.
        num_components: K.
        seed: integer. Default 0.

    Returns:
        Array (N', K), the mixture's posterior.
    """
    rows = _rows(train)
    return mixtures.gaussians(rows, num_components, seed, mixtures.starts(len(rows))).predict_proba(_rows(test))


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
    rows, test_rows = _rows(train), _rows(test)
    drawn = np.random.default_rng(seed).choice(len(rows), min(max_examples, len(rows)), replace=False)
    points, test_points = rows[drawn], test_rows
    if len(points) >= LEAST_POINTS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a seed makes UMAP run on one core
            umap = mapper(rows.shape[1], seed)
            points, test_points = umap.fit_transform(points), umap.transform(test_rows)
    return mixtures.gaussians(points, num_components, seed, MAP_STARTS).predict_proba(test_points)


def quick_umap_mixture(train: np.ndarray, test: np.ndarray, num_components: int, seed: int = 0) -> np.ndarray:
    """As `umap_mixture`, in less of its time.

    Neighbours are found exactly instead of by UMAP's search, whose code takes half a minute to compile, once on a
    machine. The layout has `QUICK_EPOCHS`, as UMAP's own of larger data has. The mixture's starts are made on
    `QUICK_POINTS` of the map, and the likeliest of them goes on with all. An example not on the map takes the
    clusters of its neighbours that are, the nearer the more.

    Args:
        train: array (N, ...), from which the map is drawn, all of it.
        test: array (N', ...), assigned.
        num_components: K.
        seed: integer. Default 0.

    Returns:
        Array (N', K), the posterior of the mixture, which is on the values themselves where they are too few for a
        map.
    """
    from sklearn.neighbors import NearestNeighbors

    rows, test_rows = _rows(train), _rows(test)
    if len(rows) < LEAST_POINTS:
        return mixtures.gaussians(rows, num_components, seed, MAP_STARTS).predict_proba(test_rows)
    search = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(rows)
    umap = mapper(rows.shape[1], seed, epochs=QUICK_EPOCHS)
    distances, indices = search.kneighbors(rows)
    umap.precomputed_knn = (indices, distances.astype("float32"))
    points = placed(umap, rows)
    posterior = _mixture_of_map(points, num_components, seed).predict_proba(points)
    distances, indices = search.kneighbors(test_rows)
    nearness = 1.0 / np.maximum(distances, 1e-6)  # of an example that is on the map, nearly all is its own
    return np.einsum("nj,njk->nk", nearness / nearness.sum(axis=1, keepdims=True), posterior[indices])


def _mixture_of_map(points, num_components, seed):
    """A mixture whose starts are made on some of the points."""
    from sklearn.mixture import GaussianMixture

    if len(points) <= QUICK_POINTS:
        return mixtures.gaussians(points, num_components, seed, MAP_STARTS)
    some = np.random.default_rng(seed).choice(len(points), QUICK_POINTS, replace=False)
    begun = mixtures.gaussians(points[some], num_components, seed, MAP_STARTS)
    mixture = GaussianMixture(
        num_components,
        reg_covar=1e-3,
        weights_init=begun.weights_,
        means_init=begun.means_,
        precisions_init=begun.precisions_,
    )
    return mixtures.quietly(mixture, points)


def _rows(examples):
    rows = np.reshape(examples, (len(examples), -1)).astype("float32")
    return rows / 255.0 if examples.dtype == np.uint8 else rows
