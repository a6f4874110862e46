"""Single batches, which are taken by hand."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae import inputs
from tf_gmvae.checks import known
from tf_gmvae.model import in_memory
from tf_gmvae.model.replicas import KeepsOrder


def known_parts(answers: Any) -> Any:
    """The same answers, of which those that are floats are checked by `known`.

    Args:
        answers: array (N, ...), or the structure of arrays that the `call` of a subclass returns.

    Returns:
        The same structure.
    """
    return keras.tree.map_structure(lambda part: known(part) if part.dtype.kind == "f" else part, answers)


class OnBatches(KeepsOrder):
    """The methods of `GMVAE` that take one batch, checked as `fit` checks its data."""

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: None = None, class_weight: None = None, **kwargs: Any
    ) -> Any:
        """See `keras.Model.train_on_batch`, and `fit` for the data."""
        x = self._checked(x, class_weight=class_weight, sample_weight=sample_weight)
        self.last_arrays = in_memory.OTHER_DATA
        with inputs.readable_errors():
            logs = super().train_on_batch(self._dealt(x), self._dealt(y), **kwargs)
        return self._of_all(logs)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: None = None, **kwargs: Any) -> Any:
        """See `keras.Model.test_on_batch`, and `fit` for the data."""
        x = self._checked(x, sample_weight=sample_weight)
        with inputs.readable_errors():
            logs = super().test_on_batch(self._dealt(x), self._dealt(y), **kwargs)
        return self._of_all(logs)

    def predict_on_batch(self, x: Any) -> np.ndarray:
        """See `keras.Model.predict_on_batch`, and `fit` for the data: the posterior p(z | y), array (B, K)."""
        x = self._checked(x)
        with inputs.readable_errors():
            answers = known_parts(super().predict_on_batch(x))
        # Every replica has answered the whole batch; what is no answer to an example stays as it is.
        number, size = self.distribute_strategy.num_replicas_in_sync, len(x)
        return keras.tree.map_structure(
            lambda part: part[:size] if number > 1 and part.shape[:1] == (number * size,) else part, answers
        )

    def _of_all(self, logs):
        """The logs of all replicas, as of `fit`: Keras takes the mean, in which one without examples has 0."""
        if self.distribute_strategy.num_replicas_in_sync == 1:
            return logs
        found = {name: np.array(value) for name, value in self.get_metrics_result().items()}
        return found if isinstance(logs, dict) else list(found.values())

    def _dealt(self, values):
        """A batch of which each replica takes a part, as of those of `fit`; Keras gives each the whole."""
        strategy = self.distribute_strategy
        if values is None or strategy.num_replicas_in_sync == 1:
            return values
        parts = np.array_split(values, strategy.num_replicas_in_sync)
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.convert_to_tensor(parts[context.replica_id_in_sync_group])
        )
