"""The documentation site, as far as can be told without building it; `make docs` builds it, and runs its cells."""

import ast
import importlib
import re
import subprocess

import pytest
from conftest import ROOT

import layers
import tf_gmvae

DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md"))
CELL = re.compile(r"^```\{code-cell\} ipython3\n(?::[^\n]*\n)*(.*?)^```$", re.MULTILINE | re.DOTALL)
NOTEBOOKS = [path for path in PAGES if CELL.search(path.read_text())]


def cells(page):
    """The code of every cell of a page, without its tags."""
    return [code.lstrip("\n") for code in CELL.findall(page.read_text())]


def in_toctrees(page):
    """The pages that the toctrees of a page list."""
    for block in re.findall(r"^```\{toctree\}\n(.*?)^```$", page.read_text(), flags=re.MULTILINE | re.DOTALL):
        yield from (page.parent / f"{line}.md" for line in block.splitlines() if line and line[0] != ":")


def test_every_page_has_one_place_in_the_navigation():
    listed = [path for page in PAGES for path in in_toctrees(page)]
    assert sorted(listed) == [page for page in PAGES if page != DOCS / "index.md"]


def test_every_tutorial_is_run_and_short():
    tutorials = set((DOCS / "tutorials").glob("*.md")) - {DOCS / "tutorials" / "index.md"}
    assert len(tutorials) >= 8 and tutorials <= set(NOTEBOOKS)
    for page in NOTEBOOKS:
        text = page.read_text()
        assert text.startswith("---\nfile_format: mystnb\nkernelspec:\n  name: python3\n---\n"), page
        assert text.count("{code-cell}") == len(cells(page)), page


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_cells_of_a_notebook_can_be_read(page):
    for cell in cells(page):
        first, _, rest = cell.partition("\n")
        language = {"%%bash": "sh", "%%writefile": first.rpartition(".")[2]}.get(first.split(" ")[0], "py")
        if language == "sh":
            checked = subprocess.run(["bash", "-n", "-c", rest], capture_output=True, text=True, check=False)
            assert checked.returncode == 0, checked.stderr
        else:
            ast.parse(rest if first.startswith("%%") else cell)


def test_notebooks_fetch_nothing():
    # What would need a network, or the machine of who wrote the page.
    for page in NOTEBOOKS:
        for cell in cells(page):
            assert not re.search(r"https?://|pip install|tfds:|(?<![\w.])/(?:home|work|root|tmp)/", cell), page


def documented():
    """(what, dotted name) of every directive of autodoc."""
    for page in (DOCS / "api").glob("*.md"):
        yield from re.findall(r"^\.\. auto(\w+):: ([\w.]+)$", page.read_text(), flags=re.MULTILINE)


def found(kind, name):
    """The object of a dotted name."""
    if kind == "module":
        return importlib.import_module(name)
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def test_the_api_has_what_is_public_and_nothing_else():
    names = dict((name, kind) for kind, name in documented())
    assert len(names) > 40
    for name, kind in names.items():
        assert found(kind, name).__doc__, name
    for package in (layers, tf_gmvae):
        for name in package.__all__:
            public = getattr(package, name)
            if isinstance(public, type) or callable(public):
                assert f"{package.__name__}.{name}" in names, name
