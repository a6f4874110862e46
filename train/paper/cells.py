"""The runs behind Table 1: what each is, where it lies, and by which command it is made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from absl import flags

from tf_gmvae.clustering import recipe
from tf_gmvae.methods import METHODS
from train.run import names
from train.run.definitions import LABELS
from train.run.folder import RunFolder
from train.run.method_settings import MethodSettings
from train.run.settings import Settings

GMVAES = ("gmvae", "gmvae_random")
FLOORS = ("kmeans", "gmm", "umap")
# What holds for these data where nothing else is named: that of mnist.flags. From random weights it takes longer,
# see docs/from_random_weights.md.
OF_MNIST = ("mnist", "fashion_mnist")
ON_MNIST: dict[str, Any] = {"batch_size": 50, "hold": 20.0, "pretraining_epochs": 1}
EPOCHS_ON_MNIST = {"gmvae": 3, "gmvae_random": 30}
# Together, of a start that is held on to, where none of them is named.
HELD_ON_MNIST: dict[str, Any] = {
    "hold_to": LABELS,
    "falling_rate": True,
    "learning_rate": recipe.LEARNING_RATE_AT_LABELS,
}
# Of a run of `train.main` here: the simple methods have rows of their own.
LEFT_OUT = ("--noreport", "--noexport", "--noanswers", "--nofloors")
# By method, the K of the paper's table; those of the floors are all of them.
PAPERS_K: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(GMVAES, (10, 16, 30)),
    **{name: kind.TABLE_K for name, kind in METHODS.items()},
    **dict.fromkeys(FLOORS, (10, 16, 20, 30)),
}


def base_settings(flag_values: flags.FlagValues = flags.FLAGS) -> Settings:
    """The settings that hold for every cell: those of `train.main`, and on MNIST those of `mnist.flags`.

    Args:
        flag_values: parsed flags. Default: those of the process.

    Returns:
        `Settings`; `epochs` is None where none are named.

    Raises:
        InputError: if no data set is named.
    """
    settings = Settings.from_flags(flag_values)
    if settings.dataset not in OF_MNIST:
        return settings
    return replace(
        settings, **{name: value for name, value in ON_MNIST.items() if flag_values[name].using_default_value}
    )


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        method: key of `PAPERS_K`.
        num_components: K.
        num_samples: M, or None where the method has none.
    """

    method: str
    num_components: int
    num_samples: int | None = None

    def name(self, seed: int) -> str:
        """Name of the folder of one of its runs, beside the table.

        Args:
            seed: integer, seed of the run.
        """
        parts = [] if self.method == "gmvae" else [self.method]
        parts.append(f"k{self.num_components}")
        if self.num_samples is not None:
            parts.append(f"m{self.num_samples}")
        return "-".join([*parts, f"seed{seed}"])


def without_effect(rows: Sequence[Row], flag_values: flags.FlagValues = flags.FLAGS) -> list[str]:
    """What is to be said of settings that are named, as in a flag file, and do not reach all rows.

    Args:
        rows: list of `Row`.
        flag_values: parsed flags. Default: those of the process.

    Returns:
        List of sentences.
    """
    said = []
    for letter, setting, option, values in (
        ("K", "num_components", "components", {row.num_components for row in rows}),
        ("M", "num_samples", "samples", {row.num_samples for row in rows if row.num_samples}),
    ):
        flag = flag_values[setting]
        if not flag.using_default_value and values and values != {flag.value}:
            has = f"{letter} = {', '.join(map(str, sorted(values)))}"
            said.append(
                f"--{setting}={flag.value} decides nothing here: the table has {has}; --{option}= names others."
            )
    epochs = flag_values["epochs"]
    others = dict.fromkeys(row.method for row in rows if row.method in METHODS)
    if others and not epochs.using_default_value and flag_values["method_epochs"].value is None:
        said.append(
            f"--epochs={epochs.value} is for the rows of the GMVAE alone: {', '.join(others)} have their own; "
            "--method_epochs= names others."
        )
    return said


