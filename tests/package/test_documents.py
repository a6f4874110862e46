"""README and docs say what is so: links lead somewhere, names exist, and the Python runs."""

import re

import pytest
from conftest import ROOT, run_warm

import layers
import tf_gmvae

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "saved_models/*.md", ".github/*.md")
    for path in ROOT.glob(pattern)
)
# Pages whose Python blocks run in order, in a namespace of their own; docs/serving.md has a test of its own.
RUNNING = [
    ["README.md", "docs/python.md"],
    ["docs/from_random_weights.md"],
    ["docs/networks.md"],
    ["docs/data.md"],
    ["docs/commands.md"],
    ["CONTRIBUTING.md"],
]
# Pages that have the text of a file of the root, on the site.
OF_THE_ROOT = {"contributing.md", "changelog.md"}
# Files that the recipes of CONTRIBUTING.md make.
OF_RECIPES = {"tf_gmvae/data/wine.py", "tests/data/test_data_wine.py", "layers/scale.py"}


def text(page):
    return (ROOT / page).read_text()


def prose(page):
    """A page without its code blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", text(page), flags=re.MULTILINE | re.DOTALL)


def python_blocks(page):
    return [block.split("```")[0] for block in text(page).split("```python\n")[1:]]


def anchors(page):
    """The names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page):
    """(path, anchor) of the links of a page to files of this project."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if not target.startswith("https://"):
            path, _, anchor = target.partition("#")
            yield (ROOT / page).parent / path if path else ROOT / page, anchor


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for found, anchor in links(page):
        assert found.exists(), found
        if anchor:
            assert anchor in anchors(found), (found, anchor)


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page):
    rooms = "tf_gmvae|layers|train|tests|benchmarks|docs"
    for name in re.findall(rf"(?<![\w./])((?:{rooms})/[\w./-]*\w)", prose(page)):
        assert name in OF_RECIPES or (ROOT / name).exists(), name


def test_the_readme_is_short_and_leads_to_every_page():
    assert len(text("README.md").splitlines()) <= 100
    # To tutorials and pages of the site alone by way of their indexes.
    linked, indexes = set(), [ROOT / "README.md"]
    while indexes:
        found = {path.resolve() for path, _ in links(indexes.pop())} - linked
        linked |= found
        indexes += [path for path in found if path.name == "index.md"]
    pages = {(ROOT / page).resolve() for page in PAGES if page.startswith("docs/")}
    assert pages - linked - {ROOT / "docs" / name for name in OF_THE_ROOT} == set()


def test_the_symbol_table_is_that_of_the_package():
    table = [line for line in tf_gmvae.__doc__.splitlines() if line.startswith("|")]
    assert len(table) == 13
    assert [line for line in text("docs/model.md").splitlines() if line.startswith("|")] == table


def test_every_flag_file_layer_likelihood_and_preset_is_told_of(root):
    commands, networks = text("docs/commands.md"), text("docs/networks.md")
    assert [path.name for path in root.glob("*.flags") if f"`{path.name}`" not in commands] == []
    names = [*layers.__all__, *tf_gmvae.likelihoods.LIKELIHOODS, *tf_gmvae.presets.PRESETS]
    assert [name for name in names if f"`{name}`" not in networks] == []


@pytest.mark.parametrize("page", ["README.md", "docs/commands.md", "docs/runs.md", "docs/data.md"])
def test_flags_that_are_named_exist(root, page):
    source = "".join(path.read_text() for path in (root / "train").rglob("*.py"))
    defined = {"help", "flagfile", *re.findall(r"(?:DEFINE_\w+|_define_float)\(\s*\"(\w+)\"", source)}
    named = set(re.findall(r"--(\w+)", text(page)))
    assert named
    assert {name for name in named if name not in defined and name.removeprefix("no") not in defined} == set()


@pytest.mark.parametrize(
    ("running", "least_fits"),
    [([["README.md"]], 1), pytest.param(RUNNING, 3, marks=pytest.mark.slow)],
    ids=["README", "all"],
)
def test_the_python_of_the_pages_runs(running, least_fits, tmp_path):
    """One process for all pages, in a folder of its own."""
    scripts = ["\n".join(block for page in pages for block in python_blocks(page)) for pages in running]
    assert sum(script.count("model.fit(") for script in scripts) >= least_fits
    # The start as it is, but for its length, and every fourth of the training digits.
    code = f"""
import dataclasses, warnings
import numpy as np
import tf_gmvae
from tf_gmvae.start import agreement, initialization
initialization.LEAST_STEPS, agreement.SAMPLES = 50, 2
whole = tf_gmvae.data.load
def load(source, *arguments, **options):
    found = whole(source, *arguments, **options)
    if source != "digits":
        return found
    return dataclasses.replace(found, train=found.train.take(np.arange(0, found.train.num_examples, 4)))
tf_gmvae.data.load = load
warnings.simplefilter("error", UserWarning)
for script in {scripts!r}:
    exec(script, {{}})
"""
    process = run_warm("-c", code, cwd=tmp_path)
    assert process.returncode == 0, process.stderr[-3000:]
