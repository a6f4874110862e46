"""The heads of a GMVAE set up from clusters of its latents: the factors of a cluster become what w says in it."""

import warnings

import keras
import numpy as np

from tf_gmvae.start import factors


def set_up(
    model: keras.Model, encoding: dict[str, np.ndarray], labels: np.ndarray, num_factors: int, seed: int
) -> list[np.ndarray]:
    """Gives the heads of the prior and of the styles their weights, level by level, from the clusters of latents.

    Args:
        model: `GMVAE`.
        encoding: dict of arrays of the S examples: "features" (S, F), "x_mean" and "x_log_var" (S, D).
        labels: array (S, K), soft labels of the examples.
        num_factors: integer, dimensions of w that start in use; 0 starts without a style.
        seed: integer.

    Returns:
        The soft labels (S, C) of the deeper levels, a list: groups of the styles that the level before found.
    """
    _warn_of_frozen(model)
    mean, log_var, rng = encoding["x_mean"].astype("float64"), encoding["x_log_var"], np.random.default_rng(seed)
    latents = mean + np.exp(0.5 * log_var) * rng.standard_normal(mean.shape)
    given = [labels]
    levels = [(model, model.style_dim, model.prior_units, model.w_head)]
    for level, head in zip(model.style_prior.levels(), model.style_heads, strict=True):
        levels.append((level, level.style_dim, level.units, head))
    for number, (level, style_dim, units, head) in enumerate(levels):
        size = min(num_factors, style_dim, latents.shape[1] // 2, *units)
        found = factors.analyse(latents, given[-1].argmax(axis=1), level.num_components, size, seed)
        level.prior_head.assign_components(found.means, found.loadings, found.log_vars)
        level.component_prior.start_from(given[-1].mean(axis=0))
        if not size:  # without factors there is no style to group
            break
        _assign_linear(head, encoding["features"], found)
        if number + 1 < len(levels):
            given.append(factors.groups(found.scores, levels[number + 1][0].num_components, seed))
            # The other dimensions of the style begin near N(0, I).
            latents = rng.standard_normal((len(found.scores), style_dim))
            latents[:, :size] = found.scores + np.exp(0.5 * found.log_var_scores) * latents[:, :size]
    return given[1:]


def _warn_of_frozen(model):
    own = {name: layer for name, layer in model._own_layers().items() if name != "x_head" and "/" not in name}
    if frozen := [name for name, layer in own.items() if not layer.trainable]:
        warnings.warn(
            f"initialize sets {', '.join(frozen)} to the clusters that it found, though not trainable: without it "
            "there is no start. Freeze layers after it.",
            stacklevel=4,
        )


def _assign_linear(head, features, found):
    from sklearn.linear_model import Ridge

    fitted = Ridge(1.0).fit(features, found.scores)
    kernel = np.reshape(fitted.coef_, (found.scores.shape[1], -1)).T  # scikit-learn drops a single target's axis
    head.assign_linear(kernel, np.reshape(fitted.intercept_, -1), found.log_var_scores)
