"""The pages of a run, its report and the one to explore: what they are made of."""

from dataclasses import replace
from typing import Any

import numpy as np

from tf_gmvae import drawing, report, terminal
from tf_gmvae.data.split import Split
from tf_gmvae.hierarchy.tree import Hierarchy
from tf_gmvae.model.answers import Examination
from tf_gmvae.sampling import drawn
from train.run import answers, explorer
from train.run.method_job import MethodRun
from train.run.run import Run

SAMPLES = 8
RECONSTRUCTED = 16
# Components that are walked through, the largest; lines through w of each; places, in deviations of its prior.
WALKED = 6
LINES = 2
WALK = np.linspace(-2.5, 2.5, 9)
# Generated examples, where the data are points of a plane.
DRAWN = 2000


def write(
    run: Run, examination: Examination, metrics: dict[str, Any], tree: Hierarchy, explored: bool = True
) -> None:
    """Writes the report of a run into its folder, and the page to explore it, and says where they lie.

    Args:
        run: `Run`.
        examination: answer of `scoring.examine`.
        metrics: answer of `scoring.score`.
        tree: `Hierarchy` of the components.
        explored: whether the page to explore is written. Default True.
    """
    findings = findings_of(run, run.scored, examination, metrics, tree.linkage)
    _write(run.folder, findings, (lambda: explorer.of_run(run, findings)) if explored else None)


def findings_of(
    run: Run, split: Split, examination: Examination, metrics: dict[str, Any], linkage: np.ndarray | None = None
) -> report.Findings:
    """What the pages of a run are made of.

    Args:
        run: `Run`.
        split: `Split` in memory.
        examination: what the model says of its examples.
        metrics: as in `write`.
        linkage: array (K - 1, 4), the tree of the components. Default None: it is not drawn.

    Returns:
        `Findings`.
    """
    model, folder = run.model, run.folder
    seed, shown = run.settings.seed, run.settings.shareable
    reconstructed = drawn(split.num_examples, RECONSTRUCTED, seed)
    counts = np.bincount(examination.posterior.argmax(axis=1), minlength=model.num_components)
    largest = [int(k) for k in np.argsort(-counts, kind="stable") if counts[k]][:WALKED]
    columns, to_features = getattr(model.likelihood, "columns", None), model.likelihood.features()
    return report.Findings(
        name=folder.path.name,
        examples=split.examples,
        posterior=examination.posterior,
        x=examination.x,
        elbo=examination.terms.elbo,
        reconstructed=reconstructed,
        reconstructions=model.reconstruct(run.batches(split.take(reconstructed))),
        samples=drawing.samples(model, SAMPLES, seed),
        walks=dict(zip(largest, drawing.walks(model, largest, WALK, LINES), strict=True)),
        drawn=model.generate(DRAWN if split.data_shape == (2,) else 1, seed=seed),
        history=folder.read_history(),
        metrics={**metrics, "dataset": shown.dataset},
        settings=shown.as_dict(),
        labels=split.labels,
        class_names=run.dataset.class_names,
        component_names=folder.read_clusters().get("names"),
        seed=seed,
        log_posterior=examination.log_posterior,
        uint8_scale=model.likelihood.uint8_scale,
        features=None if to_features is None else np.asarray(to_features(split.examples)),
        feature_names=None if columns is None else columns.feature_names,
        linkage=linkage,
        leaves=drawing.leaves(model) if model.style_heads else None,
        ids=answers.ids(split),
    )


def write_of_method(
    run: MethodRun, log_assignments: np.ndarray, codes: np.ndarray, metrics: dict[str, Any], explored: bool = True
) -> None:
    """Writes the pages of a run of another method, which show its clusters and generate nothing.

    Args:
        run: `MethodRun`.
        log_assignments: array (N, K), of the examples that are scored.
        codes: array (N, D), of the same.
        metrics: answer of `method_job.score`.
        explored: whether the page to explore is written. Default True.
    """
    folder, split, shown = run.folder, run.scored, run.settings.shareable
    findings = report.Findings(
        name=folder.path.name,
        examples=split.examples,
        posterior=np.exp(log_assignments),
        x=codes,
        elbo=None,
        reconstructed=None,
        reconstructions=None,
        samples=None,
        walks=None,
        drawn=None,
        history=folder.read_history(),
        metrics={**metrics, "dataset": shown.dataset},
        settings=shown.as_dict(),
        labels=split.labels,
        class_names=run.dataset.class_names,
        seed=run.settings.seed,
        log_posterior=log_assignments,
        uint8_scale=run.model.likelihood.uint8_scale,
        features=None if run.columns is None else run.examined,
        feature_names=None if run.columns is None else run.columns.feature_names,
        method=run.model.TITLE,
    )
    _write(folder, findings, (lambda: explorer.of_findings(findings, split, run.dataset)) if explored else None)


def _write(folder, findings, explore):
    """Both pages, or the report alone; the map of few examples is the same on both, and is made once."""
    exploration = None
    if explore is not None:
        with terminal.step("Mapping the examples"):
            exploration = explore()
        findings = replace(findings, points=exploration.points)
    with terminal.step("Drawing the report"):
        page = report.render(findings)
        folder.write_whole(folder.report, page)
    terminal.say(f"The run in pictures: {folder.report} ({len(page) / 2**20:.1f} MB)")
    if exploration is not None:
        explorer.write(folder, exploration)
