"""The flags of a run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from absl import flags

from tf_gmvae import initial_weights
from tf_gmvae.clustering import recipe
from tf_gmvae.likelihoods import LIKELIHOODS
from tf_gmvae.optimizer import FusedAdam
from tf_gmvae.presets import PRESETS
from tf_gmvae.priors import COMPONENT_PRIORS
from tf_gmvae.sign_descent import SignDescent
from tf_gmvae.start import how_many
from tf_gmvae.start.stages import GUIDANCE
from tf_gmvae.tables.describing import SCALES
from train.run.record import LARGEST_SEED, define_data

# By the value of --optimizer: a function of the learning rate.
OPTIMIZERS: dict[str, Callable[[float], Any]] = {
    "adam": lambda rate: FusedAdam(rate, epsilon=1e-8),
    "sign": SignDescent,
}
# --num_components=auto, as a number.
AUTO = 0
# Where they are left open and the data are known by their name.
EPOCHS = 100
# What may be held on to.
POSTERIOR, LABELS = "posterior", "labels"


class _Finite(flags.FloatParser):
    """Finite numbers from 0 on, or above it; NaN passes bounds of absl's own."""

    def __init__(self, positive: bool = False) -> None:
        super().__init__()
        self.positive = positive
        self.syntactic_help = f"a finite number {'>' if positive else '>='} 0"

    def is_outside_bounds(self, val: float) -> bool:
        return not math.isfinite(val) or val < 0 or (self.positive and val == 0)


class _Clusters(flags.IntegerParser):
    """Whole numbers from 1 on, and "auto"."""

    syntactic_help = 'a whole number from 1 on, or "auto"'

    def parse(self, argument: Any) -> int:
        if argument in (how_many.AUTO, AUTO):
            return AUTO
        try:
            return super().parse(argument)
        except ValueError:  # of a number out of bounds, in these words; else in Python's
            raise ValueError(f"{argument} is not {self.syntactic_help}") from None

    def is_outside_bounds(self, val: int) -> bool:
        return val < 1

    def flag_type(self) -> str:
        return "number or auto"


class _ClustersSerializer(flags.ArgumentSerializer):
    """The same as text."""

    def serialize(self, value: int) -> str:
        return how_many.AUTO if value == AUTO else str(value)


def define(flag_values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines the flags of `Settings`.

    Args:
        flag_values: where to define them.
    """
    for define_group in _GROUPS.values():
        define_group(flag_values=flag_values)


def _data(**define_from):
    """Where the data come from, and what is made of them."""
    define_data(**define_from)
    flags.DEFINE_enum(
        "binarize",
        "none",
        ["none", "threshold", "sample"],
        "Make grey values 0 or 1: at one half, or anew each epoch with the grey value as probability.",
        **define_from,
    )
    flags.DEFINE_enum(
        "column_scale",
        "each",
        list(SCALES),
        "Of a table: each divides a column of numbers by its own deviation; common all by one, for embeddings.",
        **define_from,
    )


def _model(**define_from):
    """Networks, priors and weights to begin with."""
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
    flags.DEFINE(
        _Clusters(),
        "num_components",
        10,
        "K, components; auto: as many as are found again in samples of the data.",
        serializer=_ClustersSerializer(),
        **define_from,
    )
    flags.DEFINE_integer("latent_dim", None, "D, dimensions of x; by default the preset's.", 1, **define_from)
    flags.DEFINE_integer("style_dim", None, "W, dimensions of w; by default the preset's.", 1, **define_from)
    flags.DEFINE_integer("num_samples", 1, "M, Monte Carlo samples for each example.", 1, **define_from)
    _define_float(
        "min_information",
        0.0,
        "lambda in nats: the z-prior term has no gradient below it; 0 is the plain ELBO.",
        **define_from,
    )
    flags.DEFINE_enum(
        "component_prior",
        "uniform",
        list(COMPONENT_PRIORS),
        "p(z): uniform, the paper's 1/K; learned: K weights, trained with the rest, for clusters of unequal size.",
        **define_from,
    )
    flags.DEFINE_integer(
        "style_components",
        None,
        "C: the prior of w is a mixture of C Gaussians that a style v shapes (a deep GMVAE); by default N(0, I).",
        1,
        **define_from,
    )
    flags.DEFINE_integer(
        "style_prior_dim",
        None,
        "Of a deep GMVAE: V, dimensions of v; by default half of those of w.",
        1,
        **define_from,
    )
    flags.DEFINE_enum(
        "initial_weights",
        "keras",
        list(initial_weights.WAYS),
        "Those of the layers; near: with the components near each other; torch: all as Torch drew them in 2016.",
        **define_from,
    )


def _training(**define_from):
    """How the objective is trained, and how long."""
    flags.DEFINE_integer(
        "epochs",
        None,
        f"Passes through the training part; by default {EPOCHS}, of data of your own {recipe.EPOCHS}, or fewer "
        f"after {recipe.STEPS:,} steps.",
        1,
        **define_from,
    )
    flags.DEFINE_integer("batch_size", 100, "Examples of one step.", 1, **define_from)
    _define_float(
        "learning_rate",
        None,
        f"Of the optimizer; by default {recipe.LEARNING_RATE:g}, for images of your own of more than 28x28 values "
        f"{recipe.LEARNING_RATE_AT_LABELS:g}, from where it falls.",
        positive=True,
        **define_from,
    )
    flags.DEFINE_bool(
        "falling_rate",
        None,
        "Let the learning rate fall over all epochs, along half a cosine, to a fiftieth; else it stays, but see "
        "--learning_rate.",
        **define_from,
    )
    flags.DEFINE_enum(
        "optimizer",
        "adam",
        list(OPTIMIZERS),
        "adam, or sign: every weight moves by the learning rate, in the direction of its gradient.",
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
    flags.DEFINE_integer(
        "save_every_steps",
        None,
        "Save the model within epochs, too, after so many steps: --resume goes on at that step.",
        1,
        **define_from,
    )
    _define_float("save_every_minutes", 10.0, "The same after so many minutes.", positive=True, **define_from)
    flags.DEFINE_bool("revive", False, "Set components without examples beside the busiest one.", **define_from)
    flags.DEFINE_integer("seed", 0, "Of weights, noise and order of the data.", 0, LARGEST_SEED, **define_from)


def _start(**define_from):
    """What comes before, and what training keeps of it."""
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
        f"by default 0, for data of your own {GUIDANCE:g}, and more for examples of more than 28x28 values.",
        **define_from,
    )
    flags.DEFINE_enum(
        "hold_to",
        None,
        [POSTERIOR, LABELS],
        "What --hold holds on to: the posterior that the start has left, or the labels that it had found before; "
        "by default the posterior, and the labels for images of your own of more than 28x28 values.",
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


def _define_float(name, default, about, flag_values, positive=False):
    flags.DEFINE(_Finite(positive), name, default, about, flag_values, flags.ArgumentSerializer())


def _names_by_group():
    found, flag_values = {}, flags.FlagValues()
    for group, define_group in _GROUPS.items():
        before = set(flag_values)
        define_group(flag_values=flag_values)
        found[group] = set(flag_values) - before
    return found


# In the order in which --help shows them.
_GROUPS = {"Data": _data, "Model": _model, "Training": _training, "Start": _start}
# Names of the flags of each.
GROUPS: dict[str, set[str]] = _names_by_group()
