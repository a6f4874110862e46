"""Rows of generated images (Fig. 5 and 6)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tf_gmvae.errors import InputError
from tf_gmvae.figures import style
from tf_gmvae.figures.image_sheets import Pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# Inches: of an image in width, at most; of all rows together in height, at most; what the name of a row needs in
# height, and a letter of a title or of the name of a column in width.
_LARGEST, _TALLEST, _NAME, _LETTER = 0.32, 8.5, 0.12, 0.06
# Means of a Gaussian of data in [0, 1] may leave it: by so much, or by more in so small a part, they are clipped.
_OVERSHOOT, _FEW = 0.1, 0.02


@style.styled
def image_rows(panels: list[dict[str, Any]]) -> Figure:
    """Blocks of images side by side, a row a component.

    Args:
        panels: list of dicts with title (text), rows (array (R, N, H, W, C), C = 1 or 3), names (R texts) and, if
            the columns have names, columns (N texts). Values that are not of [0, 1] are scaled to what all panels
            span; uint8 are of 0 to 255. Names that have no room are left out.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        InputError: if the rows of a panel are no images, grey or RGB.
    """
    panels = _shown(panels)
    columns = [panel["rows"].shape[1] for panel in panels]
    tallest = max(len(panel["rows"]) * _ratio(panel) for panel in panels)  # in widths of an image
    margins = 0.3 * len(panels)
    widest = style.COLUMN if len(panels) == 1 else style.PAGE
    size = min(_LARGEST, (widest - margins) / sum(columns), _TALLEST / tallest)
    # A title is no narrower for images that are.
    widths = [max(panel["rows"].shape[1] * size, _LETTER * len(panel["title"])) for panel in panels]
    width = min(max(sum(widths) + margins, style.COLUMN), style.PAGE)
    figure = style.new(width, tallest * size + 0.5)
    axes = figure.subplots(1, len(panels), squeeze=False, width_ratios=widths)[0]
    for axis, panel in zip(axes, panels, strict=True):
        _draw(axis, panel, size)
    return figure


def _ratio(panel):
    """Height of an image by its width."""
    _, _, height, width, _ = panel["rows"].shape
    return height / width


def _shown(panels):
    """The panels with shades in [0, 1], all by one scale: one of each would make grey of black in one of them."""
    given = [np.asarray(panel["rows"]) for panel in panels]
    for panel, rows in zip(panels, given, strict=True):
        if rows.ndim != 5 or rows.shape[-1] not in (1, 3):
            raise InputError(
                f"The rows of {panel['title']!r} must be images, of shape (rows, columns, height, width, 1) or "
                f"(..., 3): keep one or three of their channels. Received: {rows.shape}."
            )
    floats = [part / np.float32(255) if part.dtype == np.uint8 else part.astype("float32") for part in given]
    values = np.concatenate([part.ravel() for part in floats])
    beyond = np.mean((values < -_OVERSHOOT) | (values > 1 + _OVERSHOOT))
    pixels = Pixels(values if beyond > _FEW else np.zeros(1))
    return [{**panel, "rows": pixels.shades(part)} for panel, part in zip(panels, floats, strict=True)]


def _draw(axes, panel, size):
    rows = panel["rows"]
    num_rows, num_columns, height, width, channels = rows.shape
    sheet = rows.transpose(0, 2, 1, 3, 4).reshape(num_rows * height, num_columns * width, channels)
    axes.imshow(sheet[..., 0] if channels == 1 else sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_anchor("NW")  # where the title begins
    axes.set_title(panel["title"], loc="left")
    below = panel.get("columns", [])
    needed = _LETTER * (1 + max(map(len, below), default=0))
    axes.set_yticks(*_named(panel["names"], height, math.ceil(_NAME / (size * _ratio(panel)))))
    axes.set_xticks(*_named(below, width, math.ceil(needed / size)))
    axes.tick_params(length=0, pad=2)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for edge in range(1, num_rows):
        axes.axhline(edge * height - 0.5, color="0.5", linewidth=0.4)
    for edge in range(1, num_columns):  # or what reaches the edges would be one picture with its neighbours
        axes.axvline(edge * width - 0.5, color="0.5", linewidth=0.4)


def _named(names, pixels, every):
    """Middles of images one after another, and their names, as many as have room."""
    middles = pixels * (np.arange(len(names)) + 0.5) - 0.5
    return middles[::every], names[::every]
