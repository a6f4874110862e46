"""The flags of a run, and their record."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from absl import flags

from tf_gmvae import initial_weights
from tf_gmvae.callbacks.basic import epochs_without_progress
from tf_gmvae.clustering import recipe
from tf_gmvae.likelihoods import LIKELIHOODS
from tf_gmvae.optimizer import FusedAdam
from tf_gmvae.presets import PRESETS
from tf_gmvae.sign_descent import SignDescent
from train.run.record import LARGEST_SEED, Record, define_data

# By the value of --optimizer: a function of the learning rate.
OPTIMIZERS: dict[str, Callable[[float], Any]] = {
    "adam": lambda rate: FusedAdam(rate, epsilon=1e-8),
    "sign": SignDescent,
}
# Where they are left open and the data are no table.
EPOCHS = 100
# As --help shows them.
GROUPS = {
    "Data": (
        "dataset", "data_dir", "image_size", "channels", "skip_broken", "series", "columns", "label_column",
        "id_column", "kinds", "binarize",
    ),
    "Model": (
        "preset", "likelihood", "num_components", "latent_dim", "style_dim", "num_samples", "min_information",
        "initial_weights",
    ),
    "Training": ("epochs", "batch_size", "learning_rate", "optimizer", "minutes", "patience", "revive", "seed"),
    "Start": (
        "initialize", "guide_labels", "views", "hold", "pretraining_epochs", "pretraining_beta", "guided_epochs",
        "num_factors",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Settings(Record):
    """All that decides the outcome of a run; one attribute a flag, described in `define`."""

    dataset: str
    data_dir: str | None
    image_size: int | None
    channels: int | None
    columns: str | None
    label_column: str | None
    id_column: str | None
    kinds: str | None
    skip_broken: bool
    series: bool
    binarize: str
    preset: str | None
    likelihood: str | None
    num_components: int
    latent_dim: int | None
    style_dim: int | None
    num_samples: int
    min_information: float
    epochs: int | None
    batch_size: int
    learning_rate: float
    optimizer: str
    initial_weights: str
    minutes: float | None
    patience: int | None
    initialize: bool
    guide_labels: str | None
    views: str
    hold: float | None
    pretraining_epochs: int
    pretraining_beta: float
    guided_epochs: int
    num_factors: int
    revive: bool
    seed: int

    MAY_CHANGE = ("epochs", "minutes", "patience", "data_dir")

    @classmethod
    def define(cls, flag_values: flags.FlagValues = flags.FLAGS) -> None:
        """See `Record.define`."""
        define(flag_values)

    @classmethod
    def read(cls, path: str | Path) -> Settings:
        """See `Record.read`; a run of an earlier version, which says nothing of --hold, held on to nothing."""
        settings = super().read(path)
        return replace(settings, hold=0.0) if settings.hold is None else settings

    def with_choices_of(self, stored: Settings) -> Settings:
        """The same settings with networks and hold of a run that goes on, where they are left open.

        Args:
            stored: settings of the run.

        Returns:
            `Settings`.
        """
        left_open = [name for name in ("preset", "likelihood", "hold") if getattr(self, name) is None]
        return replace(self, **{name: getattr(stored, name) for name in left_open})

    @property
    def default_name(self) -> str:
        """A run's name where the user gives none."""
        return f"{self.data_name}-k{self.num_components}-m{self.num_samples}-seed{self.seed}"

    @property
    def shareable(self) -> Settings:
        """See `Record.shareable`."""
        guide_labels = self.guide_labels and Path(self.guide_labels).name
        return replace(super().shareable, guide_labels=guide_labels)

    def resolved(self, preset: str, likelihood: str, num_examples: int) -> Settings:
        """The same settings with the choices made that the user left open.

        Args:
            preset: name of the preset.
            likelihood: name of the likelihood.
            num_examples: integer, examples of the training part.

        Returns:
            `Settings`.
        """
        is_table = preset == "table"
        hold = (recipe.HOLD if is_table else 0.0) if self.hold is None else self.hold
        epochs = self.epochs
        if epochs is None:
            batch_size, _ = self.epoch_shape(num_examples)
            epochs = recipe.epochs_for(num_examples, batch_size) if is_table else EPOCHS
        # Without a start there is nothing to hold on to.
        hold = hold if self.initialize else 0.0
        return replace(self, preset=preset, likelihood=likelihood, hold=hold, epochs=epochs)

    def has_ended(self, history: list[dict[str, float]]) -> bool:
        """Whether training has stopped for want of progress.

        Args:
            history: rows of the history, one an epoch.
        """
        return self.patience is not None and epochs_without_progress(elbos(history)) >= self.patience

    def epoch_shape(self, num_examples: int) -> tuple[int, int]:
        """Batch size and steps of a training epoch.

        A last, smaller batch would weigh more in batch normalisation and compile a second step; which examples are
        left out changes every epoch.

        Args:
            num_examples: integer, examples of the training part.
        """
        batch_size = min(self.batch_size, num_examples)
        return batch_size, num_examples // batch_size


