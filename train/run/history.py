"""The file of a run's epochs, as it is written."""

from __future__ import annotations

import csv
from pathlib import Path

import keras


class History(keras.callbacks.CSVLogger):
    """Adds a row an epoch, under the names that are there: Keras adds columns for a validation that there is not.

    Args:
        path: path of the file.
    """

    keys: list[str] | None  # of Keras

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, append=True)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Writes the row."""
        if self.keys is None:
            with open(self.filename, newline="", encoding="utf-8") as file:
                self.keys = next(csv.reader(file), ["epoch"])[1:] or sorted(logs or {})
        super().on_epoch_end(epoch, logs)
