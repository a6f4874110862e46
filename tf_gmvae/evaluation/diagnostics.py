"""What shows that clusters have collapsed, on NumPy arrays (section 3.4 of the paper; Burda et al. 2016).

The terms of the ELBO do not show it alone: with every example in one component the z-prior term is as high as
with K clean clusters. The posterior averaged over examples does.
"""

import math

import numpy as np

from tf_gmvae.errors import InputError
from tf_gmvae.evaluation.measures import checked_posterior, components_in_use

# A latent dimension whose posterior mean varies less than this over examples (the prior has 1) is not used.
ACTIVE_VARIANCE = 0.01
# Parts of log K: below the first, one component takes nearly all; above the second, every posterior is uniform.
LEAST_USAGE_ENTROPY = 0.1
MOST_POSTERIOR_ENTROPY = 0.9
# Mean entropy of p(z | y), nats, above which examples are shared: 0.9 log 2 is nearly half and half between two.
SHARED_ENTROPY = 0.9 * math.log(2)
# Part of the K components of which that many must hold the examples, counted as exp of the usage entropy.
LEAST_USED = 0.5
# A component is starved below this part of an equal share of the examples. Where an equal share is fewer than so
# many examples, chance alone leaves components without one.
STARVED = 0.1
LEAST_SHARE = 10
# Of these so many are named.
NAMED = 5
# Nats of the w-prior term: below the first w says nothing, below the second little.
LEAST_W_PRIOR = 0.1
FADING_W_PRIOR = 0.5
# Bhattacharyya coefficient from which two components count as one: unit Gaussians 0.92 deviations apart have it.
COINCIDING = 0.9


def activity(means: np.ndarray) -> np.ndarray:
    """Variance over examples of every dimension of a posterior mean.

    Args:
        means: array (N, D).

    Returns:
        Array (D,); under the prior each is at most 1, and near 0 where the dimension is ignored.

    Raises:
        InputError: if there is no example.
    """
    means = np.asarray(means)
    if not means.size:
        raise InputError(
            f"The variance over examples needs examples, an array (N, D). Received: shape {means.shape}"
        )
    return np.var(means, axis=0)


def usage_entropy(posterior: np.ndarray) -> float:
    """Entropy of the posterior averaged over examples.

    Args:
        posterior: array (N, K).

    Returns:
        Nats, from 0 (one component takes all) to log K (all are used alike).

    Raises:
        InputError: if the posterior is not a matrix of finite numbers >= 0.
    """
    # Sums in float32 no longer grow by ones from 2^24 examples on.
    return float(_entropy(np.mean(checked_posterior(posterior), axis=0, dtype="float64")))


def posterior_entropy(posterior: np.ndarray) -> float:
    """Entropy of the posterior of an example, averaged over examples.

    Args:
        posterior: array (N, K).

    Returns:
        Nats, from 0 (all are certain) to log K (all components overlap).

    Raises:
        InputError: if the posterior is not a matrix of finite numbers >= 0.
    """
    return float(np.mean(_entropy(checked_posterior(posterior).astype("float64"))))


def style_information(means: np.ndarray, log_vars: np.ndarray) -> float:
    """How much of x the style w decides within a component: what Fig. 5b is about.

    The information of w on x in nats, were p(x | z) Gaussian: 1/2 log det(I + C_k / S_k), C_k the covariance over
    w of the component's mean and S_k its own variance.

    Args:
        means: array (N, K, D), component means at N draws of w from its prior.
        log_vars: array (N, K, D).

    Returns:
        Float, nats, averaged over components; 0 where p(x | w, z) does not move with w.
    """
    found = []
    for k in range(means.shape[1]):
        deviations = np.exp(0.5 * log_vars[:, k]).mean(axis=0)
        moves = (means[:, k] - means[:, k].mean(axis=0)) / deviations
        covariance = moves.T @ moves / len(moves)
        found.append(0.5 * np.linalg.slogdet(np.eye(len(covariance)) + covariance)[1])
    return float(np.mean(found))


def merged_components(means: np.ndarray, log_vars: np.ndarray) -> list[list[int]]:
    """Components that have become one: Gaussians that coincide, directly or through others.

    The measure is the Bhattacharyya coefficient, the integral of sqrt(p_j p_k): 1 for equals, 0 for Gaussians that
    do not touch. Components in use do not show this: of two that coincide the argmax takes now one, now the other.

    Args:
        means: array (K, D), component means at one w.
        log_vars: array (K, D).

    Returns:
        List of lists of component numbers, ascending; a component that stands alone is a list of its own.
    """
    from scipy.sparse.csgraph import connected_components

    means, log_vars = np.asarray(means, "float64"), np.asarray(log_vars, "float64")
    variances = np.exp(log_vars)
    between = (variances[:, None] + variances[None]) / 2
    apart = (means[:, None] - means[None]) ** 2 / (8 * between)
    unlike = np.log(between) / 2 - (log_vars[:, None] + log_vars[None]) / 4
    coefficients = np.exp(-np.sum(apart + unlike, axis=-1))
    number, groups = connected_components(coefficients >= COINCIDING)
    return [np.flatnonzero(groups == group).tolist() for group in range(number)]


def summary(posterior: np.ndarray, x_means: np.ndarray, w_means: np.ndarray) -> dict[str, float]:
    """All figures of the watch.

    Args:
        posterior: array (N, K), p(z | y).
        x_means: array (N, D), means of q(x | y).
        w_means: array (N, W), means of q(w | y).

    Returns:
        Dict of floats: components_in_use, usage_entropy, posterior_entropy (nats), active_x and active_w (numbers
        of dimensions).
    """
    return {
        **level_summary(posterior),
        "active_x": float(np.sum(activity(x_means) > ACTIVE_VARIANCE)),
        "active_w": float(np.sum(activity(w_means) > ACTIVE_VARIANCE)),
    }


