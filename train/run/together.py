"""Training of one model on several devices or machines: what the chief does, and what the others do."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae import GMVAE
from tf_gmvae.callbacks.saving import save_whole
from train.run.place import Place
from train.run.twin import InStep, Twin, packed, unpacked
from train.run.workers import ENDS, FAILS, Workers

# Function of the assignments to hold on to (None without), of where training stands, and of the share of a batch.
MakeBatches = Callable[[np.ndarray | None, Place, tuple[int, int]], tf.data.Dataset]


def fit(
    together: Workers,
    model: GMVAE,
    make_batches: MakeBatches,
    held: np.ndarray | None,
    place: Place,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Trains a model together with all workers, on the chief.

    Args:
        together: `Workers` with a strategy.
        model: `GMVAE`, made outside of the strategy; afterwards it is as if it had been trained itself.
        make_batches: see `MakeBatches`.
        held: array (N, K), assignments to hold on to, or None.
        place: `Place`.
        callbacks: list of callbacks of the model.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        save_whole(model, path)
        arrays = {"model": np.frombuffer(path.read_bytes(), "uint8")}
    if held is not None:
        arrays["held"] = held
    content = packed(place=np.array(json.dumps(place)), **arrays)
    together.send(content)
    _train(together, content, make_batches, Twin(together, model, callbacks, place.fit))


def follow(together: Workers, make_batches: MakeBatches) -> bool:
    """Trains together with the chief, as often as it says, on another worker.

    Args:
        together: `Workers`.
        make_batches: see `MakeBatches`.

    Returns:
        Whether all is well; else the chief could not go on.
    """
    while True:
        word, content = together.send()
        if word in (ENDS, FAILS):
            return word == ENDS
        _train(together, content, make_batches, InStep(together))


def _train(together, content, make_batches, callback):
    content = unpacked(content)
    place = Place(*json.loads(str(content["place"])))
    with tempfile.TemporaryDirectory() as folder, together.strategy.scope():
        path = Path(folder) / "model.keras"
        path.write_bytes(content["model"].tobytes())
        model = keras.saving.load_model(path)
    model.jit_compile = False  # XLA and several GPUs: reported to hang
    own = together.num_replicas // together.workers
    parts = [
        make_batches(content.get("held"), place, (together.worker * own + part, together.num_replicas))
        for part in range(own)
    ]
    # A worker of several devices deals what its data set yields out among them, in turn.
    turns = tf.data.Dataset.range(own).repeat()
    batches = parts[0] if own == 1 else tf.data.Dataset.choose_from_datasets(parts, turns)
    shared = together.strategy.distribute_datasets_from_function(lambda context: batches)
    together.in_step = True
    model.fit(shared, verbose=0, callbacks=[callback], **place.fit)
    together.in_step = False
