"""Keras' own export, of models that know the shape of their data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from tf_gmvae.errors import NOTHING_TO_EXPORT, InputError
from tf_gmvae.model.part import Part


class Exporting(Part):
    """The method `export` of models with a `data_shape`."""

    def export(
        self, filepath: str | Path, format: str = "tf_saved_model", verbose: bool | None = None, **kwargs: Any
    ) -> None:
        """See `keras.Model.export`: a SavedModel from examples (B, ...) to what `predict` gives, (B, K)."""
        if not self.built:
            raise InputError(NOTHING_TO_EXPORT)
        # Keras takes the signature of the last call, and a model that was only trained has had none.
        kwargs.setdefault("input_signature", [keras.InputSpec(dtype="float32", shape=(None, *self.data_shape))])
        super().export(filepath, format, verbose, **kwargs)
