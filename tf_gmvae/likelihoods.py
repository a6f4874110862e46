"""Likelihoods p(y | x) of the data given the latent x (Eq. 1d).

A decoder returns the parameters of one of these on its last axis: C values for a likelihood of one
parameter, 2C for one of two (first the C means, then the C log-variances), where C is the last axis of
the data. Log-probabilities are in nats, summed over all axes of an example.

| name | data | parameters the decoder returns |
| --- | --- | --- |
| bernoulli | [0, 1], images | logits |
| continuous_bernoulli | [0, 1], grey values as a proper density | logits |
| gaussian | real | mean and log-variance |
| unit_gaussian | real, standardised | mean (variance 1: squared error) |
| poisson | counts >= 0 | log-rate |

Rows of a table with columns of several kinds and missing values have `tables.likelihood`.

Log-variances and log-rates are taken as the decoder returns them within +-10, that is for variances and rates
from 4.5e-5 to 2.2e4. Beyond, they bend and stay within +-15, from 3.1e-7 to 3.3e6 (`layers.bounds`): data of a
wider range are to be standardised.

Data of the type uint8 are shades of 0 to 255 and come to the model divided by 255, as images are stored. Under
`poisson` they are counts and come as they are. Data of any other type are never scaled.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from layers.bounds import bounded_log
from tf_gmvae.distributions import tfd
from tf_gmvae.errors import InputError
from tf_gmvae.gaussians import LOG_TWO_PI


class Likelihood:
    """What every likelihood offers.

    One of your own is a subclass with `keras.saving.register_keras_serializable()` above it, and an object of it
    goes to `GMVAE(likelihood=...)`.

    Attributes:
        name: as in the table above.
        num_parameters: parameters a data value takes, the factor between C and the decoder's channels.
        support: (low, high), bounds of the data.
        uint8_scale: what data of the type uint8 are divided by on their way to the model: 255 makes shades values
            of [0, 1], 1 leaves counts as they are.
        missing: whether NaN is no mistake, but marks a value that is missing.
    """

    name = ""
    num_parameters = 1
    support = (-math.inf, math.inf)
    uint8_scale = 255.0
    missing = False

    def num_channels(self, size: int) -> int:
        """Channels that the decoder returns.

        Args:
            size: C, the last axis of the data.
        """
        return self.num_parameters * size

    def features(self) -> keras.Layer | None:
        """A layer that standardises examples, for networks and neighbours to begin with, or None."""
        return None

    def told_by(self, clusters: np.ndarray, examples: np.ndarray) -> tuple[str, ...]:
        """Names of columns of which clusters are hardly more than the values; here, none.

        Args:
            clusters: integer array (N,).
            examples: array (N, ...).
        """
        return ()

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, which Keras stores with the model; of the likelihoods here, none."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Likelihood:
        """The likelihood of a config."""
        return cls(**config)

    def value_log_prob(self, inputs: tf.Tensor, params: tf.Tensor) -> tf.Tensor:
        """Log-probability of every single value without summing, a tensor (M, B, ..., C), nats.

        Args:
            inputs: tensor (B, ..., C), the data.
            params: tensor (M, B, ..., num_parameters * C), from the decoder.
        """
        raise NotImplementedError

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        """Mean of p(y | x), a tensor (N, ..., C) on the scale of the data.

        Args:
            params: tensor (N, ..., num_parameters * C), from the decoder.
        """
        raise NotImplementedError

    def independent_values(self, params: tf.Tensor) -> Any:
        """TFP distribution of the single values, each by itself: of batch shape (N, ..., C).

        Args:
            params: tensor (N, ..., num_parameters * C), from the decoder.
        """
        raise NotImplementedError

    def log_prob(self, inputs: tf.Tensor, params: tf.Tensor) -> tf.Tensor:
        """log p(y | x) of every example.

        Args:
            inputs: tensor (B, ..., C), the data.
            params: tensor (M, B, ..., num_parameters * C), from the decoder.

        Returns:
            Tensor (M, B), nats.
        """
        values = self.value_log_prob(inputs, params)
        return tf.reduce_sum(values, axis=tuple(range(2, len(values.shape))))

    def distribution(self, params: tf.Tensor) -> Any:
        """p(y | x) as a TFP distribution.

        Args:
            params: tensor (N, ..., num_parameters * C), from the decoder.

        Returns:
            `tfp.distributions.Independent` of batch shape (N,).
        """
        return tfd().Independent(self.independent_values(params), reinterpreted_batch_ndims=len(params.shape) - 1)


class Bernoulli(Likelihood):
    """y ~ Bernoulli(sigmoid(logits)); grey values count as probabilities, as in the paper."""

    name = "bernoulli"
    support = (0.0, 1.0)

    def value_log_prob(self, inputs: tf.Tensor, params: tf.Tensor) -> tf.Tensor:
        """y l - log(1 + exp(l))."""
        return inputs * params - tf.nn.softplus(params)

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        """sigmoid(l)."""
        return tf.sigmoid(params)

    def independent_values(self, params: tf.Tensor) -> Any:
        """Bernoulli of float samples."""
        return tfd().Bernoulli(logits=params, dtype=params.dtype)


class ContinuousBernoulli(Bernoulli):
    """The Bernoulli form made a density on [0, 1] by its normaliser (Loaiza-Ganem & Cunningham 2019)."""

    name = "continuous_bernoulli"
    # Around l = 0 the normaliser and the mean are 0/0; a series takes over. At this width both its error
    # and the cancellation in the closed forms stay below 1e-5.
    series_below = 0.1

    def _away_from_zero(self, params):
        # The inner `where` keeps the unused branch finite, or its gradient would be NaN.
        near = tf.abs(params) < self.series_below
        return near, tf.where(near, tf.ones_like(params), params)

    def value_log_prob(self, inputs: tf.Tensor, params: tf.Tensor) -> tf.Tensor:
        """y l - log(1 + exp(l)) + log(l / tanh(l / 2))."""
        near, safe = self._away_from_zero(params)
        log_normaliser = tf.where(
            near,
            math.log(2.0) + tf.square(params) / 12.0,
            tf.math.log(safe / tf.tanh(0.5 * safe)),
        )
        return super().value_log_prob(inputs, params) + log_normaliser

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        """sigmoid(l) / tanh(l / 2) - 1 / l."""
        near, safe = self._away_from_zero(params)
        return tf.where(near, 0.5 + params / 12.0, tf.sigmoid(safe) / tf.tanh(0.5 * safe) - 1.0 / safe)

    def independent_values(self, params: tf.Tensor) -> Any:
        """Continuous Bernoulli."""
        return tfd().ContinuousBernoulli(logits=params)


class Gaussian(Likelihood):
    """y ~ N(mean, exp(log_var)), both from the decoder (section 5: the synthetic data)."""

    name = "gaussian"
    num_parameters = 2

    def value_log_prob(self, inputs: tf.Tensor, params: tf.Tensor) -> tf.Tensor:
        """-1/2 (log 2 pi + log_var + (y - mean)^2 / var)."""
        mean, log_var = self._split(params)
        return -0.5 * (LOG_TWO_PI + log_var + tf.square(inputs - mean) * tf.exp(-log_var))

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        """The first half of the parameters."""
        return self._split(params)[0]

    def independent_values(self, params: tf.Tensor) -> Any:
        """Normal."""
        mean, log_var = self._split(params)
        return tfd().Normal(mean, tf.exp(0.5 * log_var))

    @staticmethod
    def _split(params: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        mean, log_var = tf.split(params, 2, axis=-1)
        return mean, bounded_log(log_var)


class UnitGaussian(Likelihood):
    """y ~ N(mean, 1): squared error, for real data whose noise is not to be learned."""

    name = "unit_gaussian"

    def value_log_prob(self, inputs: tf.Tensor, params: tf.Tensor) -> tf.Tensor:
        """-1/2 (log 2 pi + (y - mean)^2)."""
        return -0.5 * (LOG_TWO_PI + tf.square(inputs - params))

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        """The parameters themselves."""
        return params

    def independent_values(self, params: tf.Tensor) -> Any:
        """Normal of scale 1."""
        return tfd().Normal(params, 1.0)


class Poisson(Likelihood):
    """y ~ Poisson(exp(log_rate)), for counts."""

    name = "poisson"
    support = (0.0, math.inf)
    uint8_scale = 1.0

    def value_log_prob(self, inputs: tf.Tensor, params: tf.Tensor) -> tf.Tensor:
        """y log_rate - exp(log_rate) - log y!."""
        # In double precision: of counts of a million each term is of millions, of which float32 tells no quarter.
        log_rate, counts = tf.cast(bounded_log(params), "float64"), tf.cast(inputs, "float64")
        log_prob = counts * log_rate - tf.exp(log_rate) - tf.math.lgamma(counts + 1.0)
        return tf.cast(log_prob, params.dtype)

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        """exp(log_rate)."""
        return tf.exp(bounded_log(params))

    def independent_values(self, params: tf.Tensor) -> Any:
        """Poisson."""
        return tfd().Poisson(log_rate=bounded_log(params))


LIKELIHOODS = {cls.name: cls for cls in (Bernoulli, ContinuousBernoulli, Gaussian, UnitGaussian, Poisson)}


def get(identifier: str | Likelihood | dict[str, Any]) -> Likelihood:
    """The likelihood meant.

    Args:
        identifier: a name from the table above, a `Likelihood`, or the dict that `serialize` makes of one.

    Returns:
        A `Likelihood`.

    Raises:
        InputError: if there is none of that name.
    """
    if isinstance(identifier, Likelihood):
        return identifier
    if isinstance(identifier, dict):
        return keras.saving.deserialize_keras_object(identifier)
    if not isinstance(identifier, str) or identifier not in LIKELIHOODS:
        raise InputError(
            f"`likelihood` must be one of {', '.join(LIKELIHOODS)}, or a Likelihood of your own. Received: "
            f"likelihood={identifier!r}"
        )
    return LIKELIHOODS[identifier]()


def serialize(likelihood: Likelihood) -> str | dict[str, Any]:
    """What `get` makes the likelihood of again.

    Args:
        likelihood: a `Likelihood`.

    Returns:
        Its name, or of a class of the user's own a dict.
    """
    if type(likelihood) is LIKELIHOODS.get(likelihood.name):
        return likelihood.name
    return keras.saving.serialize_keras_object(likelihood)
