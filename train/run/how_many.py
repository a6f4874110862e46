"""How many clusters a run has, where that is left to the data."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, NamedTuple

from tf_gmvae import data
from tf_gmvae.start import how_many
from tf_gmvae.start.initialization import Start
from train.run import samples
from train.run.choices import likelihood_of
from train.run.definitions import AUTO
from train.run.settings import Settings


class Asked(NamedTuple):
    """What the data have answered.

    Attributes:
        record: dict that JSON can hold: num_components, by, stability, sure, of `HowMany`; its sentence; seconds.
        found: `Start`, the clusters.
    """

    record: dict[str, Any]
    found: Start


def settled(settings: Settings, dataset: data.Dataset) -> tuple[Settings, Asked | None]:
    """The settings with a number of clusters.

    Args:
        settings: resolved `Settings`.
        dataset: data of the run.

    Returns:
        Pair of `Settings` and of `Asked`, or None where the number was given.
    """
    if settings.num_components != AUTO:
        return settings, None
    began = time.perf_counter()
    found, start = how_many.ask(
        samples.in_memory(dataset.train, settings.seed),
        likelihood_of(settings, dataset),
        settings.seed,
        None if settings.views == "none" else settings.views,
    )
    record = {
        **found._asdict(),
        "stability": {str(number): value for number, value in found.stability.items()},
        "sentence": found.sentence,
        "seconds": round(time.perf_counter() - began, 3),
    }
    return replace(settings, num_components=found.num_components), Asked(record, start)
