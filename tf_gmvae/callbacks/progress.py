"""A Keras callback that stops a training that makes no more progress."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from tf_gmvae import disk


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
