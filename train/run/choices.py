"""What goes with the data where the settings leave it open: preset, columns, likelihood; and the prior of w."""

from __future__ import annotations

from tf_gmvae import data, likelihoods, presets
from tf_gmvae.errors import InputError
from tf_gmvae.priors import MixturePrior
from tf_gmvae.tables.likelihood import ColumnsLikelihood
from train.run.settings import Settings


def preset_of(settings: Settings, dataset: data.Dataset) -> presets.Preset:
    """The preset of a run: the one that is named, or that goes with the data.

    Args:
        settings: `Settings`.
        dataset: data of the run.

    Returns:
        `Preset`.

    Raises:
        InputError: if none goes with the data.
    """
    if settings.preset:
        return presets.get(settings.preset)
    shape = dataset.train.data_shape
    # Points of the plane may be a table of two columns, too.
    is_table = dataset.columns is not None or (len(shape) == 1 and settings.dataset != "synthetic")
    return presets.get("table") if is_table else presets.for_shape(shape)


def likelihood_of(settings: Settings, dataset: data.Dataset) -> likelihoods.Likelihood:
    """The likelihood of a run: of a table that of its columns, unless another is named.

    Args:
        settings: `Settings`.
        dataset: data of the run.

    Returns:
        `Likelihood`.
    """
    preset = preset_of(settings, dataset)
    name = settings.likelihood or (ColumnsLikelihood.name if preset.name == "table" else preset.likelihood)
    if name != ColumnsLikelihood.name:
        return likelihoods.get(name)
    if dataset.columns is None:
        raise InputError("--likelihood=columns goes with --preset=table alone: leave one of them out.")
    return ColumnsLikelihood(dataset.columns)


def style_prior_of(settings: Settings) -> MixturePrior | None:
    """The prior of w of a run: that of a deep GMVAE if it has style components, else the paper's.

    Args:
        settings: `Settings`.

    Returns:
        `MixturePrior`, whose weights are learned where those of x are; or None.
    """
    if settings.style_components is None:
        return None
    return MixturePrior(
        settings.style_components, settings.style_prior_dim, component_prior=settings.component_prior
    )
