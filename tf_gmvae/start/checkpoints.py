"""What a start has done so far, in files, so that one that was killed goes on."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tf_gmvae import disk
from tf_gmvae.errors import InputError, in_short
from tf_gmvae.optimizer import steps_taken


class Checkpoints:
    """The folder of one start; without one, nothing is kept.

    Args:
        folder: path of the folder, or None.
        arguments: dict that JSON can hold, all that decides the outcome of the start.

    Raises:
        InputError: if the folder holds the start of other arguments, or something else.
    """

    def __init__(self, folder: str | Path | None, arguments: dict[str, Any]) -> None:
        self.folder = None if folder is None else Path(folder)
        if self.folder is None:
            return
        arguments = json.loads(json.dumps(arguments, default=float))  # as they come back, NumPy's numbers too
        record = self.folder / "start.json"
        if record.is_file():
            try:
                before = json.loads(record.read_text(encoding="utf-8"))
            except ValueError:
                before = {}
            differing = [name for name, value in arguments.items() if before.get(name) != value]
            if differing:
                name = differing[0]
                raise InputError(
                    f"{self.folder} holds a start with {name}={before.get(name)}, which cannot go on with "
                    f"{name}={arguments[name]}: remove the folder, or name another."
                )
        elif self.folder.exists() and not (self.folder.is_dir() and disk.is_empty(self.folder)):
            raise InputError(f"{self.folder} holds something other than a start: name another folder.")
        self.folder.mkdir(parents=True, exist_ok=True)
        with disk.whole(record) as partial:
            partial.write_text(json.dumps(arguments), encoding="utf-8")

    def restore(self, stage: keras.Model, name: str) -> int:
        """Sets a stage up as it was left.

        Args:
            stage: training of the start, new.
            name: text, name of its file.

        Returns:
            Integer, steps that it has done; 0 if it has not been begun.

        Raises:
            InputError: if its file is damaged.
        """
        if self.folder is None:
            return 0
        path, of_before = self.folder / f"{name}.npz", self.folder / f"{name}.weights.h5"
        try:
            if path.is_file():
                _set_state(stage, path)
            elif of_before.is_file():  # so an earlier version kept it
                path = of_before
                stage.load_weights(path)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise self._damaged(path, error) from None
        return steps_taken(stage.optimizer)

    def callbacks(self, name: str) -> list[keras.callbacks.Callback]:
        """The callbacks that keep a stage after every epoch.

        Args:
            name: text, name of its file.
        """
        return [] if self.folder is None else [_KeepEveryEpoch(self.folder / f"{name}.npz")]

    def labels(self) -> np.ndarray | None:
        """The labels that were found before, or None.

        Raises:
            InputError: if their file is damaged.
        """
        if self.folder is None or not (self.folder / "labels.npy").is_file():
            return None
        try:
            return np.load(self.folder / "labels.npy", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise self._damaged(self.folder / "labels.npy", error) from None

    def keep_labels(self, labels: np.ndarray) -> None:
        """Stores the labels.

        Args:
            labels: array (S, K).
        """
        if self.folder is not None:
            with disk.whole(self.folder / "labels.npy") as partial:
                np.save(partial, labels)

    def remove(self) -> None:
        """Removes the folder: the start is done."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _damaged(self, path, error):
        reason = in_short(error)
        return InputError(
            f"{path} cannot be read ({reason}): remove the folder {self.folder}, and the start begins again."
        )


def _state(stage):
    """All variables that decide how a stage goes on: weights, noise, optimizer."""
    return [*stage.variables, *stage.optimizer.variables]


def _set_state(stage, path):
    variables = _state(stage)
    with np.load(path, allow_pickle=False) as kept:
        values = list(kept.values())
    if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
        raise ValueError("it is of another model")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _as_numpy(variable):
    value = variable.value.numpy()
    return value.astype("float32") if value.dtype.kind == "V" else value  # NumPy's files know no bfloat16


class _KeepEveryEpoch(keras.callbacks.Callback):
    """Writes weights, optimizer and noise of a stage, so that no kill leaves half a file.

    Not as Keras does it: a full disk ends HDF5, and the whole process with it.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs=None):
        """Writes the file."""
        with disk.whole(self.path) as partial:
            np.savez(partial, *map(_as_numpy, _state(self.model)))
