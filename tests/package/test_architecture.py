"""The table of rooms in `docs/architecture.md` is that of the tree, and the imports keep to it."""

import re

import pytest
from conftest import ROOT
from test_package import PACKAGES, imported, sources

EVERY_ROOM_ABOVE = "every room above"
FRONT_DOOR = ROOT / "tf_gmvae" / "__init__.py"


def room(path):
    """The folder of a file, as the table writes it."""
    return f"{path.parent.relative_to(ROOT).as_posix()}/"


def table():
    """{room: rooms that it may import, itself among them}, in the order of the page."""
    found = {}
    for line in (ROOT / "docs" / "architecture.md").read_text().splitlines():
        if row := re.fullmatch(r"\| `([\w/]+/)` \| .* \| (.*) \|", line):
            name, may_import = row.groups()
            allowed = found if may_import == EVERY_ROOM_ABOVE else re.findall(r"`([\w/]+/)`", may_import)
            found[name] = {name, *allowed}
    return found


def file_of(module):
    """The file of the longest part of a dotted name that is a module or a package."""
    parts = module.split(".")
    while parts:
        path = ROOT.joinpath(*parts)
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
        parts.pop()
    raise AssertionError(module)


def rooms_imported(path):
    names = [name for name in imported(path) if name.split(".")[0] in PACKAGES]
    # Of `from tf_gmvae import data` also "tf_gmvae" alone is listed, which `tf_gmvae.data` stands for.
    whole = [name for name in names if not any(other.startswith(f"{name}.") for other in names)]
    return {room(file_of(name)) for name in whole}


def test_every_room_of_the_tree_is_named_and_no_other():
    tree = {room(path) for package in PACKAGES for path in sources(ROOT, package)}
    assert set(table()) == tree


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_keeps_to_the_rooms_it_may_import(package):
    allowed = table()
    for path in sources(ROOT, package):
        if path != FRONT_DOOR:
            assert rooms_imported(path) <= allowed[room(path)], path


def test_the_table_goes_one_way():
    """The rule of `test_package.py`: train -> tf_gmvae -> layers."""
    for name, allowed in table().items():
        place = PACKAGES.index(name.split("/")[0])
        assert all(PACKAGES.index(other.split("/")[0]) >= place for other in allowed), name


def test_modules_named_as_shared_exist():
    page = (ROOT / "docs" / "architecture.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith("| `tf_gmvae/` |"))
    named = set(re.findall(r"`(\w+)`", row))
    assert named == {path.stem for path in (ROOT / "tf_gmvae").glob("*.py")} - {"__init__"}
