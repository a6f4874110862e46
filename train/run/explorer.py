"""The page of a run to explore: what it is made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from absl import flags

from tf_gmvae import drawing, explorer, terminal
from tf_gmvae.data.split import Dataset, Split
from tf_gmvae.explorer.exploration import MOST, some
from tf_gmvae.report import Findings
from tf_gmvae.sampling import drawn
from tf_gmvae.start import latent_map
from train.run import answers, kept
from train.run.run import Run

# Components whose styles can be moved, the largest; places on either line through w, in deviations of its prior.
MOVED = 40
PLACES = np.linspace(-2.5, 2.5, 7)
HELP = "With the report write explorer.html: the run to walk through, with a map, names and marks."


def define() -> None:
    """Defines the flag of commands that write it."""
    flags.DEFINE_bool("explorer", True, HELP)


def write(folder: Any, exploration: explorer.Exploration) -> None:
    """Writes the page into the folder of a run, and says where it lies.

    Args:
        folder: `RunFolder`.
        exploration: `Exploration`.
    """
    html, _ = explorer.render(exploration)
    folder.write_whole(folder.explorer, html)
    terminal.say(f"The run to explore: {folder.explorer} ({len(html) / 2**20:.1f} MB)")


def of_run(run: Run, findings: Findings) -> explorer.Exploration:
    """What the page of a run is made of.

    Args:
        run: `Run`.
        findings: `Findings` about the examples that are scored.

    Returns:
        `Exploration` of at most `MOST` of them, drawn by the seed of the run.
    """
    exploration = of_findings(findings, run.scored, run.dataset)
    shown = Split(exploration.findings.examples, missing=run.scored.missing)
    names = run.folder.read_clusters().get("names")
    assert exploration.findings.log_posterior is not None
    chosen = answers.choices(exploration.findings.log_posterior, names)
    return replace(
        exploration,
        reconstructions=run.model.reconstruct(run.batches(shown)),
        planes=planes(run, findings.posterior),
        names=names,
        kept=kept.read(run.folder.kept) if run.folder.kept.is_file() else None,
        clusters=chosen["cluster"],
        certainty=chosen["probability"],
    )


def of_findings(findings: Findings, split: Split, dataset: Dataset) -> explorer.Exploration:
    """The same of any method, without what only a GMVAE makes.

    Args:
        findings: `Findings` about the examples of the split.
        split: `Split` in memory.
        dataset: `Dataset` that the split is of.

    Returns:
        `Exploration`.
    """
    numbers = drawn(split.num_examples, MOST, findings.seed)
    return explorer.Exploration(
        findings=some(findings, numbers),
        points=latent_map.plane(findings.x[numbers], findings.seed),
        ids=answers.ids(split)[numbers],
        parts=np.full(len(numbers), dataset.scored_name),
        total=dataset.scored.num_examples,
        reconstructions=None,
        planes={},
        places=PLACES,
        columns=columns_of(dataset),
    )


def planes(run: Run, posterior: np.ndarray) -> dict[int, np.ndarray]:
    """Examples on a grid of styles of the largest components.

    Args:
        run: `Run`.
        posterior: array (N, K).

    Returns:
        Dict of arrays by component, see `drawing.planes`.
    """
    counts = np.bincount(posterior.argmax(axis=1), minlength=run.model.num_components)
    largest = [int(k) for k in np.argsort(-counts, kind="stable") if counts[k]][:MOVED]
    return dict(zip(largest, drawing.planes(run.model, largest, PLACES), strict=True))


def columns_of(dataset: Dataset) -> list[tuple[str, tuple[str, ...]]] | None:
    """Names and levels of the columns of a table.

    Args:
        dataset: `Dataset`.

    Returns:
        List of pairs, or None of data without named columns.
    """
    return None if dataset.columns is None else [(c.name, c.levels) for c in dataset.columns.columns]
