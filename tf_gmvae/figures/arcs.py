"""The five arcs in data space and in the latent space (Fig. 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tf_gmvae.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# Quantiles of points between which a latent panel is drawn, so that a single far point does not shrink the rest.
_SHOWN = (0.1, 99.9)


class LatentSpace(NamedTuple):
    """One panel of a plane of latents.

    Attributes:
        title: text above it.
        x: array (N, 2), means of q(x | y).
        means: array (K, 2), of p(x | w, z) at one w.
        log_vars: array (K, 2).
        groups: list of lists of component numbers: those that coincide stand together.
    """

    title: str
    x: np.ndarray
    means: np.ndarray
    log_vars: np.ndarray
    groups: list[list[int]]


@style.styled
def arcs_figure(
    examples: np.ndarray,
    labels: np.ndarray,
    grid: np.ndarray,
    densities: dict[str, np.ndarray],
    spaces: list[LatentSpace],
) -> Figure:
    """The data, densities in the data space, and latent spaces: six panels (Fig. 2).

    Args:
        examples: array (N, 2), y.
        labels: array (N,), integers from 0.
        grid: array (G,), coordinates of both axes of the densities.
        densities: dict from title to array (G, G), log p(y) in nats, rows along the second axis.
        spaces: list of `LatentSpace`, of the same N examples.

    Returns:
        `matplotlib.figure.Figure`.
    """
    figure = style.new(style.PAGE, 4.5)
    panels = iter(figure.subplots(2, 3).flat)
    titles = [f"({letter}) " for letter in "abcdefgh"]

    axes = next(panels)
    axes.set_title(titles[0] + "data, by mode", loc="left")
    _scatter(axes, examples, labels)
    low, high = grid[0], grid[-1]
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.set(xlabel="y₁", ylabel="y₂")

    # One scale, or a density that spreads over nothing would look as dark as one that does not.
    top = max(np.max(log_density) for log_density in densities.values())
    drawn = []
    for title, log_density in densities.items():
        axes = next(panels)
        drawn.append(axes)
        axes.set_title(titles[len(drawn)] + title, loc="left")
        picture = axes.imshow(
            np.maximum(log_density, top - 8), origin="lower", extent=(low, high, low, high), cmap=style.SEQUENTIAL,
            vmin=top - 8, vmax=top, interpolation="nearest",
        )  # fmt: skip
        axes.set_xlabel("y₁")
    figure.colorbar(picture, ax=drawn[-1], label="log density, nats", shrink=0.9)

    for index, space in enumerate(spaces):
        axes = next(panels)
        axes.set_title(titles[1 + len(drawn) + index] + space.title, loc="left")
        _latent_space(axes, space, labels)
        axes.set_xlabel("x₁")
        if index == 0:
            axes.set_ylabel("x₂")
    return figure


def _scatter(axes, points, labels):
    for label in np.unique(labels):
        axes.scatter(*points[labels == label].T, s=1.5, color=style.colour(label), linewidths=0, rasterized=True)


def _latent_space(axes, space, labels):
    from matplotlib.patches import Ellipse

    _scatter(axes, space.x, labels)
    deviations = np.exp(0.5 * np.asarray(space.log_vars))
    for mean, deviation in zip(space.means, deviations, strict=True):
        for times, width in ((1, 0.9), (2, 0.5)):
            axes.add_patch(Ellipse(mean, *(2 * times * deviation), fill=False, color="black", linewidth=width))
    for group in space.groups:
        # Above its ellipse, where it hides no point of the arc.
        x, y = np.mean(space.means[group], axis=0)
        top = x, y + 2 * np.max(deviations[group, 1])
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.3}
        axes.annotate(_numbers(group), top, (0, 1), textcoords="offset points", ha="center", fontsize=7, bbox=box)
    low, high = np.percentile(space.x, _SHOWN, axis=0)
    low = np.minimum(low, np.min(space.means - 2 * deviations, axis=0))
    high = np.maximum(high, np.max(space.means + 2 * deviations, axis=0))
    middle, half = (low + high) / 2, 0.56 * np.max(high - low)
    axes.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half), aspect="equal")


def _numbers(group):
    """Component numbers as text; several in a row as their first and last."""
    if len(group) > 3 and group[-1] - group[0] == len(group) - 1:
        return f"{group[0]} to {group[-1]}"
    return ", ".join(map(str, group))
