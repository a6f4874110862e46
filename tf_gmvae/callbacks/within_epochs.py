"""A Keras callback that saves within epochs, so that training goes on from that very step."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from tf_gmvae import disk
from tf_gmvae.callbacks.saving import save_whole
from tf_gmvae.errors import InputError, in_short
from tf_gmvae.optimizer import steps_taken


class SaveWithinEpochs(keras.callbacks.Callback):
    """Saves the whole model within an epoch, and beside it what the epoch's row in the history needs.

    The running means of the epoch and its seconds lie beside the model in `within-<steps>.npz`, which belongs to
    the model that has taken so many steps, and is there before it. Training goes on by a `fit` of the loaded model
    for the steps that the epoch has left, with a `SaveWithinEpochs` of the same `path`, which puts the means back.
    It stands after `TrainingSeconds`, whose seconds it completes, and before what looks at them.

    Args:
        path: path of the `.keras` file.
        steps: integer, steps after which it saves. Default None: never for their sake.
        seconds: float, seconds after which it saves. Default None: never for their sake.
        stop: function that says whether training shall stop now. Default None: it goes on.
        stopped: exception to raise, once the model is saved, where `stop` says so. Default `KeyboardInterrupt`.

    Attributes:
        fetch: function without arguments that is called before the model is saved, to bring it up to date where it
            is a copy of what trains. None, as it begins, of a model that trains itself.
    """

    def __init__(
        self,
        path: str | Path,
        steps: int | None = None,
        seconds: float | None = None,
        stop: Callable[[], bool] | None = None,
        stopped: type[BaseException] = KeyboardInterrupt,
    ) -> None:
        super().__init__()
        self.path, self.steps, self.seconds = Path(path), steps, seconds
        self.stop, self.stopped = stop, stopped
        self.before = 0.0  # seconds of this epoch, before a break
        self.fetch: Callable[[], None] | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Sets its clock; only the first epoch may be one that goes on."""
        self._saved, self._goes_on = time.monotonic(), True

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Puts the means of an epoch that goes on back, after Keras has set them to zero."""
        self._began, self.before = time.perf_counter(), 0.0
        # What the epoch before has left is of its last step, where nobody knew that it was the last.
        taken = steps_taken(self.model.optimizer) if self._goes_on else None
        self._goes_on = False
        self._sweep(but=taken)
        if taken is not None and self._means(taken).is_file():
            self._put_back(self._means(taken))

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Saves, if it is time to; the last step of an epoch is left to its end."""
        stops = self.stop is not None and self.stop()
        if batch + 1 == self.params.get("steps"):
            return
        due = self.steps is not None and steps_taken(self.model.optimizer) % self.steps == 0
        due |= self.seconds is not None and time.monotonic() - self._saved >= self.seconds
        if not (due or stops):
            return
        if self.fetch is not None:
            self.fetch()
        taken = steps_taken(self.model.optimizer)
        with disk.whole(self._means(taken)) as partial:
            means = {f"mean{n}": variable.value.numpy() for n, variable in enumerate(self._variables())}
            np.savez(partial, seconds=self.before + time.perf_counter() - self._began, **means)
        save_whole(self.model, self.path)
        self._sweep(but=taken)
        self._saved = time.monotonic()
        if stops:
            raise self.stopped

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Adds the seconds before a break to those in the logs."""
        if logs is not None and "seconds" in logs:
            logs["seconds"] += self.before

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Removes what no epoch needs any more."""
        self._sweep()

    def _put_back(self, path):
        try:
            with np.load(path, allow_pickle=False) as found:
                for number, variable in enumerate(self._variables()):
                    variable.assign(found[f"mean{number}"])
                self.before = float(found["seconds"])
        except (OSError, ValueError, LookupError, zipfile.BadZipFile) as error:
            reason = in_short(error)
            raise InputError(
                f"{path} is damaged ({reason}): remove it, and the means of that epoch are those of later steps."
            ) from None

    def _variables(self):
        return [variable for metric in self.model.metrics for variable in metric.variables]

    def _means(self, taken):
        return self.path.with_name(f"within-{taken}.npz")

    def _sweep(self, but=None):
        for path in self.path.parent.glob("within-*.npz"):
            if path != self._means(but):
                path.unlink(missing_ok=True)