def elbos(history: list[dict[str, float]]) -> list[float]:
    """The ELBO of every epoch: of the test part, else of training.

    Args:
        history: rows of the history, one an epoch.
    """
    return [row.get("val_elbo", row.get("elbo", -math.inf)) for row in history]


class _Finite(flags.FloatParser):
    """Finite numbers from 0 on, or above it; NaN passes bounds of absl's own."""

    def __init__(self, positive: bool = False) -> None:
        super().__init__()
        self.positive = positive
        self.syntactic_help = f"a finite number {'>' if positive else '>='} 0"

    def is_outside_bounds(self, val: float) -> bool:
        return not math.isfinite(val) or val < 0 or (self.positive and val == 0)


def define(flag_values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines the flags of `Settings`.

    Args:
        flag_values: where to define them.
    """
    define_from: dict[str, Any] = {"flag_values": flag_values}
    define_data(flag_values)
    flags.DEFINE_enum(
        "binarize",
        "none",
        ["none", "threshold", "sample"],
        "Make grey values 0 or 1: at one half, or anew each epoch with the grey value as probability.",
        **define_from,
    )
    flags.DEFINE_enum(
        "preset", None, list(PRESETS), "Networks; by default those that fit the data's shape.", **define_from
    )
    flags.DEFINE_enum(
        "likelihood",
        None,
        [*LIKELIHOODS, "columns"],
        "p(y | x); by default the preset's, of a table that of its columns.",
        **define_from,
    )
    flags.DEFINE_integer("num_components", 10, "K, components.", 1, **define_from)
    flags.DEFINE_integer("latent_dim", None, "D, dimensions of x; by default the preset's.", 1, **define_from)
    flags.DEFINE_integer("style_dim", None, "W, dimensions of w; by default the preset's.", 1, **define_from)
    flags.DEFINE_integer("num_samples", 1, "M, Monte Carlo samples for each example.", 1, **define_from)
    _define_float(
        "min_information",
        0.0,
        "lambda in nats: the z-prior term has no gradient below it; 0 is the plain ELBO.",
        **define_from,
    )
    flags.DEFINE_integer(
        "epochs",
        None,
        f"Passes through the training part; by default {EPOCHS}, of tables {recipe.EPOCHS}, or fewer after "
        f"{recipe.STEPS:,} steps.",
        1,
        **define_from,
    )
    flags.DEFINE_integer("batch_size", 100, "Examples of one step.", 1, **define_from)
    _define_float("learning_rate", 1e-4, "Of the optimizer.", positive=True, **define_from)
    flags.DEFINE_enum(
        "optimizer",
        "adam",
        list(OPTIMIZERS),
        "adam, or sign: every weight moves by the learning rate, in the direction of its gradient.",
        **define_from,
    )
    flags.DEFINE_enum(
        "initial_weights",
        "keras",
        list(initial_weights.WAYS),
        "Those of the layers; near: with the components near each other; torch: all as Torch drew them in 2016.",
        **define_from,
    )
    _define_float(
        "minutes", None, "Stop after the epoch that uses up so many minutes, start included.", **define_from
    )
    flags.DEFINE_integer(
        "patience",
        None,
        "Stop where the ELBO, of the test part if there is one, has not risen for so many epochs, at the best.",
        1,
        **define_from,
    )
    flags.DEFINE_bool(
        "initialize",
        True,
        "Begin with clusters found in the data (GMVAE.initialize); without it, the paper's bare objective.",
        **define_from,
    )
    flags.DEFINE_string(
        "guide_labels",
        None,
        "Table of a few examples that are known, columns id and name: the start finds clusters that go with them.",
        **define_from,
    )
    flags.DEFINE_enum(
        "views",
        "auto",
        ["auto", "none"],
        "Of the start: auto takes an image that is turned, moved or scaled a little for the same; none does not.",
        **define_from,
    )
    _define_float(
        "hold",
        None,
        "Weight in nats of holding on to the clusters of the start while the objective trains; 0 is the paper's; "
        f"by default 0, for tables {recipe.HOLD:g}.",
        **define_from,
    )
    flags.DEFINE_integer("pretraining_epochs", 3, "Of the start: as a plain VAE.", 1, **define_from)
    _define_float(
        "pretraining_beta",
        1.0,
        "Of the start: weight of the divergence from the prior in the plain VAE; less brings more of x into use.",
        **define_from,
    )
    flags.DEFINE_integer("guided_epochs", 3, "Of the start: at the clusters found.", 0, **define_from)
    flags.DEFINE_integer("num_factors", 10, "Of the start: dimensions of w that begin in use.", 0, **define_from)
    flags.DEFINE_bool("revive", False, "Set components without examples beside the busiest one.", **define_from)
    flags.DEFINE_integer("seed", 0, "Of weights, noise and order of the data.", 0, LARGEST_SEED, **define_from)


def _define_float(name, default, about, flag_values, positive=False):
    flags.DEFINE(_Finite(positive), name, default, about, flag_values, flags.ArgumentSerializer())
