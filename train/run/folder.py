"""What a run leaves on disk: runs/<name>/ and the files in it.

A run that replaces another grows in runs/.<name>.new/ beside it, until its first epoch is saved.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tf_gmvae import disk
from tf_gmvae.errors import InputError
from train.run.record import Record
from train.run.settings import Settings


class RunFolder:
    """The folder of one run.

    Args:
        path: path of the folder.

    Attributes:
        flags: the resolved settings, a flag file.
        start: seconds of the start, examples a cluster and scores, JSON; absent without a start.
        start_clusters: clusters of the scored examples after the start, an array.
        start_checkpoints: folder of what a start has done so far; absent once it is done.
        model: the model after the last finished epoch, optimizer included.
        best: weights of the best epoch so far, if training stops by `--patience`.
        history: one row an epoch, CSV.
        metrics: scores of the finished run, JSON.
        report: the run in pictures, HTML.
        tensorboard: event files.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.flags = self.path / "run.flags"
        self.start = self.path / "start.json"
        self.start_clusters = self.path / "start_clusters.npy"
        self.start_checkpoints = self.path / "start"
        self.model = self.path / "model.keras"
        self.best = self.path / "best.npz"
        self.history = self.path / "history.csv"
        self.metrics = self.path / "metrics.json"
        self.report = self.path / "report.html"
        self.tensorboard = self.path / "tensorboard"
        # Of a replacement: where the new run grows, and where the old one goes while they change places.
        place = Path(os.path.abspath(self.path))
        self._new, self._old = (place.parent / f".{place.name}.{age}" for age in ("new", "old"))

    @property
    def is_taken(self) -> bool:
        """Whether there is something in the folder."""
        return self.path.is_dir() and any(self.path.iterdir())

    def check_free(self, resume: bool = False, overwrite: bool = False) -> None:
        """Refuses, before any work, a folder that holds something the user has not said to keep or drop.

        Args:
            resume: whether the run that is there shall go on.
            overwrite: whether it shall be replaced.

        Raises:
            InputError: if both are said, the place is occupied, or it holds something other than a run.
        """
        if resume and overwrite:
            raise InputError("--resume keeps a run and --overwrite drops it: give one of them.")
        try:
            self._end_exchange()
            if self.path.exists() and not self.path.is_dir():
                raise InputError(f"{self.path} is a file, not a folder: give another --name or --runs_dir.")
            if not self.is_taken:
                return
            if not (resume or overwrite):
                raise InputError(
                    f"{self.path} is not empty: pass --resume to go on with that run, --overwrite to replace it, "
                    "or another --name."
                )
            if not self.flags.is_file():
                raise InputError(f"{self.path} holds something other than a run: give another --name.")
            if overwrite and self.path.is_symlink():
                raise InputError(
                    f"{self.path} is a link, which --overwrite does not replace: remove the link, or give another "
                    "--name."
                )
        except OSError as error:
            raise self._unwritable(error) from None

    def open(self, settings: Record, resume: bool = False) -> None:
        """Makes the folder ready for a run: new, or as the run that goes on left it.

        Args:
            settings: resolved `Settings`, or another `Record`; stored in the folder.
            resume: whether the run that is there goes on.

        Raises:
            InputError: if the place is occupied, cannot be written, or its run began with other settings.
        """
        self.check_free(resume)
        try:
            self._sweep()
            if resume and self.flags.is_file():
                settings.check_same(type(settings).read(self.flags))
            self.path.mkdir(parents=True, exist_ok=True)
            self.write_whole(self.flags, settings.as_flags())
        except OSError as error:
            raise self._unwritable(error) from None

    @contextlib.contextmanager
    def replacement(self, settings: Record) -> Iterator[RunFolder]:
        """A hidden folder beside this one, whose run takes the place of the one that is here when the block ends.

        If the block fails, the new run is removed and the old one has not been touched. If the process is killed,
        the next command that trains under this name does that.

        Args:
            settings: resolved `Settings`, or another `Record`, of the new run.

        Yields:
            `RunFolder`, opened.

        Raises:
            InputError: if it cannot be written.
        """
        self.check_free(overwrite=True)
        try:
            self._sweep()
        except OSError as error:
            raise self._unwritable(error) from None
        new = RunFolder(self._new)
        try:
            new.open(settings)
            yield new
            self.path.rename(self._old)
            self._end_exchange()
        finally:
            self._sweep()

    def _end_exchange(self):
        """Ends what a kill between the two renames of a replacement has left half done."""
        if self._old.exists() and not self.path.exists():
            (self._new if self._new.exists() else self._old).rename(self.path)

    def _sweep(self):
        """Removes what a replacement has left over."""
        self._end_exchange()
        for left in (self._new, self._old):
            shutil.rmtree(left, ignore_errors=True)

    def _unwritable(self, error):
        return InputError(f"{self.path} cannot be written ({error.strerror}): give another --runs_dir.")

    def read_settings(self) -> Settings:
        """The settings of the run.

        Returns:
            `Settings`.

        Raises:
            InputError: if the folder is no run, or they cannot be read.
        """
        self._end_exchange()
        return Settings.read(self.flags)

    def check_writable(self) -> None:
        """Finds out, before any work, whether files can be written in the folder.

        Raises:
            InputError: if not.
        """
        try:
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be written ({error.strerror}): copy it to a place that can, and give the "
                "copy as --run."
            ) from None

    def read_history(self) -> list[dict[str, float]]:
        """Rows of the history, one dict of floats an epoch; rows cut short by a kill are left out.

        Raises:
            InputError: if the file is damaged.
        """
        if not self.history.is_file():
            return []
        try:
            with self.history.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file, strict=True))
            # Keras keeps columns for a validation that a run without a test split does not have.
            history = [
                {name: float(value) for name, value in row.items() if value != "NA"}
                for row in rows
                if None not in row.values()
            ]
            if not all({"epoch", "seconds"} <= row.keys() for row in history):
                raise ValueError("an epoch or its seconds are missing")
        except (ValueError, TypeError, csv.Error) as error:
            raise InputError(
                f"{self.history} is damaged ({error}): move it away, and the run goes without its past epochs."
            ) from None
        return history

    def keep_history(self, num_epochs: int) -> None:
        """Drops the rows of epochs that the saved model has not finished.

        Args:
            num_epochs: finished epochs.
        """
        if not self.history.is_file():
            return
        self.read_history()  # says what is wrong with a damaged one
        with self.history.open(newline="", encoding="utf-8") as file:
            lines = file.readlines()
        self.write_whole(self.history, "".join(lines[: num_epochs + 1] if num_epochs else []))

    def write_start(self, record: dict[str, Any]) -> None:
        """Stores what the start has to say.

        Args:
            record: dict that JSON can hold.
        """
        self.write_whole(self.start, json.dumps(record, indent=2) + "\n")

    def read_start(self) -> dict[str, Any]:
        """The record of the start; of a run without one, 0 seconds."""
        record = self.read_json(self.start, "move it away, and the start counts as 0 seconds", "seconds")
        return record or {"seconds": 0.0}

    def write_start_clusters(self, clusters: np.ndarray) -> None:
        """Stores what the start has made of the examples that are scored.

        Args:
            clusters: array (N,) of whole numbers.
        """
        with disk.whole(self.start_clusters) as partial:
            np.save(partial, clusters.astype("int32"))

    def read_start_clusters(self) -> np.ndarray | None:
        """The same again, or None of a run without a start, or of an earlier version.

        Raises:
            InputError: if the file is damaged.
        """
        if not self.start_clusters.is_file():
            return None
        try:
            return np.load(self.start_clusters, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(
                f"{self.start_clusters} is damaged ({error}): move it away, and the scores go without the start's."
            ) from None

    def read_metrics(self) -> dict[str, Any] | None:
        """The scores, or None if there are none yet.

        Raises:
            InputError: if the file is damaged.
        """
        mend = f"`python -m train.evaluate --run={self.path}` writes it anew"
        return self.read_json(self.metrics, mend, "components_in_use")

    @staticmethod
    def read_json(path: Path, mend: str, key: str | None = None) -> Any:
        """What a JSON file holds.

        Args:
            path: path of the file.
            mend: what to do about a damaged one.
            key: text, key that it must have, if it holds an object.

        Returns:
            What `json.loads` makes of it, or None if there is no such file.

        Raises:
            InputError: if it is damaged.
        """
        if not path.is_file():
            return None
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            if key is not None:
                record[key]
        except (ValueError, LookupError, TypeError) as error:
            reason = f"{key!r} is missing" if isinstance(error, LookupError) else error
            raise InputError(f"{path} is damaged ({reason}): {mend}.") from None
        return record

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Stores the scores.

        Args:
            metrics: dict that JSON can hold.
        """
        self.write_whole(self.metrics, json.dumps(metrics, indent=2) + "\n")

    @staticmethod
    def write_whole(path: Path, text: str) -> None:
        """Writes a text file so that no reader, and no kill, ever finds half of it."""
        with disk.whole(path) as partial:
            partial.write_text(text, encoding="utf-8")
