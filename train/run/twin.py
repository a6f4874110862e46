"""A copy of the model on the chief, which callbacks look at and save while all workers train the model itself."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from tf_gmvae import GMVAE
from tf_gmvae.callbacks.within_epochs import SaveWithinEpochs
from tf_gmvae.optimizer import steps_taken
from train.run.workers import Workers

Of = Callable[[GMVAE], list[keras.Variable]]


class InStep(keras.callbacks.Callback):
    """Does what the chief says at the beginning and the end of every epoch; itself what all other workers have.

    Args:
        together: `Workers`.
    """

    def __init__(self, together: Workers) -> None:
        super().__init__()
        self.together = together

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Takes the means of an epoch that goes on; of one that begins they are zero."""
        self.take(means)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Stops, or takes weights that have been changed."""
        self.go_by(None)

    def go_by(self, decided: bytes | None) -> None:
        """Does what the chief has decided.

        Args:
            decided: two bytes of the chief, whether training stops and whether weights have changed; None of
                others.
        """
        stops, has_changed = self.together.send(decided)[1]
        if stops:
            self.model.stop_training = True
        elif has_changed:
            self.take(state)

    def take(self, of: Of, content: bytes | None = None) -> None:
        """Gives variables of the model the values that the chief sends.

        Args:
            of: function of a model that returns them.
            content: bytes of the chief, their values; None of others.
        """
        values = unpacked(self.together.send(content)[1])
        with self.together.strategy.scope():
            for variable, value in zip(of(self.model), values.values(), strict=True):
                variable.assign(value)  # of sums, TensorFlow itself gives each replica its share


class Twin(InStep):
    """Keeps a copy of the model on the chief, of which callbacks see what they would see of one device.

    What they decide, to stop or to change weights, the chief tells the others. Only the chief computes and writes
    anything for them, so a copy outside of the strategy is needed: within, every answer would wait for all.

    Args:
        together: `Workers`.
        twin: `GMVAE` to keep up to date.
        callbacks: list of its callbacks.
        fit: dict of arguments of `keras.Model.fit`.
    """

    def __init__(
        self, together: Workers, twin: GMVAE, callbacks: Sequence[keras.callbacks.Callback], fit: dict[str, Any]
    ) -> None:
        super().__init__(together)
        self.twin = twin
        twin.stop_training = False
        self.of_twin = keras.callbacks.CallbackList(
            callbacks, model=twin, epochs=fit["epochs"], steps=fit["steps_per_epoch"], verbose=0
        )
        for callback in callbacks:
            if isinstance(callback, SaveWithinEpochs):
                callback.fetch = self._fetch

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Passes it on."""
        self._taken = steps_taken(self.twin.optimizer)
        self.of_twin.on_train_begin(logs)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Passes it on, and the means of an epoch that goes on to all."""
        self.twin.reset_metrics()
        self.of_twin.on_epoch_begin(epoch, logs)
        self.take(means)

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Passes it on."""
        self.of_twin.on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Passes it on, and how many steps are taken; the rest of the model comes where somebody saves it."""
        self._taken += 1
        self.twin.optimizer.iterations.assign(self._taken)
        self.of_twin.on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Passes it on, and what comes of it to all."""
        self._fetch()
        before = _values(state(self.twin))
        self.of_twin.on_epoch_end(epoch, logs)
        has_changed = not all(map(np.array_equal, before, _values(state(self.twin))))
        self.go_by(bytes([self.twin.stop_training, has_changed]))

    def take(self, of: Of, content: bytes | None = None) -> None:
        """See `InStep`; what the chief has to give is what the copy has."""
        super().take(of, packed(*_values(of(self.twin))) if content is None else content)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Passes it on."""
        self.of_twin.on_train_end(logs)

    def _fetch(self):
        """Brings the copy up to date. Replicas are alike, so no other worker is asked."""
        for of, times in ((state, 1), (means, self.together.num_replicas)):
            for theirs, ours in zip(of(self.model), of(self.twin), strict=True):
                value = self.together.strategy.experimental_local_results(theirs.value)[0].numpy()
                ours.assign(value * times if times > 1 else value)


def state(model: GMVAE) -> list[keras.Variable]:
    """Variables that training changes; validation has noise of its own, which only the copy draws.

    Args:
        model: built and compiled `GMVAE`.
    """
    others = {id(variable) for variable in (*means(model), *model.evaluation_sampler.variables)}
    return [variable for variable in (*model.variables, *model.optimizer.variables) if id(variable) not in others]


def means(model: GMVAE) -> list[keras.Variable]:
    """Variables of the running means of an epoch.

    Args:
        model: `GMVAE`.
    """
    return [variable for metric in model.metrics for variable in metric.variables]


def _values(variables):
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def packed(*arrays: Any, **named: Any) -> bytes:
    """Arrays as bytes.

    Args:
        *arrays: arrays.
        **named: arrays by their names.
    """
    with io.BytesIO() as file:
        np.savez(file, *arrays, **named)
        return file.getvalue()


def unpacked(content: bytes) -> dict[str, np.ndarray]:
    """The same again.

    Args:
        content: bytes.

    Returns:
        Dict of arrays by their names, in their order.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        return {name: found[name] for name in found.files}
