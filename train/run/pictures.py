"""The report of a run: what its page is made of."""

from typing import Any

import numpy as np

from tf_gmvae import report, terminal
from tf_gmvae.figures import drawing
from tf_gmvae.hierarchy.tree import Hierarchy
from tf_gmvae.model.inference import Examination
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


def write(run: Run, examination: Examination, metrics: dict[str, Any], tree: Hierarchy) -> None:
    """Writes the report of a run into its folder, and says where it lies.

    Args:
        run: `Run`.
        examination: answer of `scoring.examine`.
        metrics: answer of `scoring.score`.
        tree: `Hierarchy` of the components.
    """
    model, folder, split = run.model, run.folder, run.scored
    seed, shown = run.settings.seed, run.settings.shareable
    reconstructed = np.sort(
        np.random.default_rng(seed).choice(
            split.num_examples, min(RECONSTRUCTED, split.num_examples), replace=False
        )
    )
    counts = np.bincount(examination.posterior.argmax(axis=1), minlength=model.num_components)
    largest = [int(k) for k in np.argsort(-counts, kind="stable") if counts[k]][:WALKED]
    columns, to_features = getattr(model.likelihood, "columns", None), model.likelihood.features()
    _write(
        folder,
        report.Findings(
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
            seed=seed,
            log_posterior=examination.log_posterior,
            uint8_scale=model.likelihood.uint8_scale,
            features=None if to_features is None else np.asarray(to_features(split.examples)),
            feature_names=None if columns is None else columns.feature_names,
            linkage=tree.linkage,
            leaves=drawing.leaves(model) if model.style_heads else None,
        ),
    )


def write_of_method(
    run: MethodRun, log_assignments: np.ndarray, codes: np.ndarray, metrics: dict[str, Any]
) -> None:
    """Writes the report of a run of another method, which shows its clusters and generates nothing.

    Args:
        run: `MethodRun`.
        log_assignments: array (N, K), of the examples that are scored.
        codes: array (N, D), of the same.
        metrics: answer of `method_job.score`.
    """
    folder, split, shown = run.folder, run.scored, run.settings.shareable
    _write(
        folder,
        report.Findings(
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
            method=run.model.TITLE,
        ),
    )


def _write(folder, findings):
    with terminal.step("Drawing the report"):
        page = report.render(findings)
        folder.write_whole(folder.report, page)
    terminal.say(f"The run in pictures: {folder.report} ({len(page) / 2**20:.1f} MB)")
