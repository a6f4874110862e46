"""The flags of a run, and their record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from absl import flags

from tf_gmvae.callbacks.progress import elbo_of, epochs_without_progress
from tf_gmvae.clustering import recipe
from tf_gmvae.data.load import is_named
from tf_gmvae.data.pipeline import whole_batches
from tf_gmvae.start import how_many
from tf_gmvae.start.stages import guidance_for, labels_are_hard
from train.run.definitions import AUTO, EPOCHS, LABELS, POSTERIOR, define
from train.run.record import Record, moved_to


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
    column_scale: str
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
    component_prior: str
    style_components: int | None
    style_prior_dim: int | None
    epochs: int | None
    batch_size: int
    learning_rate: float | None
    falling_rate: bool | None
    optimizer: str
    initial_weights: str
    minutes: float | None
    patience: int | None
    save_every_steps: int | None
    save_every_minutes: float | None
    initialize: bool
    guide_labels: str | None
    views: str
    hold: float | None
    hold_to: str | None
    pretraining_epochs: int
    pretraining_beta: float
    guided_epochs: int
    num_factors: int
    revive: bool
    seed: int

    MAY_CHANGE = ("epochs", "minutes", "patience", "save_every_steps", "save_every_minutes", "data_dir")
    LEFT_OPEN = (
        "image_size", "preset", "likelihood", "hold", "hold_to", "epochs", "learning_rate", "falling_rate",
    )  # fmt: skip

    @classmethod
    def define(cls, flag_values: flags.FlagValues = flags.FLAGS) -> None:
        """See `Record.define`."""
        define(flag_values)

    @classmethod
    def read(cls, path: str | Path) -> Settings:
        """See `Record.read`; a run of an earlier version, which says nothing of --hold, held on to nothing."""
        settings = super().read(path)
        settings = replace(settings, hold=0.0) if settings.hold is None else settings
        return settings._with_rate(learns_on=False)

    def with_choices_of(self, stored: Settings) -> Settings:
        """The same settings with networks, K and what is held, as in a run that goes on, where left open.

        Args:
            stored: settings of the run.

        Returns:
            `Settings`.
        """
        choices = ("preset", "likelihood", "hold", "hold_to")
        left_open = [name for name in choices if getattr(self, name) is None]
        left_open += ["num_components"] * (self.num_components == AUTO)
        return replace(self, **{name: getattr(stored, name) for name in left_open})

    @property
    def default_name(self) -> str:
        """A run's name where the user gives none."""
        number = how_many.AUTO if self.num_components == AUTO else self.num_components
        return f"{self.data_name}-k{number}-m{self.num_samples}-seed{self.seed}"

    @property
    def num_held(self) -> int:
        """Components of all levels together: columns of what --hold holds on to."""
        return self.num_components + (self.style_components or 0)

    @property
    def guide_table(self) -> str | None:
        """Where the table of known examples is now: where it was, or, if it has moved, in `data_dir`."""
        if self.guide_labels is None or self.data_dir is None or Path(self.guide_labels).expanduser().exists():
            return self.guide_labels
        return str(moved_to(self.data_dir, self.guide_labels) or self.guide_labels)

    @property
    def shareable(self) -> Settings:
        """See `Record.shareable`."""
        guide_labels = self.guide_labels and Path(self.guide_labels).name
        return replace(super().shareable, guide_labels=guide_labels)

    def resolved(
        self, preset: str, likelihood: str, num_examples: int, data_shape: tuple[int, ...] = ()
    ) -> Settings:
        """The same settings with the choices made that the user left open.

        Args:
            preset: name of the preset.
            likelihood: name of the likelihood.
            num_examples: integer, examples of the training part.
            data_shape: tuple, shape of an example. Default that of a single value.

        Returns:
            `Settings`.
        """
        # Somebody's own data are clustered as by `tf_gmvae.cluster`; the paper's by the paper.
        is_own = preset == "table" or not is_named(self.dataset)
        hold = self.hold
        if hold is None:
            hold = guidance_for(data_shape) if is_own and self.views != "none" else 0.0
        epochs = self.epochs
        if epochs is None:
            batch_size, _ = self.epoch_shape(num_examples)
            epochs = recipe.epochs_for(num_examples, batch_size) if is_own else EPOCHS
        # Without a start there is nothing to hold on to.
        hold = hold if self.initialize else 0.0
        learns_on = is_own and hold > 0 and self.hold_to != POSTERIOR and labels_are_hard(data_shape)
        learns_on = learns_on and self.optimizer == "adam"  # whose rate it is
        settings = replace(self, preset=preset, likelihood=likelihood, hold=hold, epochs=epochs)
        return settings._with_rate(learns_on)

    def _with_rate(self, learns_on):
        """The same settings with the rest that is left open, by whether training goes on learning the labels."""
        falls = learns_on and self.learning_rate is None if self.falling_rate is None else self.falling_rate
        rate = recipe.LEARNING_RATE_AT_LABELS if learns_on and falls else recipe.LEARNING_RATE
        return replace(
            self,
            hold_to=self.hold_to or (LABELS if learns_on else POSTERIOR),
            falling_rate=falls,
            learning_rate=rate if self.learning_rate is None else self.learning_rate,
        )

    def has_ended(self, history: list[dict[str, float]]) -> bool:
        """Whether training has stopped for want of progress.

        Args:
            history: rows of the history, one an epoch.
        """
        return self.patience is not None and epochs_without_progress(elbos(history)) >= self.patience

    def epoch_shape(self, num_examples: int) -> tuple[int, int]:
        """Batch size and steps of a training epoch, see `data.pipeline.whole_batches`.

        Args:
            num_examples: integer, examples of the training part.
        """
        return whole_batches(num_examples, self.batch_size)


def elbos(history: list[dict[str, float]]) -> list[float]:
    """The ELBO of every epoch: of the test part, else of training.

    Args:
        history: rows of the history, one an epoch.
    """
    return [elbo_of(row) for row in history]
