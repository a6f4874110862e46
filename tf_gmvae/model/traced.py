"""Methods that TensorFlow traces, until their model is compiled anew."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import tensorflow as tf


class Traced:
    """A method of a Keras model that is traced for each model, and anew after `drop`; to be used as a decorator.

    What a `tf.function` has traced holds the networks as they were then, whatever `enable_lora`, `quantize` or
    another layer makes of them. Keras drops its own functions in `compile`, and so are these dropped there.

    Args:
        method: method of tensors.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        self.method = method

    def __get__(self, model: Any, owner: type | None = None) -> Any:
        """The method of a model; of a class, which has no networks, the function itself."""
        if model is None:
            return self.method
        # Beside what Keras tracks, so that no file has them. Where two threads make the same one, the first stays.
        functions = vars(model).setdefault("_traced", {})
        if self not in functions:
            method = types.MethodType(self.method, model)
            functions.setdefault(self, tf.function(method, reduce_retracing=True, autograph=False))
        return functions[self]


def drop(model: Any) -> None:
    """Drops what the methods of a model have been traced to.

    Args:
        model: Keras model.
    """
    vars(model).pop("_traced", None)
