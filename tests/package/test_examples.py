"""The examples in docstrings say what is so: each is run, and what people begin with has one."""

import doctest
import importlib
import inspect

import keras
import numpy as np
import pytest
from conftest import ROOT

import layers
import tf_gmvae
from tf_gmvae.start import initialization

# Seconds, of what the Python of README and docs/commands.md does as well (test_documents.py).
LONG = {"tf_gmvae.clustering.cluster", "tf_gmvae.methods"}
FOUND = doctest.DocTestFinder(exclude_empty=True)


def modules():
    for package in ("layers", "tf_gmvae"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if ">>>" in path.read_text():
                parts = path.relative_to(ROOT).with_suffix("").parts
                name = ".".join(part for part in parts if part != "__init__")
                yield pytest.param(name, marks=[pytest.mark.slow] if name in LONG else [])


def examples_of(module):
    """Those of its own objects, with what the page of the API takes for granted."""
    module = importlib.import_module(module)
    given = {"keras": keras, "np": np, "tf_gmvae": tf_gmvae}
    return [found for found in FOUND.find(module, globs={**vars(module), **given}) if found.examples]


@pytest.mark.parametrize("module", list(modules()))
def test_the_examples_of_a_module_run(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(initialization, "LEAST_STEPS", 20)  # the start as it is, but for its length
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    said = []
    for found in examples_of(module):
        runner.run(found, out=said.append)
    assert runner.tries > 0
    assert runner.failures == 0, "".join(said)


@pytest.mark.parametrize("package", [layers, tf_gmvae])
def test_every_public_name_has_an_example(package):
    for name in package.__all__:
        if name != "__version__":
            assert ">>>" in inspect.getdoc(getattr(package, name)), name
