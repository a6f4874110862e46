"""Reads a report as a browser's first look would: tags, images, addresses."""

import base64
import io
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

from PIL import Image

VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """A parsed page; raises AssertionError where tags do not close in order.

    Attributes:
        tags: list of (name, dict of attributes), in order.
        text: all text outside styles and SVG, one space between words.
        svgs: list of the parsed SVG elements.
    """

    def __init__(self, html):
        super().__init__()
        self.tags, self._open, self._words = [], [], []
        self.svgs = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL)]
        self.feed(re.sub(r"<svg.*?</svg>", "", html, flags=re.DOTALL))
        assert self._open == []
        self.text = " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self._words.append(data)

    def all(self, name):
        """Attributes of every tag of a name."""
        return [attributes for tag, attributes in self.tags if tag == name]

    def images(self):
        """Every image, decoded, by its alternative text."""
        found = {}
        for image in self.all("img"):
            head, data = image["src"].split(",", 1)
            assert head in ("data:image/png;base64", "data:image/jpeg;base64")
            found[image["alt"]] = Image.open(io.BytesIO(base64.b64decode(data)))
            found[image["alt"]].load()
        return found

    def svg_text(self):
        """Words in the charts."""
        return " ".join(" ".join(svg.itertext()) for svg in self.svgs)


def check_self_contained(html):
    """Asserts what every report promises, and returns its `Page`."""
    page = Page(html)
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "iframe", "object", "embed", "base", "form"}
    for tag, attributes in page.tags:
        for name in ("src", "href", "srcset", "action"):
            assert attributes.get(name, "data:").startswith("data:"), (tag, attributes)
    # Outside the names of XML's vocabularies there is no address, in styles and charts neither.
    bare = re.sub(r'xmlns(:\w+)?="[^"]*"', "", html)
    assert re.findall(r"url\((?!#)|@import|href=\"(?!#|data:)", bare) == []
    assert re.findall(r"https?://(?!www\.w3\.org)", bare) == []
    assert page.all("html")[0]["lang"] == "en"
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    assert len(page.all("h1")) == 1
    assert all(image["alt"].strip() for image in page.all("img"))
    assert all(header["scope"] in ("row", "col") for header in page.all("th"))
    identities = re.findall(r'\bid="([^"]+)"', html)
    assert len(identities) == len(set(identities))
    assert all(svg.get("aria-label") and svg.get("role") == "img" for svg in page.svgs)
    return page
