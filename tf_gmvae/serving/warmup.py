"""Recorded requests that TensorFlow Serving replays before it lets a version answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from tf_gmvae.model.gmvae import GMVAE


# Where TensorFlow Serving looks, within a version.
PATH = "assets.extra/tf_serving_warmup_requests"


def requests(model: GMVAE) -> Callable[[dict[str, tf.DType]], dict[str, np.ndarray]]:
    """One request of one example for every kind of input.

    Args:
        model: built `GMVAE`.

    Returns:
        Function of a signature's input names and dtypes, as {name: dtype}, to {name: array}.
    """
    example = model.generate(1, seed=0).astype("float32")
    low, high = model.likelihood.support
    shades = np.round(255 * np.clip(example, 0, 1)).astype("uint8")
    component = np.zeros(1, "int64")
    values = {"component": component, "seed": component, "w": np.zeros((1, model.style_dim), "float32")}

    def of(dtypes):
        known = dict(values)
        if "image_bytes" in dtypes:
            known["image_bytes"] = np.array([tf.io.encode_png(shades[0]).numpy()], object)
        if "examples" in dtypes:
            known["examples"] = shades if dtypes["examples"] == tf.uint8 else np.clip(example, low, high)
        return {name: known[name] for name in dtypes}

    return of


def write(path: Path, signatures: dict[str, Any], model: GMVAE, name: str) -> None:
    """Writes the records.

    Args:
        path: path of the file, a TFRecord of `PredictionLog` messages.
        signatures: dict of name to concrete functions with a structured input signature.
        model: built `GMVAE`.
        name: text, the model's name in the requests.
    """
    # The messages cost half a second to import, and nothing but an export needs them.
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    request_of = requests(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, function in signatures.items():
            specs = tf.nest.flatten(function.structured_input_signature)
            request = predict_pb2.PredictRequest()
            request.model_spec.name = name
            request.model_spec.signature_name = signature
            for key, value in request_of({spec.name: spec.dtype for spec in specs}).items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())
