"""Keras callbacks for training a GMVAE."""

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae import disk, evaluation, objective
from tf_gmvae.errors import TrainingDivergedError

# What helps a training; and one whose learning rate is that of its paper.
LOWER_RATE = "lower the learning rate; if that does not help, standardise the data or drop extreme examples"
FIXED_RATE = "standardise the data, or drop extreme examples"


class StopOnNonFinite(keras.callbacks.Callback):
    """Stops training at the first step whose loss or term is NaN or infinite.

    It raises instead of setting `stop_training`, so that no callback after it, a checkpoint above all, sees
    the spoilt weights.

    Args:
        mend: text, what to do about it after the first step. Default `LOWER_RATE`.

    Raises:
        TrainingDivergedError: naming epoch, step and the terms.
    """

    def __init__(self, mend: str = LOWER_RATE) -> None:
        super().__init__()
        self.mend = mend

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Remembers the epoch, for the message."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Checks the running means, which a single bad step spoils."""
        logs = logs or {}
        bad = [name for name, value in logs.items() if not math.isfinite(value)]
        if bad:
            # Loss and ELBO are sums of the terms; where a term is bad they add nothing to the message.
            terms = [name for name in bad if name not in ("loss", "elbo")] or bad
            # Nothing has been learned at the first step: it is the values themselves.
            mend = "standardise the data, column by column for a table, since their values are too large"
            if (self._epoch, batch) != (0, 0):
                mend = self.mend
            raise TrainingDivergedError(
                f"Training diverged: {', '.join(terms)} became {logs[terms[0]]} at step {batch + 1} of epoch "
                f"{self._epoch + 1}: {mend}."
            )


def guarded(
    callbacks: keras.callbacks.CallbackList | Sequence[keras.callbacks.Callback] | keras.callbacks.Callback | None,
) -> list[keras.callbacks.Callback]:
    """Callbacks as `fit` takes them, with one that stops at a loss that is not finite.

    Args:
        callbacks: list or one of them, or None.

    Returns:
        List, with a `StopOnNonFinite` first unless there is one: no checkpoint after it sees spoilt weights.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = callbacks.callbacks
    found = keras.tree.flatten(callbacks) if callbacks else []
    return found if any(isinstance(each, StopOnNonFinite) for each in found) else [StopOnNonFinite(), *found]


class TrainingSeconds(keras.callbacks.Callback):
    """Adds `seconds` to an epoch's logs: the time of its training steps, without validation."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        self._start = time.perf_counter()
        self._seconds: float | None = None

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Stops the clock where validation begins."""
        self._stop()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Stops the clock, if validation has not, and logs it."""
        logs = {} if logs is None else logs
        logs["seconds"] = self._stop()

    def _stop(self) -> float:
        if self._seconds is None:
            self._seconds = time.perf_counter() - self._start
        return self._seconds


class StopAfterSeconds(keras.callbacks.Callback):
    """Stops training after the epoch in which a budget is used up.

    It goes by the seconds of `TrainingSeconds`, which must stand before it.

    Args:
        seconds: budget.
        spent: seconds of it that are already gone. Default 0.
    """

    def __init__(self, seconds: float, spent: float = 0.0) -> None:
        super().__init__()
        self.seconds, self.spent = seconds, spent

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Adds the epoch's seconds."""
        self.spent += (logs or {})["seconds"]
        if self.spent >= self.seconds:
            self.model.stop_training = True


class StopWithoutProgress(keras.callbacks.Callback):
    """Stops training where the ELBO no longer rises, and puts the weights of the best epoch back.

    It goes by `val_elbo`, which `validation_data` or `TestPart` before it provide, else by the `elbo` of training.
    The optimizer is left as it is, so that its steps still say how far training came. What does not stop early
    keeps the weights of its last epoch.

    Args:
        patience: integer, epochs without a higher ELBO after which training stops.
        path: path of the file that keeps the weights of the best epoch.
        past: list of the ELBOs of epochs before this training, the file being that of the best of them. Default
            none.
    """

    def __init__(self, patience: int, path: str | Path, past: Sequence[float] = ()) -> None:
        super().__init__()
        self.patience, self.path, self.past = patience, Path(path), list(past)
        self._num_past, self._validates = len(self.past), False

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keeps the weights, or waits, or stops."""
        logs = logs or {}
        if "val_elbo" in logs and not self._validates:
            self._validates = True
            del self.past[self._num_past :]  # with `validation_freq`: ELBOs of training are on another scale
        elif "val_elbo" not in logs and self._validates:
            return
        self.past.append(elbo_of(logs))
        waited = epochs_without_progress(self.past)
        if not waited:
            with disk.whole(self.path) as partial:
                np.savez(partial, *self.model.get_weights())
        elif waited >= self.patience and self.path.is_file():
            with np.load(self.path, allow_pickle=False) as kept:
                self.model.set_weights([kept[name] for name in kept.files])
            self.model.stop_training = True


def elbo_of(logs: Mapping[str, float]) -> float:
    """The ELBO that an epoch is judged by: of a part that is not trained on, else of training.

    Args:
        logs: dict of the epoch's logs, or its row of a history.

    Returns:
        Float, nats; minus infinity where there is none.
    """
    return logs.get("val_elbo", logs.get("elbo", -math.inf))


def epochs_without_progress(elbos: Sequence[float]) -> int:
    """Epochs since the one with the highest ELBO.

    Args:
        elbos: list of numbers, one an epoch.

    Returns:
        Integer; 0 if the last epoch is the best, or there is none.
    """
    return len(elbos) - 1 - int(np.argmax(elbos)) if elbos else 0


class TestPart(keras.callbacks.Callback):
    """Adds loss, ELBO and terms of a part that is not trained on to an epoch's logs, in one pass, as `val_...`.

    If the part has labels, its scores follow as `test_...`: to watch, never to choose by.

    Args:
        batches: data set of one pass over the examples, in order.
        labels: array (N,), or None.
    """

    __test__ = False  # pytest would take the class for tests

    def __init__(self, batches: tf.data.Dataset, labels: np.ndarray | None = None) -> None:
        super().__init__()
        self.batches, self.labels = batches, labels

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Examines and scores."""
        logs = {} if logs is None else logs
        found = self.model.examine(self.batches)
        means = objective.ElboTerms(*(float(np.mean(term)) for term in found.terms))
        loss = float(objective.training_loss(means, self.model.min_information))
        logs.update({f"val_{name}": value for name, value in means._asdict().items()})
        logs.update(val_loss=loss, val_elbo=means.elbo)
        if self.labels is not None:
            scores = evaluation.scores(found.posterior, self.labels, found.log_posterior)
            logs.update({f"test_{name}": value for name, value in scores.items() if value is not None})


class SaveEveryEpoch(keras.callbacks.Callback):
    """Saves the whole model, optimizer and noise state included, after every epoch, see `save_whole`.

    Args:
        path: path of the `.keras` file.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self.path = Path(path)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Saves the model."""
        save_whole(self.model, self.path)


def save_whole(model: keras.Model, path: str | Path) -> None:
    """Saves a model so that no reader, and no kill, ever finds half a file.

    Args:
        model: Keras model.
        path: path of the `.keras` file.
    """
    with disk.whole(path) as partial:
        model.save(partial)
