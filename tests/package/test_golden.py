"""Files that earlier versions wrote go on opening, and answer as they did."""

import json
import shutil
import tarfile
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import ROOT, run_warm
from golden import write

VERSIONS = sorted(
    path.name for path in Path(write.__file__).parent.iterdir() if path.is_dir() and path.name[0] != "_"
)


@pytest.fixture(params=VERSIONS)
def golden(request, tmp_path):
    """Folder with the unpacked files of a version."""
    source = Path(write.__file__).parent / request.param
    for packed in source.glob("*.tar.xz"):
        with tarfile.open(packed) as archive:
            archive.extractall(tmp_path, filter="data")
    for plain in ("answers.npz", "blobs.npz", "written_by.json"):
        shutil.copy(source / plain, tmp_path)
    return tmp_path


def check_answers(found, golden):
    """Within what other processors and other thread counts make of float32 sums."""
    expected = np.load(golden / "answers.npz")
    for name, value in found.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_the_files_say_which_version_wrote_them(golden, request):
    record = json.loads((golden / "written_by.json").read_text())
    assert record["tf-gmvae"] == request.node.callspec.params["golden"]
    assert {"tensorflow", "keras", "numpy"} <= record.keys()
    assert sum(path.stat().st_size for path in Path(write.__file__).parent.rglob("*")) < 330_000


def is_of_a_newer_keras(golden):
    """Whether another Keras saved the files than this Python can have: no Keras promises to read them."""
    its = json.loads((golden / "written_by.json").read_text())["keras"]
    return [int(number) for number in its.split(".")] > [int(number) for number in keras.__version__.split(".")]


@pytest.mark.parametrize("prefix", ["images", "table"])
def test_models_answer_as_they_did_and_go_on_training(golden, prefix):
    if is_of_a_newer_keras(golden):
        with pytest.raises(TypeError, match="could not be deserialized properly"):
            keras.saving.load_model(golden / f"{prefix}.keras")
        return
    model = keras.saving.load_model(golden / f"{prefix}.keras")
    examples = np.load(golden / "answers.npz")[f"{prefix}_examples"]
    check_answers(write.answers(model, examples, prefix), golden)
    assert int(model.optimizer.iterations) == 2
    model.fit(examples, batch_size=8, epochs=1, shuffle=False, verbose=0)
    check_answers({f"{prefix}_trained_posterior": model.predict(examples, verbose=0)}, golden)


def test_exports_answer_as_they_did(golden):
    examples = np.load(golden / "answers.npz")["images_examples"]
    found = write.served_answers(golden / "served" / "1", examples)
    assert {"served_cluster_posterior", "served_score_elbo", "served_generate_examples"} <= found.keys()
    check_answers(found, golden)


def test_a_run_goes_on_and_is_evaluated_reported_and_exported(golden):
    common = {"cwd": golden, "PYTHONPATH": str(ROOT)}
    resumed = run_warm(
        "-m",
        "train.main",
        "--flagfile=runs/blobs/run.flags",
        "--name=blobs",
        "--resume",
        "--noexport",
        "--noreport",
        **common,
    )
    if is_of_a_newer_keras(golden):
        assert resumed.returncode == 1
        assert f"cannot be read with the older {keras.__version__}: install keras>=3" in resumed.stderr
        assert "Traceback" not in resumed.stderr
        return
    assert resumed.returncode == 0, resumed.stderr
    assert "Start 1/3" not in resumed.stdout
    metrics = json.loads((golden / "runs" / "blobs" / "metrics.json").read_text())
    assert metrics["epochs"] == 2 and metrics["accuracy_majority"] > 0.95
    for command, leaves in (
        ("evaluate", "runs/blobs/metrics.json"),
        ("report", "runs/blobs/report.html"),
        ("export", "saved_models/blobs/1"),
    ):
        process = run_warm("-m", f"train.{command}", "--run=runs/blobs", **common)
        assert process.returncode == 0, process.stderr
        assert (golden / leaves).exists()
