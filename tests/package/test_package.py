"""The package as a whole: its boundaries, and the wheel."""

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile

import pytest
from conftest import ROOT, run_python

import layers
import tf_gmvae

PACKAGES = ("train", "tf_gmvae", "layers")


def sources(root, package):
    return sorted((root / package).rglob("*.py"))


def imported(path, for_hints=True):
    """Modules that a file imports, anywhere in it; those that only a type checker imports can be left out."""
    tree = ast.parse(path.read_text())
    if not for_hints:
        tree.body = [
            node
            for node in tree.body
            if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_one_way(root, package):
    later = PACKAGES[: PACKAGES.index(package)]
    files = sources(root, package)
    assert files
    for path in files:
        found = {module.split(".")[0] for module in imported(path)}
        assert not found & set(later), path
        if package != "train":
            assert "absl" not in found, path


def test_layers_know_keras_alone(root):
    for path in sources(root, "layers"):
        allowed = {"keras", "layers", "numpy"} | sys.stdlib_module_names
        # Keras has no fused batch normalisation of its own, and knows no replicas.
        of_tensorflow = ("fused_batch_normalization.py", "replicas.py")
        allowed |= {"tensorflow"} if path.name in of_tensorflow else set()
        # Hints name TensorFlow's tensors, which are Keras' own under its backend.
        assert {module.split(".")[0] for module in imported(path, for_hints=False)} <= allowed, path


@pytest.mark.parametrize("module", ["objective", "evaluation/measures", "evaluation/diagnostics"])
def test_pure_modules_know_no_layers_and_no_model(root, module):
    for name in imported(root / "tf_gmvae" / f"{module}.py"):
        assert not name.startswith(("layers", "tf_gmvae.model")), name
        assert name != "keras.layers"


def test_files_can_be_held_in_mind(root):
    # objective.py, likelihoods.py, presets.py and model.py are docstrings, tables or one class; see each.
    for package in PACKAGES:
        for path in sources(root, package):
            assert len(path.read_text().splitlines()) <= 300, path


def test_another_backend_is_refused_with_the_mend():
    process = run_python("-c", "import tf_gmvae", KERAS_BACKEND="jax")
    assert process.returncode == 1
    assert "set the environment variable KERAS_BACKEND=tensorflow" in process.stderr


def test_every_public_docstring_exists():
    for module in (tf_gmvae, layers):
        for name in module.__all__:
            if not name.startswith("__"):
                assert getattr(module, name).__doc__, name


def documented_functions(root):
    """(name, function, docstring with its arguments) of all that is public in layers and tf_gmvae."""
    for path in (*sources(root, "layers"), *sources(root, "tf_gmvae")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name[0] != "_":
                made = [node] if isinstance(node, ast.FunctionDef) else node.body
                made = [each for each in made if getattr(each, "name", "") in (node.name, "__init__")]
                docstring = ast.get_docstring(node) or ""
                if made and "Args:" in docstring:
                    yield f"{path.relative_to(root)}: {node.name}", made[0].args, docstring


def test_the_docstrings_tell_every_default(root):
    seen = 0
    for name, arguments, docstring in documented_functions(root):
        plain = [*arguments.posonlyargs, *arguments.args]
        defaults = dict(zip(reversed(plain), reversed(arguments.defaults), strict=False))
        defaults |= dict(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
        told = re.split(r"\n\S", docstring.split("Args:")[1])[0]
        entries = re.split(r"\n    (?=[\w*]+(?:, [\w*]+)*: )", told)
        for argument, default in defaults.items():
            mine = [entry for entry in entries if argument.arg in entry.split(":")[0].split(", ")]
            if default is not None and mine:
                seen += 1
                words = ("efault", "None") if ast.unparse(default) == "None" else ("efault",)
                assert any(word in mine[0] for word in words), f"{name}, {argument.arg}: {mine[0]}"
    assert seen > 80


# `python -m train.main`, and then what it imported and left.
USE = """
import runpy, sys
try:
    runpy.run_module("train.main", run_name="__main__", alter_sys=True)
except SystemExit as stop:
    assert not stop.code
import keras, layers, tf_gmvae, train
from importlib import metadata
assert metadata.version("tf-gmvae") == tf_gmvae.__version__
assert all("{prefix}" in module.__file__ for module in (layers, tf_gmvae, train)), tf_gmvae.__file__
model = keras.saving.load_model("runs/digits-k10-m1-seed0/model.keras")
print(model.predict(tf_gmvae.data.load("digits").test.examples, verbose=0).shape)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Path of the wheel of this project."""
    folder = tmp_path_factory.mktemp("wheel")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / "source" / package)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")  # where no earlier build has left anything
    built = run_python(
        "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", folder, folder / "source"
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("tf_gmvae-*.whl")
    return wheel


def test_the_wheel_holds_every_file_of_the_packages(root, wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    files = [path for package in PACKAGES for path in (root / package).rglob("*") if path.is_file()]
    ours = {path.relative_to(root).as_posix(): path for path in files if "__pycache__" not in path.parts}
    assert set(held) == set(ours)
    assert {name for name, content in held.items() if content != ours[name].read_bytes()} == set()
    # Without this file a type checker leaves the hints of a package alone; others are no Python either.
    assert {f"{package}/py.typed" for package in PACKAGES} | {"tf_gmvae/report/page.html"} < set(held)


@pytest.mark.slow
def test_the_wheel_works_elsewhere_without_network_or_home(wheel, tmp_path):
    environment = tmp_path / "environment"
    venv.create(environment)
    python = environment / "bin" / "python"
    installed = run_python("-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel)
    assert installed.returncode == 0, installed.stderr
    # The dependencies are these, by path, so that the test needs no network; the path shows no editable
    # install of this project, which stands in a .pth file, and those are not read through another.
    packages = next(environment.glob("lib/python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    flags = ["--dataset=digits", "--epochs=1", "--noinitialize", "--nofloors"]
    command = subprocess.run(
        [python, "-c", USE.format(prefix=environment), *flags],
        cwd=elsewhere, capture_output=True, text=True, timeout=300, check=False,
        # Neither a network nor a home to keep things in.
        env={**os.environ, "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9",
             "HOME": str(tmp_path / "nowhere")},
    )  # fmt: skip
    assert command.returncode == 0, command.stderr[-3000:]
    assert command.stdout.strip().endswith("(359, 10)")
    assert (elsewhere / "saved_models" / "digits-k10-m1-seed0" / "latest" / "saved_model.pb").is_file()
    run = elsewhere / "runs" / "digits-k10-m1-seed0"
    assert (run / "metrics.json").is_file() and (run / "report.html").is_file()


def test_the_version_is_the_changelogs(root):
    assert f"## {tf_gmvae.__version__}" in (root / "CHANGELOG.md").read_text()


def test_python_is_the_supported_one():
    assert (3, 10) <= sys.version_info < (3, 14)
