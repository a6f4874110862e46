"""The model as an estimator of scikit-learn."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from tf_gmvae.checks import check_shape, ragged, whole_number, without_objects
from tf_gmvae.clustering import answers, arrays, samples
from tf_gmvae.clustering.cluster import array_dataset, array_split, frame_dataset
from tf_gmvae.clustering.recipe import BATCH_SIZE, EPOCHS, Recipe, with_columns
from tf_gmvae.data.described import may_be_dates
from tf_gmvae.data.frames import as_table, check_names, is_frame, without_mask
from tf_gmvae.inputs import readable
from tf_gmvae.start import how_many
from tf_gmvae.tables.describing import check_no_kinds


class GMVAEClusterer(ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin, BaseEstimator):
    """Clusters by a Gaussian mixture VAE, as `tf_gmvae.cluster` finds them, behind scikit-learn's interface.

    `X` is an array (n_samples, n_features), NaN where a value is missing; a DataFrame of pandas or polars or a
    `pyarrow.Table`, whose columns may also be counts, yes/no or categories, texts included; or images (N, H, W) or
    (N, H, W, C), uint8 or floats in [0, 1]. Values need no scaling: that is part of the model. What a column of a
    DataFrame holds is found out, and columns that tell nothing are left out.

    Args:
        n_clusters: K, clusters to find; "auto" chooses as many as are found again in samples of the data. Default
            10.
        latent_dim: D, features that `transform` returns. Default None: of a table as many as it has columns, from
            2 to 10; of images 32 or 200.
        style_dim: W, dimensions of the style w. Default None: likewise.
        kinds: dict of "real", "count", "yes_no" or "category" by the name of a DataFrame's column, where a guess
            would be wrong. Default None.
        column_scale: "each", every column of numbers is divided by its own deviation; "common", all by one, as
            the dimensions of an embedding must be, whose proportions mean something. Default "each".
        hold: weight in nats of holding on to the clusters that the start found while the networks train; 0 is the
            paper's objective. Default None: 20, and of rows of more than 784 values more, in proportion to them.
        learning_rate: Adam's, after the start, which stays. Default None: 0.0001, and of images of more than 784
            values, at whose labels training goes on, one that falls from 0.0005.
        batch_size: integer, rows of a step after the start. Default 100.
        max_epochs: integer, largest number of epochs after the start; after 2,000 steps no further one begins.
            Default 20.
        max_steps: integer, largest number of steps of each of the three trainings, two of the start and one after
            it. Fewer than some hundred blur the clusters; up to 10 take some seconds, to test a pipeline.
            Default None: no such bound.
        random_state: integer, `numpy.random.RandomState` or None. The same integer gives the same result on the
            same machine with the same number of threads. Default None: drawn anew by every `fit`.
        verbose: 0 is silent, 1 and 2 show progress as `fit` of Keras does. Default 0.

    Attributes:
        labels_: int64 array (n_samples,), clusters of the rows of `fit`, 0 to K - 1.
        model_: the trained `GMVAE`.
        how_many_: `start.how_many.HowMany`, how the number of clusters was chosen; None where it was given.
        columns_: `tables.Columns` that the model takes, or None of images.
        n_features_in_: integer, columns of `fit`.
        feature_names_in_: array of their names, where they were texts.

    Example:
        >>> from sklearn.datasets import load_wine
        >>> wines = load_wine(as_frame=True).data
        >>> clusterer = tf_gmvae.GMVAEClusterer(n_clusters=3, max_steps=5, random_state=0)  # 5: to try it out
        >>> clusterer.fit_predict(wines).shape
        (178,)
    """

    def __init__(
        self,
        n_clusters: int | str = 10,
        *,
        latent_dim: int | None = None,
        style_dim: int | None = None,
        kinds: Mapping[str, str] | None = None,
        column_scale: str = "each",
        hold: float | None = None,
        learning_rate: float | None = None,
        batch_size: int = BATCH_SIZE,
        max_epochs: int = EPOCHS,
        max_steps: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.latent_dim = latent_dim
        self.style_dim = style_dim
        self.kinds = kinds
        self.column_scale = column_scale
        self.hold = hold
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.max_steps = max_steps
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> GMVAEClusterer:
        """Finds clusters and trains the model.

        Args:
            X: see the class; at least two rows, and K different ones.
            y: not looked at. Default None.

        Returns:
            The estimator.

        Raises:
            InputError: a `ValueError`, if the data or an argument are not what they must be. What an earlier `fit`
                found then stays.
        """
        recipe = Recipe(
            how_many.checked("n_clusters", self.n_clusters),
            self._seed(),
            self.latent_dim,
            self.style_dim,
            self.hold,
            self.learning_rate,
            whole_number("batch_size", self.batch_size, 1),
            whole_number("max_epochs", self.max_epochs, 1),
            None if self.max_steps is None else whole_number("max_steps", self.max_steps, 1),
            self.verbose,
        )
        found = copy.copy(self)  # a fit that is refused or interrupted leaves the one before it whole
        found._find(recipe, X)
        self.__dict__ = found.__dict__
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest cluster of each row.

        Args:
            X: see the class.

        Returns:
            Int64 array (n_samples,).
        """
        return self.predict_proba(X).argmax(axis=1)

    def predict_proba(self, X: Any) -> np.ndarray:
        """p(z | y), the probability of each cluster.

        Args:
            X: see the class.

        Returns:
            Float32 array (n_samples, K), rows sum to one.
        """
        return answers.posterior(*self._model_and_examples(X))

    def transform(self, X: Any) -> np.ndarray:
        """Means of q(x | y): few features in which the clusters are Gaussian.

        Args:
            X: see the class.

        Returns:
            Float32 array (n_samples, D), or what `set_output` asks for.
        """
        return answers.means(*self._model_and_examples(X))

    def score_samples(self, X: Any) -> np.ndarray:
        """The evidence lower bound of each row, a bound of its log-probability: low marks the unusual.

        Args:
            X: see the class.

        Returns:
            Float32 array (n_samples,), nats.
        """
        return answers.elbos(*self._model_and_examples(X))

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of `score_samples`, for a search of parameters: higher is better.

        It says how well the model describes the data, not how good its clusters are.

        Args:
            X: see the class.
            y: not looked at. Default None.

        Returns:
            Float, nats.
        """
        return float(np.mean(self.score_samples(X)))

    def sample(self, n_samples: int = 1) -> tuple[Any, np.ndarray]:
        """New rows, each from a cluster that is drawn with equal chances.

        Args:
            n_samples: integer. Default 1.

        Returns:
            Pair of the rows, (n_samples, n_features), of images their means, of the shape of those of `fit`;
            and an int64 array (n_samples,) of their clusters. Where `fit` had a DataFrame, the rows are one, of
            the columns that are in `columns_`: those of one value alone, which tell no clusters apart, are left
            out. Numbers are float32, dates datetime64 (UTC, without a time zone), bools are bools, numbers that
            became levels are numbers, and categories are texts. An integer `random_state` gives the same at every
            call.

        Raises:
            InputError: if `n_samples` is no integer from 1 on.
        """
        check_is_fitted(self)
        rows, clusters = samples.draw(self.model_, whole_number("n_samples", n_samples, 1), self._seed())
        if self._frame is not None:
            known = (getattr(self, name, {}) for name in ("_labels", "_types"))  # which earlier versions had not
            return samples.as_frame(self.columns_.values(rows), self._frame, *known), clusters
        if getattr(self, "_without_channels", False):  # nor this
            rows = rows[..., 0]
        return rows, clusters

    def __sklearn_tags__(self) -> Tags:
        """That values may be missing."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.model_.latent_dim

    def _seed(self):
        if isinstance(self.random_state, int | np.integer):
            return whole_number("random_state", int(self.random_state), 0)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _find(self, recipe, X):
        dataset = with_columns(self._described(X), self.column_scale)
        self.columns_: Any = dataset.columns
        self.model_, self.how_many_ = recipe.fitted(dataset)
        self.labels_ = answers.posterior(self.model_, dataset.train.examples).argmax(axis=1)

    def _described(self, X):
        """The data of `fit`, and what is known of its columns."""
        self._frame: str | None = None
        if not is_frame(X):
            check_no_kinds(self.kinds)
            array = self._array(X, reset=True)
            dataset = array_dataset("X", array)
            self._without_channels = array.ndim == len(dataset.train.data_shape)
            return dataset
        dataset = frame_dataset(X, self.kinds)
        check_names(X)
        validate_data(self, X, skip_check_array=True)
        table = as_table(X, is_date=may_be_dates(self.kinds))
        self._frame, self._names = type(X).__module__.partition(".")[0], list(table)
        self._types = samples.types_of(table)
        self._labels = {str(label): label for label in getattr(X, "columns", ())}
        return dataset

    def _model_and_examples(self, X):
        check_is_fitted(self)
        if self._frame is None:
            return self.model_, array_split(self._array(X, reset=False)).examples
        if not is_frame(X):
            X = arrays.with_names(self._array(X, reset=False, dtype=None), self._names)
        return self.model_, readable(X, self.model_.likelihood)

    def _array(self, X: ArrayLike, reset: bool, dtype: Any = arrays.KEPT) -> np.ndarray:
        """An array, checked as scikit-learn checks them; of what is read later, the dtype is kept."""
        if isinstance(X, list | tuple):
            try:
                X = np.asarray(X)
            except ValueError:
                raise ragged() from None
        if getattr(X, "ndim", 0) == 1:  # perhaps of arrays, as a column of a DataFrame may be
            X = without_objects(np.asarray(X))
        if dtype is not None and isinstance(X, np.ndarray):
            X = arrays.of_numbers(X)
        if not reset and len(self.model_.data_shape) > 1:
            shape = np.shape(X)
            check_shape((*shape, 1) if len(shape) == 3 else shape, self.model_.data_shape)
        return validate_data(
            self,
            without_mask(X),
            reset=reset,
            dtype=dtype,
            allow_nd=True,
            ensure_all_finite="allow-nan",
            ensure_min_samples=2 if reset else 1,
        )
