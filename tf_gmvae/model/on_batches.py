"""Single batches, which are taken by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_gmvae import inputs
from tf_gmvae.checks import known
from tf_gmvae.model import in_memory
from tf_gmvae.model.replicas import KeepsOrder


class OnBatches(KeepsOrder):
    """The methods of `GMVAE` that take one batch, checked as `fit` checks its data."""

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: None = None, class_weight: None = None, **kwargs: Any
    ) -> Any:
        """See `keras.Model.train_on_batch`, and `fit` for the data."""
        x = self._checked(x, class_weight=class_weight, sample_weight=sample_weight)
        self.last_arrays = in_memory.OTHER_DATA
        with inputs.readable_errors():
            return super().train_on_batch(x, y, **kwargs)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: None = None, **kwargs: Any) -> Any:
        """See `keras.Model.test_on_batch`, and `fit` for the data."""
        x = self._checked(x, sample_weight=sample_weight)
        with inputs.readable_errors():
            return super().test_on_batch(x, y, **kwargs)

    def predict_on_batch(self, x: Any) -> np.ndarray:
        """See `keras.Model.predict_on_batch`, and `fit` for the data: the posterior p(z | y), array (B, K)."""
        x = self._checked(x)
        with inputs.readable_errors():
            return known(super().predict_on_batch(x))
