"""The page: its form, its scripts, what it knows, and a policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tf_gmvae.explorer.contents import contents
from tf_gmvae.explorer.exploration import Exploration

HERE = Path(__file__).parent
SCRIPTS = ("elements.js", "source.js", "scatter.js", "panels.js", "groups.js", "explorer.js")


class Page(NamedTuple):
    """A page.

    Attributes:
        html: text, complete in itself.
        policy: text, the content security policy that is in it.
    """

    html: str
    policy: str


def render(exploration: Exploration) -> Page:
    """The page of a run.

    Args:
        exploration: `Exploration`. If its `rows` are given, the page asks a server on its own address for all that
            is about single examples; else it asks for nothing.

    Returns:
        `Page`.
    """
    return page_of(contents(exploration))


def page_of(known: Mapping[str, Any]) -> Page:
    """The page that knows something.

    Only its own script and style may run or count, by their SHA-256; texts of the data reach it as JSON, and its
    script writes them as text, so that none can become code.

    Args:
        known: answer of `contents`.

    Returns:
        `Page`.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    parts = [(HERE / name).read_text(encoding="utf-8") for name in SCRIPTS]
    script = "\n".join(['(() => {\n"use strict";', *parts, "})();\n"])
    style = (HERE / "page.css").read_text(encoding="utf-8")
    asks = "img-src 'self' data:; connect-src 'self'" if known["live"] else "img-src data:"
    policy = (
        f"default-src 'none'; script-src '{_sha256(script)}'; style-src '{_sha256(style)}'; {asks}; "
        "base-uri 'none'; form-action 'none'"
    )
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    html = environment.from_string((HERE / "page.html").read_text(encoding="utf-8")).render(
        name=known["name"], policy=policy, style=Markup(style), script=Markup(script), known=Markup(_json(known))
    )
    return Page(html, policy)


def _json(known):
    """JSON that cannot end the element it stands in, whatever the texts in it."""
    text = json.dumps(known, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _sha256(text):
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
