"""The flags of a run of another method, and their record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from absl import flags

from tf_gmvae.errors import InputError
from tf_gmvae.methods import METHODS
from train.run.record import LARGEST_SEED, Record, define_data


@dataclass(frozen=True)
class MethodSettings(Record):
    """All that decides the outcome; one attribute a flag, described in `define`."""

    method: str
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
    num_components: int
    epochs: int | None
    seed: int

    MAY_CHANGE = ("epochs", "data_dir")

    @classmethod
    def define(cls, flag_values: flags.FlagValues = flags.FLAGS) -> None:
        """See `Record.define`."""
        define_from: dict[str, Any] = {"flag_values": flag_values}
        flags.DEFINE_enum("method", None, list(METHODS), "What finds the clusters.", **define_from)
        define_data(flag_values)
        flags.DEFINE_integer("num_components", 10, "K, clusters.", 1, **define_from)
        flags.DEFINE_integer(
            "epochs",
            None,
            "Passes through the training part; by default the method's own.",
            1,
            **define_from,
        )
        flags.DEFINE_integer("seed", 0, "Of weights, noise and order of the data.", 0, LARGEST_SEED, **define_from)

    @classmethod
    def from_flags(cls, flag_values: flags.FlagValues) -> MethodSettings:
        """See `Record.from_flags`."""
        if flag_values.method is None:
            raise InputError(f"Name the method: --method= with one of {', '.join(METHODS)}.")
        return super().from_flags(flag_values)

    @property
    def default_name(self) -> str:
        """A run's name where the user gives none."""
        return f"{self.data_name}-{self.method}-k{self.num_components}-seed{self.seed}"
