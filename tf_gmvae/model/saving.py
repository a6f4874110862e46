"""How a GMVAE is written and read by Keras."""

from __future__ import annotations

import warnings
from typing import Any

import keras

from layers.keras_private import sublayers
from tf_gmvae import likelihoods
from tf_gmvae.errors import InputError
from tf_gmvae.model import in_memory
from tf_gmvae.model.exporting import Exporting


class Saving(Exporting):
    """The methods of `GMVAE` behind `save`, `keras.saving.load_model` and `export`."""

    def quantize(self, mode: str | None = None, **kwargs: Any) -> None:
        """Refused: files could not be read, since the model makes its heads anew, in full precision."""
        raise InputError(
            "GMVAE cannot quantize its heads: call model.encoder.quantize and model.decoder.quantize, and compile "
            "the model again."
        )

    def _own_layers(self):
        """Layers that the model made itself, by name; those within one by its name and their number there."""
        own = {"x_head": self.x_head, "w_head": self.w_head, "prior_head": self.prior_head}
        own |= {f"style_head_{number}": head for number, head in enumerate(self.style_heads)}
        priors = {"component_prior": self.component_prior, "style_prior": self.style_prior}
        own |= {name: prior for name, prior in priors.items() if isinstance(prior, keras.Layer)}
        for name, layer in list(own.items()):
            within = sublayers(layer, include_self=False)
            own |= {f"{name}/{number}": each for number, each in enumerate(within)}
        return own

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, networks included, and which of the model's own layers do not train."""
        frozen = [name for name, layer in self._own_layers().items() if not layer.trainable]
        return {
            **({"frozen": frozen} if frozen else {}),
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

    def get_compile_config(self) -> dict[str, Any]:
        """How the model was compiled, and how far it has come in the order of its array."""
        config = super().get_compile_config()
        if not config:
            return config
        in_memory.record(self)  # it may be saved within an epoch
        if self.is_jit_automatic:  # that it was on here says nothing of where it will be loaded
            config["jit_compile"] = "auto"
        return config if self.last_arrays is None else {**config, "last_arrays": list(self.last_arrays)}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a loaded model as it was compiled when saved."""
        config = dict(config)
        last_arrays = config.pop("last_arrays", None)  # earlier versions kept none
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.last_arrays = None if last_arrays is None else tuple(last_arrays)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> keras.Model:
        """The model of a config; its parts are deserialised first."""
        config = dict(config)
        frozen = config.pop("frozen", ())
        for part in ("encoder", "decoder", "likelihood", "style_prior"):
            # Models of earlier versions name no prior, and most likelihoods are a name.
            if isinstance(config.get(part), dict):
                config[part] = keras.saving.deserialize_keras_object(config[part], custom_objects=custom_objects)
        with warnings.catch_warnings():
            # Weights without a seed are no concern: those that were saved replace them.
            warnings.filterwarnings("ignore", message=r"GMVAE\(seed=")
            model = cls(**config)
        for name in frozen:
            model._own_layers()[name].trainable = False
        model.initialized = None
        return model
