"""What a trained model draws, as arrays that figures, report and explorer show."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np


def samples(model: keras.Model, num_samples: int, seed: int) -> np.ndarray:
    """Samples of every component at w = 0 (Fig. 5a).

    Args:
        model: `GMVAE`.
        num_samples: S, of each.
        seed: integer.

    Returns:
        Array (K, S, ...), means of p(y | x), x drawn from p(x | w = 0, z).
    """
    components = np.repeat(np.arange(model.num_components), num_samples)
    made = model.generate(component=components, w=np.zeros(model.style_dim, "float32"), seed=seed)
    return made.reshape(model.num_components, num_samples, *made.shape[1:])


def leaves(model: keras.Model) -> np.ndarray:
    """The mean example of every pair (c, z) of the first two levels of a deep GMVAE.

    Args:
        model: `GMVAE` with a `MixturePrior`.

    Returns:
        Array (C, K, ...), means of p(y | x) at the mean of x in z, at the mean of w in c, at v = 0.
    """
    level = model.style_prior.levels()[0]
    styles = level.components(np.zeros((1, level.style_dim), "float32"))[0][0]  # (C, W)
    means, _ = model.mixture_prior(styles)
    return np.asarray(model.likelihood.mean(model.decode(means)))


def walks(
    model: keras.Model, components: Sequence[int], places: Sequence[float] | np.ndarray, num_lines: int = 1
) -> np.ndarray:
    """Examples at a component's mean on lines through w = 0: the style changes, the component stays (Fig. 5b).

    Few dimensions of w say anything, and each component has its own way to follow them. So the lines of component
    k are those on which its mean moves most: the first singular vectors of the slope of mu_k(w) at 0, with x in
    deviations of the component. The sign of a line is that of its largest entry.

    Args:
        model: `GMVAE`.
        components: list of C numbers.
        places: array (P,), on the lines, in deviations of the prior of w.
        num_lines: L, at most the dimensions of w and of x. Default 1.

    Returns:
        Array (C, L, P, ...), means of p(y | x).
    """
    lines = _lines(model, components, num_lines)
    return _decoded(model, components, np.asarray(places, "float32")[:, None] * lines[:, :, None])


def planes(model: keras.Model, components: Sequence[int], places: Sequence[float] | np.ndarray) -> np.ndarray:
    """Examples at a component's mean on a grid in the plane of its two leading lines, those of `walks`.

    Args:
        model: `GMVAE`.
        components: list of C numbers.
        places: array (P,), on either line, in deviations of the prior of w.

    Returns:
        Array (C, Q, P, ...), means of p(y | x): along the second line, where Q is P, or 1 if there is no second
        line, and along the first.
    """
    lines = _lines(model, components, 2)
    along = np.asarray(places, "float32")[:, None] * lines[:, :, None]  # (C, L, P, W)
    across = along[:, 1] if lines.shape[1] > 1 else np.zeros_like(along[:, 0, :1])
    return _decoded(model, components, across[:, :, None] + along[:, 0, None])


def _lines(model, components, num_lines):
    """(C, L, W), L unit vectors of w for each component, as `walks` tells."""
    units = np.eye(model.style_dim, dtype="float32")
    ahead, behind = (model.mixture_prior(sign * units)[0].numpy()[:, components] for sign in (1, -1))
    deviations = np.exp(0.5 * model.mixture_prior(0 * units[:1])[1].numpy()[:, components])
    slopes = np.moveaxis((ahead - behind) / 2 / deviations, 1, 0)  # (C, W, D)
    lines = np.swapaxes(np.linalg.svd(slopes, full_matrices=False)[0], 1, 2)[:, :num_lines]  # (C, L, W)
    largest = np.take_along_axis(lines, np.abs(lines).argmax(axis=2)[..., None], axis=2)
    return lines * np.sign(largest)


def _decoded(model, components, w):
    """Means of p(y | x) at the mean of each component; w of (C, ..., W)."""
    means = (model.mixture_prior(w[i])[0][:, :, k] for i, k in enumerate(components))
    return np.stack([model.likelihood.mean(model.decode(x)).numpy() for x in means])
