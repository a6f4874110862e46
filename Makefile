# Every target sets up its own virtual environment in .venv; PYTHON chooses the interpreter for it.
PYTHON ?= python3
BIN := .venv/bin

.DELETE_ON_ERROR:
.PHONY: demo test test-slow test-browser test-beam docs bench lint format clean

demo: .venv/installed
	$(BIN)/python -m train.main --flagfile=digits.flags --name=digits --overwrite

test: .venv/installed-test
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Trainings of minutes, and further cases of what the tests above look at.
test-slow: .venv/installed-test
	$(BIN)/python -m pytest -m slow -n 2 --dist loadfile

# Reports and explorers in a browser; CHROMIUM is its path, if it is not on the PATH.
test-browser: .venv/installed-test .venv/installed-browser
	$(BIN)/python -m pytest -m browser

# Scoring by Apache Beam, which wants other versions of some packages: in an environment of its own.
test-beam: .venv-beam/installed
	.venv-beam/bin/python -m pytest -m beam

# The documentation site, build/site/index.html: every tutorial is run, without a network; a warning is an error.
docs: .venv/installed-docs
	$(BIN)/python -m sphinx -W --keep-going -E -d build/doctrees docs build/site

# Alone on the machine; TORCH_PYTHON and YARDSTICK add a PyTorch script to compare with, and its Python.
bench: .venv/installed
	$(BIN)/python benchmarks/parts.py
	$(BIN)/python benchmarks/parts.py --num_components 30 --num_samples 10
	$(BIN)/python benchmarks/compare.py $(if $(TORCH_PYTHON),--torch_python=$(TORCH_PYTHON)) $(if $(YARDSTICK),--yardstick=$(YARDSTICK))

lint: .venv/installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/installed-lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .venv-beam build dist *.egg-info

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' || \
	  { echo "error: tf-gmvae needs Python 3.10 to 3.13, and $(PYTHON) is not: pass PYTHON=python3.12, say." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

.venv/installed: .venv/python setup.py
	$(BIN)/python -m pip install --quiet -e .
	touch $@

.venv/installed-%: .venv/python setup.py
	$(BIN)/python -m pip install --quiet -e '.[$*]'
	touch $@

.venv-beam/installed: .venv/python setup.py
	$(PYTHON) -m venv .venv-beam
	.venv-beam/bin/python -m pip install --quiet -e '.[test,beam]'
	touch $@