def verdicts(
    figures: dict[str, float],
    num_components: int,
    w_prior: float | None = None,
    counts: np.ndarray | None = None,
    initialized: bool | None = None,
    remedy: str | None = None,
) -> list[str]:
    """The failures that the figures show, each in a sentence with what can be done.

    Args:
        figures: dict of `summary`.
        num_components: K.
        w_prior: the w-prior term, nats; None leaves w out.
        counts: array (K,), examples assigned (argmax) to every component; None leaves starved components out.
        initialized: whether the model began with `GMVAE.initialize`; None is unknown.
        remedy: text without a full stop, what can be done about the components. Default None: what can be done
            about those of a GMVAE.

    Returns:
        List of sentences, empty where all is well. The words before the first colon name the failure.
    """
    found, k = [], num_components
    if k > 1:
        found += _of_components(figures, k, counts, initialized, remedy=remedy)
    if w_prior is not None and w_prior < FADING_W_PRIOR:
        name, much = ("w is ignored", "nothing") if w_prior < LEAST_W_PRIOR else ("w fades", "little")
        found.append(
            f"{name}: its divergence from the prior is {w_prior:.2f} nats. The clusters do without it, which "
            f"is no fault in them; walks through w will show {much}."
        )
    return found


def level_summary(posterior: np.ndarray) -> dict[str, float]:
    """The figures of a deeper level of a deep GMVAE.

    Args:
        posterior: array (N, C), p(c | y).

    Returns:
        Dict of floats: components_in_use, usage_entropy, posterior_entropy (nats).
    """
    return {
        "components_in_use": float(components_in_use(posterior)),
        "usage_entropy": usage_entropy(posterior),
        "posterior_entropy": posterior_entropy(posterior),
    }


def level_verdicts(posterior: np.ndarray, number: int, initialized: bool | None = None) -> list[str]:
    """The failures of the components of a deeper level.

    Args:
        posterior: array (N, C), p(c | y).
        number: of the level, 2 that of w.
        initialized: as in `verdicts`. Default None.

    Returns:
        List of sentences, as those of `verdicts`, each with the level in its first words.
    """
    posterior = np.asarray(posterior)
    num_components = posterior.shape[1]
    if num_components == 1:
        return []
    counts = np.bincount(posterior.argmax(axis=1), minlength=num_components)
    fewer = "use fewer components on this level (style_components)"
    found = _of_components(level_summary(posterior), num_components, counts, initialized, fewer)
    return [f"On level {number}, {sentence[0].lower()}{sentence[1:]}" for sentence in found]


def _of_components(
    figures, num_components, counts, initialized, fewer="use fewer components (num_components)", remedy=None
):
    """Verdicts on K > 1 components."""
    found, limit = [], math.log(num_components)
    overlap_remedy, usage_remedy = (
        _start_or(instead, initialized) if remedy is None else f"{remedy}."
        for instead in (fewer, f"lower the learning rate, or {fewer}")
    )
    shared, used = math.exp(figures["posterior_entropy"]), math.exp(figures["usage_entropy"])
    examples = math.inf if counts is None else int(np.sum(counts))
    overlap = f"an average example is shared by {shared:.1f} of {num_components} components"
    if figures["posterior_entropy"] > MOST_POSTERIOR_ENTROPY * limit:
        found.append(f"All components overlap: {overlap}. {_capital(overlap_remedy)}")
    elif figures["posterior_entropy"] > SHARED_ENTROPY:
        found.append(f"Components overlap: {overlap}. {_capital(overlap_remedy)}")
    if figures["usage_entropy"] < LEAST_USAGE_ENTROPY * limit:
        found.append(
            f"One component takes nearly all examples: the entropy of the average p(z | y) is "
            f"{figures['usage_entropy']:.2f} of {limit:.2f} nats. {_capital(usage_remedy)}"
        )
    elif round(used, 1) < LEAST_USED * min(num_components, examples):
        found.append(
            f"Few components are used: about {used:.1f} of {num_components} hold the examples. Unless your data "
            f"are so uneven, {usage_remedy}"
        )
    elif counts is not None and not found and examples >= LEAST_SHARE * num_components:
        # Where components overlap the argmax takes now one, now another.
        found += _starved(np.asarray(counts), examples, usage_remedy)
    return found


def _starved(counts, examples, remedy):
    """A verdict on components that hold next to nothing, or none."""
    share = examples / len(counts)
    starved = np.flatnonzero(counts < STARVED * share)
    if not len(starved):
        return []
    named = ", ".join(f"component {k} holds {counts[k]}" for k in starved[:NAMED])
    more = f" and {len(starved) - NAMED} more like it" if len(starved) > NAMED else ""
    return [
        f"Starved components: of {examples:,} examples {named}{more}, where an equal share is {share:.0f}. Unless "
        f"your data hold so small a group, {remedy}"
    ]


def _start_or(instead, initialized):
    """The start, for who has not had it; `instead` for who has."""
    start = "begin with model.initialize(data) (flag --initialize)"
    if initialized is None:
        return f"if it was trained without a start, {start}; if with one, {instead}."
    return f"{instead if initialized else start}."


def _capital(sentence):
    return sentence[0].upper() + sentence[1:]


def _entropy(probabilities):
    """Over the last axis."""
    from scipy.special import entr

    return np.sum(entr(probabilities), axis=-1)
