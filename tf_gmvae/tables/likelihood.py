"""p(y | x) of the rows of a table, whose columns are of several kinds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from layers import ColumnFeatures
from layers.bounds import EXACT, bounded_log
from layers.column_features import KINDS
from tf_gmvae.distributions import tfb, tfd
from tf_gmvae.gaussians import LOG_TWO_PI
from tf_gmvae.likelihoods import Likelihood
from tf_gmvae.tables import of_columns
from tf_gmvae.tables.columns import Column, Columns

# Of the log-variance of a real column, in units of its own variance: a tenth of its deviation. Columns of few
# different values would else have densities without bound, and the model would tell nothing but these values.
LEAST_LOG_VARIANCE = 2 * math.log(0.1)
# Of a logarithm of counts: what lies above it by the width of `bounded_log` is still a float32 number.
LARGEST_LOG = 80.0


@keras.saving.register_keras_serializable(package="tf_gmvae")
class ColumnsLikelihood(Likelihood):
    """p(y | x) = product of p(y_f | x) over the columns f that are there: what is missing, NaN, has no part in it.

    Nor has a number that its kind does not have: a count below 0, a level that is not there.

    | kind | p(y_f given x) | outputs of the decoder |
    | --- | --- | --- |
    | real | N(c + s m, s^2 v), v at least 0.01 | m and log v |
    | count | negative binomial of mean exp(c + s m) and size r | m and log r |
    | yes_no | Bernoulli | logit |
    | category | categorical | one logit a level |

    c and s are center and scale of the column (of log(1 + count)), so that the decoder's outputs are of the order
    of 1 whatever the units of the table are, and log-probabilities are those of the raw values.

    Args:
        columns: `Columns`, or the list of `Columns.as_config`.
    """

    name = "columns"
    uint8_scale = 1.0
    missing = True

    def __init__(self, columns: Columns | Iterable[dict[str, Any]]) -> None:
        self.columns = columns if isinstance(columns, Columns) else Columns.from_config(columns)
        # Columns of a kind are computed together, each category by itself: groups of (kind, numbers of its
        # columns).
        numbers = {kind: [i for i, c in enumerate(self.columns.columns) if c.kind == kind] for kind in KINDS}
        self._groups = [(kind, numbers[kind]) for kind in ("real", "count", "yes_no") if numbers[kind]]
        self._groups += [("category", [number]) for number in numbers["category"]]
        self._sizes = [self._outputs(kind, group) for kind, group in self._groups]
        self._order = np.argsort([number for _, group in self._groups for number in group])

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {"columns": self.columns.as_config()}

    def num_channels(self, size: int) -> int:
        """Outputs of the decoder for `size` columns."""
        return sum(self._sizes)

    def told_by(self, clusters: np.ndarray, examples: np.ndarray) -> tuple[str, ...]:
        """See `Likelihood.told_by`, and `of_columns`."""
        return of_columns.told_by(clusters, examples, self.columns)

    def features(self) -> ColumnFeatures:
        """A layer from rows to standardised features."""
        columns = self.columns.columns
        kinds, centers, scales = zip(*((c.kind, c.center, c.scale) for c in columns), strict=True)
        return ColumnFeatures(kinds, centers, scales, dtype="float32")  # raw numbers are no matter for halves

    def value_log_prob(self, inputs: tf.Tensor, params: tf.Tensor) -> tf.Tensor:
        """Log-probability of every value, (M, B, F), nats; 0 of those that are missing."""
        return self._in_order(
            [group.log_prob(tf.gather(inputs, group.numbers, axis=-1)) for group in self._of(params)]
        )

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        """Mean of every column in its own units, of categories the number of the likeliest level."""
        return self._in_order([group.mean() for group in self._of(params)])

    def distribution(self, params: tf.Tensor) -> Any:
        """p(y | x) as a TFP distribution of rows (N, F)."""
        joint = tfd().Blockwise([tfd().Independent(group.distribution(), 1) for group in self._of(params)])
        return tfd().TransformedDistribution(joint, tfb().Permute(self._order))

    def _in_order(self, parts):
        return tf.gather(tf.concat(parts, axis=-1), self._order, axis=-1)

    def _outputs(self, kind, group):
        if kind == "category":
            return len(self.columns.columns[group[0]].levels)
        return len(group) * (1 if kind == "yes_no" else 2)

    def _of(self, params):
        for (kind, numbers), own in zip(self._groups, tf.split(params, self._sizes, axis=-1), strict=True):
            yield _GROUPS[kind]([self.columns.columns[number] for number in numbers], numbers, own)


class _Group:
    """Columns of one kind and what the decoder says of them."""

    def __init__(self, columns: list[Column], numbers: list[int], own: tf.Tensor) -> None:
        self.numbers, self.own = numbers, own
        self.center = np.array([column.center[0] for column in columns], "float32")
        self.scale = np.array([column.scale for column in columns], "float32")

    def log_prob(self, values):
        there = self.there(values)
        # The inner `where` keeps the unused branch finite, or its gradient would be NaN.
        return tf.where(there, self.of_values(tf.where(there, values, tf.zeros_like(values))), 0.0)

    def of_values(self, values):
        raise NotImplementedError

    def there(self, values):
        return ~tf.math.is_nan(values)


class _Real(_Group):
    @property
    def parameters(self):
        mean, log_var = tf.split(self.own, 2, axis=-1)
        # log(v + 0.01), smoothly.
        return mean, LEAST_LOG_VARIANCE + tf.nn.softplus(bounded_log(log_var) - LEAST_LOG_VARIANCE)

    def of_values(self, values):
        mean, log_var = self.parameters
        standard = (values - self.center) / self.scale
        log_density = -0.5 * (LOG_TWO_PI + log_var + tf.square(standard - mean) * tf.exp(-log_var))
        return log_density - np.log(self.scale)

    def mean(self):
        return self.center + self.scale * self.parameters[0]

    def distribution(self):
        return tfd().Normal(self.mean(), self.scale * tf.exp(0.5 * self.parameters[1]))


class _Count(_Group):
    def __init__(self, columns: list[Column], numbers: list[int], own: tf.Tensor) -> None:
        super().__init__(columns, numbers, own)
        # Counts as large as those of the data have a mean as large as themselves.
        self.exact = np.array([min(max(EXACT, column.largest), LARGEST_LOG) for column in columns], "float32")

    def there(self, values):
        return values >= 0.0

    @property
    def parameters(self):
        log_mean, log_size = tf.split(self.own, 2, axis=-1)
        return bounded_log(self.center + self.scale * log_mean, self.exact), bounded_log(log_size)

    def of_values(self, values):
        # In double precision: of counts or a size of a million, lgamma is of millions, and float32 has steps of
        # whole nats there, while the difference may be of hundredths.
        log_mean, log_size, counts = (tf.cast(each, "float64") for each in (*self.parameters, values))
        size = tf.exp(log_size)
        log_sum = tf.math.reduce_logsumexp(tf.stack([log_mean, log_size]), axis=0)  # of mean and size
        log_choices = tf.math.lgamma(counts + size) - tf.math.lgamma(size) - tf.math.lgamma(counts + 1.0)
        log_prob = log_choices + size * (log_size - log_sum) + counts * (log_mean - log_sum)
        return tf.cast(log_prob, values.dtype)

    def mean(self):
        return tf.exp(self.parameters[0])

    def distribution(self):
        log_mean, log_size = self.parameters
        return tfd().NegativeBinomial(tf.exp(log_size), logits=log_mean - log_size)


class _YesNo(_Group):
    def there(self, values):
        return (values >= 0.0) & (values <= 1.0)

    def of_values(self, values):
        return values * self.own - tf.nn.softplus(self.own)

    def mean(self):
        return tf.sigmoid(self.own)

    def distribution(self):
        return tfd().Bernoulli(logits=self.own, dtype=self.own.dtype)


class _Category(_Group):
    """One column."""

    def there(self, values):
        return tf.reduce_any(values == tf.range(self.own.shape[-1], dtype=values.dtype), axis=-1, keepdims=True)

    def of_values(self, values):
        chosen = tf.one_hot(tf.cast(values[..., 0], "int32"), self.own.shape[-1], dtype=self.own.dtype)
        return tf.reduce_sum(chosen * tf.nn.log_softmax(self.own), axis=-1, keepdims=True)

    def mean(self):
        return tf.cast(tf.argmax(self.own, axis=-1), self.own.dtype)[..., None]

    def distribution(self):
        return tfd().Categorical(logits=self.own[..., None, :], dtype=self.own.dtype)


_GROUPS = {"real": _Real, "count": _Count, "yes_no": _YesNo, "category": _Category}
