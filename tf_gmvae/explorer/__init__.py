"""A page to walk through the clusters of a run: one HTML file that needs nothing but itself. Of arrays.

Modules: `exploration` (what a page is made of), `contents` (that as JSON), `sheets` (many small images as few),
`page` (the HTML and its policy). What a browser reads and runs stands beside them: `page.html`, `page.css`, and
the scripts `elements.js`, `source.js`, `scatter.js`, `panels.js`, `groups.js`, `explorer.js`, in this order.
"""

from tf_gmvae.explorer.exploration import Exploration
from tf_gmvae.explorer.page import Page, render

__all__ = ["Exploration", "Page", "render"]
