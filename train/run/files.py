"""The files of a run, each read and written whole."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tf_gmvae import disk
from tf_gmvae.errors import InputError
from tf_gmvae.hierarchy.tree import Hierarchy
from train.run import rows


class RunFiles:
    """The files in the folder of one run.

    Args:
        path: path of the folder.

    Attributes:
        flags: the resolved settings, a flag file.
        counts: how many examples the run began with, JSON; of another method on a table also its columns.
        how_many: how the number of clusters was chosen, JSON; absent where it was given.
        start: seconds of the start, examples a cluster and scores, JSON; absent without a start.
        start_clusters: clusters of the scored examples after the start, an array.
        start_assignments: posterior of the training examples after the start, an array; only with --hold.
        start_checkpoints: folder of what a start has done so far; absent once it is done.
        model: the model after the last finished epoch, optimizer included.
        best: weights of the best epoch so far, if training stops by `--patience`.
        within-*.npz: running means of an epoch within which the model was saved, by the number of its steps.
        history: one row an epoch, CSV.
        metrics: scores of the finished run, JSON.
        clusters_csv: what the model says of every example, CSV; and clusters_parquet.
        tree: the clusters of clusters, a linkage as SciPy has it, JSON.
        clusters_json: names of the clusters, and the ELBO below which an example is an outlier.
        report: the run in pictures, HTML.
        explorer: the run to walk through, HTML.
        kept: names and marks that were given there, JSON; absent if there are none.
        skipped: images that could not be read, a name a line; absent if there were none.
        tensorboard: event files.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.flags = self.path / "run.flags"
        self.counts = self.path / "examples.json"
        self.how_many = self.path / "how_many.json"
        self.start = self.path / "start.json"
        self.start_clusters = self.path / "start_clusters.npy"
        self.start_assignments = self.path / "start_assignments.npy"
        self.start_checkpoints = self.path / "start"
        self.model = self.path / "model.keras"
        self.best = self.path / "best.npz"
        self.history = self.path / "history.csv"
        self.metrics = self.path / "metrics.json"
        self.clusters_csv = self.path / "clusters.csv"
        self.clusters_parquet = self.path / "clusters.parquet"
        self.tree = self.path / "hierarchy.json"
        self.clusters_json = self.path / "clusters.json"
        self.report = self.path / "report.html"
        self.explorer = self.path / "explorer.html"
        self.kept = self.path / "explorer.json"
        self.skipped = self.path / "skipped.txt"
        self.tensorboard = self.path / "tensorboard"

    @property
    def is_within_epoch(self) -> bool:
        """Whether the model was saved within an epoch, after the last that it has finished."""
        return any(self.path.glob("within-*.npz"))

    def write_skipped(self, names: tuple[str, ...]) -> None:
        """Stores what was left out of the data.

        Args:
            names: tuple of text, one an image; nothing is written if there is none.
        """
        if names:
            self.write_whole(self.skipped, "".join(f"{name}\n" for name in names))

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

    def write_how_many(self, record: dict[str, Any]) -> None:
        """Stores how the number of clusters was chosen.

        Args:
            record: dict that JSON can hold.
        """
        self.write_whole(self.how_many, json.dumps(record, indent=2) + "\n")

    def read_how_many(self) -> dict[str, Any] | None:
        """The same again, or None where the number was given.

        Raises:
            InputError: if the file is damaged.
        """
        return self.read_json(self.how_many, "move it away, and the scores go without it", "stability")

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

    def write_start_assignments(self, shape: tuple[int, int], posterior: Iterable[np.ndarray]) -> None:
        """Stores what training shall hold on to.

        Args:
            shape: pair (N, K).
            posterior: arrays (n, K), of the N training examples.
        """
        with disk.whole(self.start_assignments) as partial, partial.open("wb") as file:
            rows.write(file, shape, posterior)

    def read_start_assignments(self, shape: tuple[int, int]) -> rows.Rows:
        """The same again.

        Args:
            shape: pair (N, K).

        Raises:
            InputError: if there are none, or they are of other data.
        """
        fault = "is missing"
        try:
            posterior = rows.Rows(self.start_assignments)
            if posterior.shape == shape:
                return posterior
            fault = f"is of shape {posterior.shape} instead of {shape}"
        except FileNotFoundError:
            pass
        except (OSError, ValueError, EOFError) as error:
            fault = f"is damaged ({error})"
        raise InputError(f"{self.start_assignments} {fault}: train the run anew, with --overwrite.")

    def read_metrics(self) -> dict[str, Any] | None:
        """The scores, or None if there are none yet.

        Raises:
            InputError: if the file is damaged.
        """
        mend = f"`python -m train.evaluate --run={self.path}` writes it anew"
        if self.flags.is_file() and "--method=" in self.flags.read_text(encoding="utf-8"):
            place = f"--runs_dir={self.path.parent} --name={self.path.name}"
            mend = f"`python -m train.method --flagfile={self.flags} {place} --resume` writes it anew"
        return self.read_json(self.metrics, mend, "components_in_use")

    def write_tree(self, tree: Hierarchy) -> None:
        """Stores the clusters of clusters.

        Args:
            tree: `Hierarchy`; its posterior is left out.
        """
        self.write_whole(self.tree, json.dumps({"linkage": tree.linkage.tolist()}) + "\n")

    def model_digest(self) -> str:
        """SHA-256 of the model's file, by which an export of it is known."""
        return hashlib.sha256(self.model.read_bytes()).hexdigest()

    def read_tree(self) -> Hierarchy | None:
        """The same again, or None of a run of an earlier version.

        Raises:
            InputError: if the file is damaged.
        """
        mend = f"`python -m train.evaluate --run={self.path}` writes it anew"
        record = self.read_json(self.tree, mend, "linkage")
        try:
            return None if record is None else Hierarchy.from_list(record["linkage"])
        except (ValueError, TypeError) as error:
            raise InputError(f"{self.tree} is damaged ({error}): {mend}.") from None

    def read_clusters(self) -> dict[str, Any]:
        """What is known of the clusters.

        Returns:
            Dict of "outlier_below", and of "names" and "certainty" where they were named; empty of a run that has
            none.

        Raises:
            InputError: if the file is damaged.
        """
        mend = f"move it away, and `python -m train.evaluate --run={self.path}` writes it anew, without names"
        return self.read_json(self.clusters_json, mend, "outlier_below") or {}

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
