"""Fig. 2 and 3, of the trainings behind them, and what those came to in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tf_gmvae import GMVAE, data, evaluation, figures, terminal
from tf_gmvae.data.synthetic import NUM_ARCS
from tf_gmvae.evaluation import diagnostics
from tf_gmvae.figures.arcs import LatentSpace
from tf_gmvae.seeds import within_bits
from train.paper.arcs_training import NUM_COMPONENTS, PRETRAINING_STEPS, SCALE, ArcsTraining, snapshot

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from sklearn.mixture import GaussianMixture


# Draws of x from the prior over which p(y | x) is averaged.
DENSITY_SAMPLES = 20_000
# Of the densities; the arcs' farthest points lie at 2.8 times the scale.
GRID = SCALE * np.linspace(-2.8, 2.8, 160, dtype="float32")


def figure2(
    dataset: data.Dataset, collapsed: ArcsTraining, cured: ArcsTraining, sharp: GMVAE, seed: int
) -> tuple[Figure, dict[str, Any]]:
    """The data, densities and latent spaces (Fig. 2).

    Args:
        dataset: `data.Dataset` of the trainings.
        collapsed: `ArcsTraining` without the constraint.
        cured: `ArcsTraining` with it.
        sharp: the `GMVAE` of `learn_noise` after it, of the same mixture prior; its density is drawn.
        seed: integer, seed of what is drawn.

    Returns:
        Pair of the `matplotlib.figure.Figure` and a dict of its numbers that JSON can hold.
    """
    test = dataset.test
    assert test is not None and test.labels is not None
    grid = np.stack(np.meshgrid(GRID, GRID), axis=-1).reshape(-1, 2)
    mixtures = {k: density_of_mixture(dataset.train.examples, k, seed) for k in (NUM_ARCS, NUM_COMPONENTS)}
    with terminal.step("Densities on a grid"):
        densities = {
            "GMVAE": log_density(sharp, grid, seed),
            f"Gaussian mixture, K = {NUM_ARCS}": mixtures[NUM_ARCS].score_samples(grid),
        }
    end = snapshot(cured.model, test.examples)
    plain = _latent_space("plain ELBO", snapshot(collapsed.model, test.examples))
    if len(plain.groups) == 1:
        plain = plain._replace(title=f"{plain.title}: merged")
    spaces = [
        plain,
        _latent_space(f"λ = {cured.min_information:g}, z-prior held off", cured.spread or end),
        _latent_space("the same at the end", end),
    ]
    figure = figures.arcs_figure(
        test.examples, test.labels, GRID,
        {title: values.reshape(len(GRID), len(GRID)) for title, values in densities.items()}, spaces,
    )  # fmt: skip
    return figure, {
        **numbers(dataset, collapsed, cured),
        "with_constraint_and_learned_noise": _outcome(test, sharp),
        "test_log_likelihood": {
            "gmvae": float(log_density(sharp, test.examples, seed).mean()),
            **{f"gaussian_mixture_{k}": float(mixture.score(test.examples)) for k, mixture in mixtures.items()},
        },
    }


def figure3(dataset: data.Dataset, collapsed: ArcsTraining, cured: ArcsTraining) -> tuple[Figure, dict[str, Any]]:
    """The z-prior term over both trainings (Fig. 3).

    Args:
        dataset: `data.Dataset` of the trainings.
        collapsed: `ArcsTraining` without the constraint.
        cured: `ArcsTraining` with it.

    Returns:
        Pair of the `matplotlib.figure.Figure` and a dict of its numbers that JSON can hold.
    """
    figure = figures.z_prior_curves(
        collapsed.z_prior, cured.z_prior, cured.min_information, NUM_COMPONENTS, cured.steps
    )
    return figure, numbers(dataset, collapsed, cured)


def numbers(dataset: data.Dataset, collapsed: ArcsTraining, cured: ArcsTraining) -> dict[str, Any]:
    """What the trainings came to.

    Args:
        dataset: `data.Dataset`, of which the test part is scored.
        collapsed: `ArcsTraining` without the constraint.
        cured: `ArcsTraining` with it.

    Returns:
        Dict that JSON can hold.
    """
    reached = np.flatnonzero(cured.z_prior >= cured.min_information)
    return {
        "num_components": NUM_COMPONENTS,
        "min_information": cured.min_information,
        "pretraining_steps": PRETRAINING_STEPS,
        "steps": int(cured.steps[-1]),
        "seed": cured.model.seed,
        "step_at_which_lambda_was_reached": int(cured.steps[reached[0]]) if reached.size else None,
        "without_constraint": _outcome(dataset.test, collapsed.model),
        "with_constraint": _outcome(dataset.test, cured.model),
    }


def summary(record: dict[str, Any]) -> str:
    """The numbers of a figure as text.

    Args:
        record: dict of `numbers`.

    Returns:
        Text of a few lines.
    """
    lines = []
    for name, outcome in record.items():
        if isinstance(outcome, dict) and "accuracy_majority" in outcome:
            groups = outcome["components_that_coincide"]
            lines.append(
                f"  {name.replace('_', ' ')}: z-prior {outcome['z_prior']:.3f}, ELBO {outcome['elbo']:.3f} nats, "
                f"majority accuracy {100 * outcome['accuracy_majority']:.1f} %, {NUM_COMPONENTS} components in "
                f"{len(groups)} place{'s' * (len(groups) > 1)}"
            )
    for name, value in record.get("test_log_likelihood", {}).items():
        lines.append(f"  {name.replace('_', ' ')}: log p(y) {value:.3f} nats a test point")
    return "\n".join(lines)


def _outcome(test, model):
    end = snapshot(model, test.examples)
    terms = model.evaluate(test.examples, batch_size=256, verbose=0, return_dict=True)
    scores = evaluation.scores(model.predict(test.examples, verbose=0), test.labels)
    return {
        **{name: round(terms[name], 4) for name in ("elbo", "z_prior", "conditional_prior", "w_prior")},
        "accuracy_majority": scores["accuracy_majority"],
        "accuracy_table1": scores["accuracy_table1"],
        "components_in_use": scores["components_in_use"],
        "components_that_coincide": diagnostics.merged_components(end.means, end.log_vars),
    }


def _latent_space(title, seen):
    groups = diagnostics.merged_components(seen.means, seen.log_vars)
    return LatentSpace(title, seen.x, seen.means, seen.log_vars, groups)


def log_density(model: GMVAE, points: np.ndarray, seed: int) -> np.ndarray:
    """log p(y) of a trained model: p(y | x) averaged over x from the prior, so that q plays no part.

    Args:
        model: `GMVAE`.
        points: array (N, F).
        seed: integer, seed of the draws.

    Returns:
        Array (N,), nats.
    """
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((DENSITY_SAMPLES, model.style_dim)).astype("float32")
    # As many draws of every component: less noise than from drawing z, too.
    z = np.arange(DENSITY_SAMPLES) % model.num_components
    means, log_vars = (stream.numpy()[np.arange(len(z)), z] for stream in model.mixture_prior(w))
    x = means + np.exp(0.5 * log_vars) * rng.standard_normal(means.shape)
    params = model.decode(x.astype("float32"))[:, None]

    @tf.function(reduce_retracing=True, autograph=False)
    def of_part(examples):
        return tf.reduce_logsumexp(model.likelihood.log_prob(examples, params), axis=0)

    parts = np.array_split(np.asarray(points, "float32"), len(points) // 400 + 1)
    return np.concatenate([of_part(part).numpy() for part in parts]) - np.log(DENSITY_SAMPLES)


def density_of_mixture(examples: np.ndarray, num_components: int, seed: int) -> GaussianMixture:
    """A plain Gaussian mixture of full covariances.

    Args:
        examples: array (N, 2).
        num_components: K.
        seed: integer, seed of its starts.

    Returns:
        Fitted `sklearn.mixture.GaussianMixture`.
    """
    from sklearn.mixture import GaussianMixture

    return GaussianMixture(num_components, n_init=10, random_state=within_bits(seed)).fit(examples)
