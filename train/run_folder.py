"""What a run leaves on disk: runs/<name>/ and the files in it."""

import csv
import json
import os
import shutil
from pathlib import Path

from tf_gmvae.errors import InputError
from train.settings import Settings


class RunFolder:
    """The folder of one run.

    Args:
        path: of the folder.

    Attributes:
        flags: the resolved settings, a flag file.
        start: seconds of the start and examples a cluster, JSON; absent without a start.
        model: the model after the last finished epoch, optimizer included.
        history: one row an epoch, CSV.
        metrics: scores of the finished run, JSON.
        report: the run in pictures, HTML.
        tensorboard: event files.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.flags = self.path / "run.flags"
        self.start = self.path / "start.json"
        self.model = self.path / "model.keras"
        self.history = self.path / "history.csv"
        self.metrics = self.path / "metrics.json"
        self.report = self.path / "report.html"
        self.tensorboard = self.path / "tensorboard"

    def check_free(self, resume=False, overwrite=False):
        """Refuses, before any work, a folder that holds something the user has not said to keep or drop.

        Args:
            resume: whether the run that is there shall go on.
            overwrite: whether it shall be replaced.

        Raises:
            InputError: if both are said, the place is occupied, or it holds something other than a run.
        """
        if resume and overwrite:
            raise InputError("--resume keeps a run and --overwrite drops it: give one of them.")
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"{self.path} is a file, not a folder: give another --name or --runs_dir.")
        if not self.path.exists() or not any(self.path.iterdir()):
            return
        if not (resume or overwrite):
            raise InputError(
                f"{self.path} is not empty: pass --resume to go on with that run, --overwrite to replace it, or "
                "another --name."
            )
        if not self.flags.is_file():
            raise InputError(f"{self.path} holds something other than a run: give another --name.")

    def open(self, settings, resume=False, overwrite=False):
        """Makes the folder ready for a run: new, or as the run that goes on left it.

        Args:
            settings: resolved `Settings`; stored in the folder.
            resume: whether the run that is there goes on.
            overwrite: whether it is replaced.

        Raises:
            InputError: if the place is occupied, cannot be written, or its run began with other settings.
        """
        self.check_free(resume, overwrite)
        try:
            if overwrite and self.path.exists():
                shutil.rmtree(self.path)
            if resume and self.flags.is_file():
                settings.check_same(Settings.read(self.flags))
            self.path.mkdir(parents=True, exist_ok=True)
            self.write_whole(self.flags, settings.as_flags())
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be written ({error.strerror}): give another --runs_dir."
            ) from None

    def read_history(self):
        """Rows of the history, one dict of floats an epoch; rows cut short by a kill are left out."""
        if not self.history.is_file():
            return []
        with self.history.open(newline="") as file:
            rows = list(csv.DictReader(file))
        # Keras keeps columns for a validation that a run without a test split does not have.
        return [
            {name: float(value) for name, value in row.items() if value != "NA"}
            for row in rows
            if None not in row.values()
        ]

    def keep_history(self, num_epochs):
        """Drops the rows of epochs that the saved model has not finished.

        Args:
            num_epochs: finished epochs.
        """
        if not self.history.is_file():
            return
        with self.history.open(newline="") as file:
            lines = file.readlines()
        self.write_whole(self.history, "".join(lines[: num_epochs + 1] if num_epochs else []))

    def write_start(self, record):
        """Stores what the start has to say.

        Args:
            record: dict that JSON can hold.
        """
        self.write_whole(self.start, json.dumps(record, indent=2) + "\n")

    def read_start(self):
        """The record of the start; of a run without one, 0 seconds."""
        return json.loads(self.start.read_text()) if self.start.is_file() else {"seconds": 0.0}

    def write_metrics(self, metrics):
        """Stores the scores.

        Args:
            metrics: dict that JSON can hold.
        """
        self.write_whole(self.metrics, json.dumps(metrics, indent=2) + "\n")

    @staticmethod
    def write_whole(path, text):
        """Writes a text file so that no reader, and no kill, ever finds half of it."""
        # Beside its place first.
        partial = path.with_name(path.name + ".partial")
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
