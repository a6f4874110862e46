"""Figures of arrays. matplotlib is imported when the first is drawn.

Modules: `style` (sizes, colours, saving), and by figure of the paper `arcs` (Fig. 2), `curves` (Fig. 3 and 4) and
`images` (Fig. 5 and 6). Every function returns a `matplotlib.figure.Figure`, for `save`. Beside them, without
matplotlib, `image_sheets` (many images as one).
"""

from tf_gmvae.figures.arcs import arcs_figure
from tf_gmvae.figures.curves import accuracy_curves, accuracy_figure, z_prior_curves
from tf_gmvae.figures.images import image_rows
from tf_gmvae.figures.style import save

__all__ = ["accuracy_curves", "accuracy_figure", "arcs_figure", "image_rows", "save", "z_prior_curves"]
