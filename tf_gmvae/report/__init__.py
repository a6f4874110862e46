"""The report of a run: one HTML page that needs nothing but itself. Of arrays, not of models.

Modules: `findings` (what a report is made of), `page` (its sections), `page.html` (their form), `members` (which
examples stand for a component), `pictures` (images), `charts` (plots), `svg` (their
form).
"""

from tf_gmvae.report.findings import Findings
from tf_gmvae.report.page import render

__all__ = ["Findings", "render"]