@dataclass(frozen=True)
class Cell:
    """One run of a row.

    Attributes:
        row: `Row`.
        settings: `Settings` or `MethodSettings`, of the run.
        folder: `RunFolder`, where it lies.
        data_shape: tuple, shape of an example.
    """

    row: Row
    settings: Settings | MethodSettings
    folder: RunFolder
    data_shape: tuple[int, ...]

    @classmethod
    def of(
        cls,
        row: Row,
        base: Settings,
        seed: int,
        runs_dir: str,
        data_shape: tuple[int, ...],
        method_epochs: int | None = None,
    ) -> Cell:
        """The run of a row with a seed.

        Args:
            row: `Row` of a method that is trained.
            base: `Settings` that hold for every cell.
            seed: integer.
            runs_dir: text, folder of the table.
            data_shape: tuple, shape of an example.
            method_epochs: integer, epochs of a method other than the GMVAE. Default None: the method's own.

        Returns:
            `Cell`.

        Raises:
            InputError: if there can be no folder of its name.
        """
        name = names.checked(row.name(seed), "K, M and --seed together", "give smaller numbers")
        if row.num_samples is not None:
            settings = replace(base, num_components=row.num_components, num_samples=row.num_samples, seed=seed)
            if settings.epochs is None and settings.dataset in OF_MNIST:
                settings = replace(settings, epochs=EPOCHS_ON_MNIST[row.method])
            if row.method == "gmvae_random":
                # As mnist-paper.flags: the paper's objective alone.
                settings = replace(settings, initialize=False, initial_weights="near")
            elif settings.dataset in OF_MNIST and _is_open(settings):
                settings = replace(settings, **HELD_ON_MNIST)
            return cls(row, settings, RunFolder(Path(runs_dir) / name), data_shape)
        settings_of_method = MethodSettings(
            row.method, base.dataset, base.data_dir, base.image_size, base.channels, base.columns,
            base.label_column, base.id_column, base.kinds, base.skip_broken, base.series, row.num_components,
            method_epochs or METHODS[row.method].EPOCHS, seed,
        )  # fmt: skip
        return cls(row, settings_of_method, RunFolder(Path(runs_dir) / name), data_shape)

    @property
    def log(self) -> str:
        """Path of the file that its output goes to."""
        return f"{self.folder.path}.log"

    @property
    def command(self) -> list[str]:
        """Arguments of Python that begin the run, or go on with it."""
        place = [f"--name={self.folder.path.name}", f"--runs_dir={self.folder.path.parent}", "--resume"]
        own = self.settings.as_flags().split("\n")[:-1]
        if isinstance(self.settings, MethodSettings):
            return ["-m", "train.method", *own, *place, "--noreport"]
        return ["-m", "train.main", *own, *place, *LEFT_OUT]

    @property
    def metrics(self) -> dict[str, Any] | None:
        """Its scores, or None if it has none yet."""
        return self.folder.read_metrics()

    @property
    def is_finished(self) -> bool:
        """Whether the run has used up its epochs or minutes, or ended by itself.

        Raises:
            InputError: if it is one under other settings.
        """
        metrics = self.metrics
        if metrics is None:
            return False
        if isinstance(self.settings, MethodSettings):
            self._check_same(self.settings, MethodSettings.read(self.folder.flags))
            return metrics["ended"] or metrics["epochs"] >= (self.settings.epochs or math.inf)
        stored = self.folder.read_settings()
        # Epochs, which the number of examples decides, may differ.
        resolved = self.settings.resolved(stored.preset or "", stored.likelihood or "", 1, self.data_shape)
        self._check_same(resolved, stored)
        if metrics.get("ended"):
            return True
        minutes = (metrics["start_seconds"] + metrics["train_seconds"]) / 60
        out_of_time = self.settings.minutes is not None and minutes >= self.settings.minutes
        return metrics["epochs"] >= (self.settings.epochs or stored.epochs or 0) or out_of_time

    def _check_same(self, settings, stored):
        mend = "give the flags that the table began with, or another --runs_dir"
        settings.check_same(stored, f"The run in {self.folder.path}", mend)


def _is_open(settings):
    """Whether a start is held on to, and nobody has said to what, or at which rate."""
    holds = settings.initialize and settings.hold and settings.optimizer == "adam"
    return bool(holds) and all(getattr(settings, name) is None for name in HELD_ON_MNIST)
