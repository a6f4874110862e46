"""Layers that hold others, whose precision is kept in files, and their masks."""

from __future__ import annotations

from typing import Any

import keras

from layers.keras_private import sublayers


class KeepsPolicies(keras.layers.Layer):
    """A layer that makes others in its constructor, which `keras.Model.quantize` may have quantized.

    Keras asks the innermost layers alone to quantize themselves, and this layer to be written; so it writes what
    these have become.
    """

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, and how each layer within is quantized, if one is."""
        within = sublayers(self, include_self=False)
        if not any(layer.quantization_mode for layer in within):
            return super().get_config()
        return {**super().get_config(), "within": [_quantization(layer) for layer in within]}

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the input for both outputs, as the Dense layers within keep it."""
        return None if previous_mask is None else (previous_mask, previous_mask)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> keras.layers.Layer:
        """The layer of a config; those within build themselves as they were quantized."""
        config = dict(config)
        quantizations = config.pop("within", ())
        layer = super().from_config(config)
        for each, kept in zip(sublayers(layer, include_self=False), quantizations, strict=False):
            if kept is not None:
                each.quantization_config = keras.saving.deserialize_keras_object(kept["quantization_config"])
                each.dtype_policy = keras.dtype_policies.deserialize(kept["dtype"])
        return layer


def _quantization(layer):
    if not layer.quantization_mode:
        return None
    settings = getattr(layer, "quantization_config", None)  # Keras 3.12 had none
    return {
        "dtype": keras.dtype_policies.serialize(layer.dtype_policy),
        "quantization_config": keras.saving.serialize_keras_object(settings),
    }
