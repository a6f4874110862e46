"""How a GMVAE is written and read by Keras."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import keras

from tf_gmvae import likelihoods
from tf_gmvae.model.part import Part


class Saving(Part):
    """The methods of `GMVAE` behind `save`, `keras.saving.load_model` and `export`."""

    def export(self, filepath: str | Path, **kwargs: Any) -> None:
        """See `keras.Model.export`: a SavedModel from examples (B, ...) to the posterior (B, K)."""
        # Keras takes the signature of the last call, and a model that was only trained has had none.
        kwargs.setdefault("input_signature", [keras.InputSpec(dtype="float32", shape=(None, *self.data_shape))])
        super().export(filepath, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, networks included."""
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "latent_dim": self.latent_dim,
            "style_dim": self.style_dim,
            "num_components": self.num_components,
            "num_samples": self.num_samples,
            "min_information": self.min_information,
            "likelihood": likelihoods.serialize(self.likelihood),
            "prior_units": list(self.prior_units),
            "component_prior": self.component_prior.kind,
            "style_prior": keras.saving.serialize_keras_object(self.style_prior),
            "hold": self.hold,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> keras.Model:
        """The model of a config; its networks are deserialised first."""
        config = dict(config)
        for part in ("encoder", "decoder", "style_prior"):
            if part in config:  # models of earlier versions name no prior
                config[part] = keras.saving.deserialize_keras_object(config[part], custom_objects=custom_objects)
        with warnings.catch_warnings():
            # Weights without a seed are no concern: those that were saved replace them.
            warnings.filterwarnings("ignore", message=r"GMVAE\(seed=")
            model = cls(**config)
        model.initialized = None
        return model
