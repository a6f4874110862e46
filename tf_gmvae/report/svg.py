"""A figure as an SVG element of a page, in the colours of its text, light or dark."""

import io
import re
import warnings
from typing import Any

import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# A colour that stands for the page's own, since matplotlib knows no `currentColor`.
PAGE = "#010203"
FONT_SIZE = 9
# Inches: of a chart across the page, of its form for a phone, and of one of two side by side.
WIDE, NARROW, HALF = 7.4, 3.4, 3.7
STYLE: dict[Any, Any] = {  # matplotlib's own type of it is the list of all its settings
    "svg.fonttype": "none",  # text stays text: searchable, and in the page's own font
    "svg.hashsalt": "tf-gmvae",
    "font.family": "sans-serif",
    "font.size": FONT_SIZE,
    "axes.titlesize": FONT_SIZE,
    "text.color": PAGE,
    "text.parse_math": False,  # names of classes and columns are what somebody wrote, dollars included
    "axes.labelcolor": PAGE,
    "axes.edgecolor": PAGE,
    "xtick.color": PAGE,
    "ytick.color": PAGE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.labelcolor": PAGE,
}


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1, **kwargs: Any) -> tuple[Figure, Any]:
    """A figure without a background, in the page's colour.

    Args:
        width: inches.
        height: inches.
        rows: rows of axes. Default 1.
        columns: columns of axes. Default 1.
        **kwargs: as of `Figure.subplots`.

    Returns:
        Pair of the figure and its axes, an array where there are several.
    """
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="none")
    FigureCanvasSVG(figure)
    axes = figure.subplots(rows, columns, **kwargs)
    for each in np.ravel(axes):
        each.set_facecolor("none")
    return figure, axes


def as_element(figure: Figure, title: str) -> str:
    """The figure as text of the page.

    Args:
        figure: as of `new_figure`.
        title: text, what the figure is called to those who hear the page.

    Returns:
        SVG text.
    """
    written = io.StringIO()
    with warnings.catch_warnings():
        # Of letters that Matplotlib's font lacks, also in the words of 3.8: the page has another.
        warnings.filterwarnings("ignore", message="Glyph .* missing from (current )?font")
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(written, format="svg", dpi=200, metadata=metadata, transparent=True)
    text = written.getvalue()
    text = text[text.index("<svg") :].replace(PAGE, "currentColor")
    # One page holds several: their ids would meet.
    prefix = re.sub(r"\W+", "-", f"{title.lower()} {figure.get_figwidth():g}")
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{prefix}-", text)
    # The width in points gives way to the page's.
    text = re.sub(
        r'<svg ([^>]*?)width="([\d.]+)pt" height="[\d.]+pt"', r'<svg \1style="max-width:\2pt"', text, count=1
    )
    return text.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
