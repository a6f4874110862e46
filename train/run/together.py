"""Training of one model on several devices or machines, while a copy of it on the chief is looked at and saved."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae import GMVAE
from tf_gmvae.callbacks.basic import save_whole
from tf_gmvae.callbacks.within_epochs import SaveWithinEpochs
from train.run.workers import ENDS, FAILS, Workers

# Function of the assignments to hold on to (None without), of what fit was told, and of the share of a batch.
MakeBatches = Callable[[np.ndarray | None, dict[str, Any], tuple[int, int]], tf.data.Dataset]


def fit(
    together: Workers,
    model: GMVAE,
    make_batches: MakeBatches,
    held: np.ndarray | None,
    told: dict[str, Any],
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Trains a model together with all workers, on the chief.

    Args:
        together: `Workers` with a strategy.
        model: `GMVAE`, made outside of the strategy; afterwards it is as if it had been trained itself.
        make_batches: see `MakeBatches`.
        held: array (N, K), assignments to hold on to, or None.
        told: what `make_batches` and, as "fit", `keras.Model.fit` are told; JSON can hold it.
        callbacks: list of callbacks of the model.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        save_whole(model, path)
        arrays = {"model": np.frombuffer(path.read_bytes(), "uint8")}
    if held is not None:
        arrays["held"] = held
    packed = _packed(told=np.array(json.dumps(told)), **arrays)
    together.send(packed)
    _train(together, packed, make_batches, Twin(together, model, callbacks, told["fit"]))


def follow(together: Workers, make_batches: MakeBatches) -> bool:
    """Trains together with the chief, as often as it says, on another worker.

    Args:
        together: `Workers`.
        make_batches: see `MakeBatches`.

    Returns:
        Whether all is well; else the chief could not go on.
    """
    while True:
        word, packed = together.send()
        if word in (ENDS, FAILS):
            return word == ENDS
        _train(together, packed, make_batches, Twin(together))


def _train(together, packed, make_batches, twin):
    content = _unpacked(packed)
    told = json.loads(str(content["told"]))
    assert together.strategy is not None
    with tempfile.TemporaryDirectory() as folder, together.strategy.scope():
        path = Path(folder) / "model.keras"
        path.write_bytes(content["model"].tobytes())
        model = keras.saving.load_model(path)
    model.jit_compile = False  # XLA and several GPUs: reported to hang
    own = together.num_replicas // together.workers
    parts = [
        make_batches(content.get("held"), told, (together.worker * own + part, together.num_replicas))
        for part in range(own)
    ]
    # A worker of several devices deals what its data set yields out among them, in turn.
    turns = tf.data.Dataset.range(own).repeat()
    batches = parts[0] if own == 1 else tf.data.Dataset.choose_from_datasets(parts, turns)
    shared = together.strategy.distribute_datasets_from_function(lambda context: batches)
    together.in_step = True
    model.fit(shared, verbose=0, callbacks=[twin], **told["fit"])
    together.in_step = False


class Twin(keras.callbacks.Callback):
    """Keeps a copy of the model on the chief, of which callbacks see what they would see of one device.

    What they decide, to stop or to change weights, the chief tells the others. Only the chief computes and writes
    anything for them, so a copy outside of the strategy is needed: within, every answer would wait for all workers.

    Args:
        together: `Workers`.
        model: `GMVAE` to keep up to date, on the chief; None on the others.
        callbacks: list of its callbacks. Default none.
        fit: dict of arguments of `keras.Model.fit`. Default none.
    """

    def __init__(
        self,
        together: Workers,
        model: GMVAE | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        fit: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.together, self.twin = together, model
        self.of_twin = None
        if model is not None:
            model.stop_training = False
            fit = fit or {}
            self.of_twin = keras.callbacks.CallbackList(
                callbacks, model=model, epochs=fit["epochs"], steps=fit["steps_per_epoch"], verbose=0
            )
        for callback in callbacks:
            if isinstance(callback, SaveWithinEpochs):
                callback.fetch = self._pull

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Passes it on."""
        if self.of_twin is not None:
            self._taken = int(self.twin.optimizer.iterations)
            self.of_twin.on_train_begin(logs)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Passes it on, and the means of an epoch that goes on to all."""
        if self.of_twin is not None:
            self.twin.reset_metrics()
            self.of_twin.on_epoch_begin(epoch, logs)
        self._push(_means)

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Passes it on."""
        if self.of_twin is not None:
            self.of_twin.on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Passes it on."""
        if self.of_twin is not None:
            self._taken += 1
            self.twin.optimizer.iterations.assign(self._taken)
            self.of_twin.on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Passes it on, and what comes of it to all."""
        changed = False
        if self.of_twin is not None:
            self._pull()
            before = _values(_state(self.twin))
            self.of_twin.on_epoch_end(epoch, logs)
            now = _values(_state(self.twin))
            changed = not all(map(np.array_equal, before, now))
        decided = bytes([self.twin.stop_training, changed]) if self.twin is not None else None
        stops, changed = self.together.send(decided)[1]
        if stops:
            self.model.stop_training = True
        elif changed:
            self._push(_state)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Passes it on."""
        if self.of_twin is not None:
            self.of_twin.on_train_end(logs)

    def _pull(self):
        """Brings the copy up to date. Replicas are alike, so no other worker is asked."""
        for of, times in ((_state, 1), (_means, self.together.num_replicas)):
            for theirs, ours in zip(of(self.model), of(self.twin), strict=True):
                value = self.together.strategy.experimental_local_results(theirs.value)[0].numpy()
                ours.assign(value * times if times > 1 else value)

    def _push(self, of):
        """Gives all replicas what the copy has; of sums, TensorFlow itself gives each its share."""
        packed = None if self.twin is None else _packed(*_values(of(self.twin)))
        values = _unpacked(self.together.send(packed)[1])
        with self.together.strategy.scope():
            for variable, value in zip(of(self.model), values.values(), strict=True):
                variable.assign(value)


def _state(model):
    """Variables that training changes; validation has noise of its own, which only the copy draws."""
    means = {id(variable) for variable in (*_means(model), *model.evaluation_sampler.variables)}
    return [v for v in (*model.variables, *model.optimizer.variables) if id(v) not in means]


def _means(model):
    return [variable for metric in model.metrics for variable in metric.variables]


def _values(variables):
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def _packed(*arrays: Any, **named: Any) -> bytes:
    with io.BytesIO() as file:
        np.savez(file, *arrays, **named)
        return file.getvalue()


def _unpacked(content: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        return {name: found[name] for name in found.files}
