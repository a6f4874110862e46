"""What a trained model makes of the examples that are scored, in numbers."""

import math
import platform
from importlib import metadata
from typing import Any

import numpy as np

from tf_gmvae import evaluation
from tf_gmvae.evaluation import diagnostics
from tf_gmvae.model.answers import Examination
from tf_gmvae.version import __version__
from train.run import last_screen
from train.run.run import Run

PACKAGES = ("tensorflow", "keras", "numpy")
# Draws of w from its prior that show how the components move with it.
STYLES = 500


def examine(run: Run) -> Examination:
    """What a trained model says of the examples that are scored.

    Args:
        run: `Run`.

    Returns:
        `Examination` of arrays.
    """
    return run.model.examine(run.batches(run.scored))


def score(run: Run, examination: Examination) -> dict[str, Any]:
    """Scores a trained model. Nothing is written.

    Args:
        run: `Run`.
        examination: answer of `examine`.

    Returns:
        Dict of the metrics, which JSON can hold.
    """
    settings, dataset, model, folder = run.settings, run.dataset, run.model, run.folder
    split = run.scored
    posterior = examination.posterior
    terms = {name: float(np.mean(values)) for name, values in examination.terms._asdict().items()}
    terms = {"elbo": float(np.mean(examination.terms.elbo)), **terms}
    watched = diagnostics.summary(posterior, examination.x, examination.w)
    styles = model.style_prior.sample(np.random.default_rng(settings.seed), STYLES, model.style_dim)
    components = (stream.numpy() for stream in model.mixture_prior(styles.astype("float32")))
    history = folder.read_history()
    seconds = sum(row["seconds"] for row in history)
    examples = len(history) * math.prod(settings.epoch_shape(dataset.train.num_examples))
    return {
        "dataset": settings.dataset,
        "scored_on": dataset.scored_name,
        "num_examples": split.num_examples,
        "drawn_from": dataset.scored.num_examples,
        "preset": settings.preset,
        "likelihood": settings.likelihood,
        "num_components": settings.num_components,
        "num_samples": settings.num_samples,
        "min_information": settings.min_information,
        "component_weights": _weights(model.component_prior),
        "seed": settings.seed,
        "epochs": len(history),
        "ended": settings.has_ended(history),
        "start_seconds": folder.read_start()["seconds"],
        "train_seconds": round(seconds, 3),
        "parameters": model.count_params(),
        "images_per_second": round(examples / seconds, 1) if seconds else None,
        **terms,
        **watched,
        "style_information": diagnostics.style_information(*components),
        **evaluation.scores(posterior, split.labels, examination.log_posterior),
        **last_screen.figures(posterior),
        "table1_protocol": evaluation.TABLE1_PROTOCOL,
        "guide_labels": _guided(folder),
        "how_many": folder.read_how_many(),
        "start": _of_start(folder, posterior.argmax(axis=1)),
        "levels": _levels(model, examination),
        "collapse": [
            *diagnostics.verdicts(
                watched,
                settings.num_components,
                terms["w_prior"],
                np.bincount(posterior.argmax(axis=1), minlength=settings.num_components),
                settings.initialize,
            ),
            *(
                sentence
                for number, of_level in enumerate(examination.levels, start=2)
                for sentence in diagnostics.level_verdicts(of_level, number, settings.initialize)
            ),
        ],
        "versions": versions(),
    }


def _weights(prior):
    """pi as a list of K numbers; None where it is uniform."""
    return None if prior.kind == "uniform" else prior.probabilities.tolist()


def _levels(model, examination):
    """The figures of every deeper level, a list, and its terms in nats."""
    found = zip(model.style_prior.levels(), examination.levels, examination.level_terms, strict=True)
    return [
        {
            "num_components": level.num_components,
            "style_dim": level.style_dim,
            "component_weights": _weights(level.component_prior),
            "shares": np.mean(
                posterior.argmax(axis=1)[:, None] == np.arange(level.num_components), axis=0
            ).tolist(),
            **diagnostics.level_summary(posterior),
            **{name: float(np.mean(values)) for name, values in terms._asdict().items()},
        }
        for level, posterior, terms in found
    ]


def _of_start(folder, clusters):
    """Scores of the labels that the start found and of the model after it, and what changed since; or None."""
    record, before = folder.read_start(), folder.read_start_clusters()
    if before is None or len(before) != len(clusters) or "after" not in record:
        return None
    return {
        "labels_found": record["labels_found"],
        "after": record["after"],
        "changed": float(np.mean(before != clusters)),
    }


def _guided(folder):
    """How many examples, of how many classes, guided the start; or None."""
    guide = folder.read_start().get("guide")
    return guide and {key: guide[key] for key in ("examples", "classes")}


def versions() -> dict[str, str]:
    """Versions of what computed a score, by name."""
    return {
        "python": platform.python_version(),
        "tf-gmvae": __version__,  # of the code that runs, whatever was installed before it
        **{name: metadata.version(name) for name in PACKAGES},
    }
