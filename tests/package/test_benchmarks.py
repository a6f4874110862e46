"""The benchmark measures what it says, in the form the comparison reads."""

import json

import pytest
from conftest import ROOT, run_warm

pytestmark = pytest.mark.slow

KEYS = {
    "peer", "mode", "num_components", "num_samples", "batch_size", "images_per_s", "ms_per_step",
    "ms_per_step_median", "peak_rss_mib", "matmul_gflops", "floor_ms",
}  # fmt: skip


# Each script as the main program, one after the other in one process: TensorFlow starts once for them all.
SCRIPT = """
import contextlib, io, json, runpy, sys

answers = []
sys.path.insert(0, sys.argv[1])  # as for a main program: its folder
for name, *arguments in json.loads(sys.argv[2]):
    sys.argv = [name, *map(str, arguments)]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        runpy.run_path(f"{sys.path[0]}/{name}", run_name="__main__")
    answers.append(out.getvalue())
print(json.dumps(answers))
"""
CALLS = {
    **{
        mode: ["train_step.py", "--mode", mode, "--batch_size", 20, "--seconds", 1, "--num_components", 2]
        for mode in ("train", "predict")
    },
    "parts": ["parts.py", "--batch_size", 10, "--num_components", 2, "--repetitions", 2],
    "input wait": ["input_wait.py", "--dataset", "digits", "--steps", 5],
}


@pytest.fixture(scope="module")
def printed():
    """What each benchmark prints, by name."""
    process = run_warm("-c", SCRIPT, ROOT / "benchmarks", json.dumps(list(CALLS.values())))
    assert process.returncode == 0, process.stderr[-2000:]
    return dict(zip(CALLS, json.loads(process.stdout.splitlines()[-1]), strict=True))


@pytest.mark.parametrize("mode", ["train", "predict"])
def test_one_json_line_of_consistent_figures(printed, mode):
    result = json.loads(printed[mode])
    assert result.keys() == KEYS
    assert (result["mode"], result["batch_size"], result["num_components"]) == (mode, 20, 2)
    assert result["images_per_s"] == pytest.approx(1e3 * 20 / result["ms_per_step"], rel=0.01)
    assert result["peak_rss_mib"] > 200
    assert result["matmul_gflops"] > 1
    if mode == "train":
        # 20 images through the convolutions, 3.07 GFLOP, and the prior head of 2 components.
        assert result["floor_ms"] * result["matmul_gflops"] == pytest.approx(3.0e3, rel=0.05)
    else:
        assert result["floor_ms"] is None


def test_the_parts_of_a_step_are_all_there(printed):
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed["parts"].splitlines()[4:]]
    assert [row[0] for row in rows] == [
        "encoder", "decoder", "prior head", "latent terms", "optimizer", "input", "the rest", "step", "floor",
    ]  # fmt: skip
    milliseconds = [float(row[1]) for row in rows]
    assert sum(milliseconds[:7]) == pytest.approx(milliseconds[7], abs=1)
    assert all(value > 0 for value in milliseconds[:5])


def test_steps_do_not_wait_for_the_data(printed):
    result = json.loads(printed["input wait"])
    assert result["data_shape"] == [8, 8, 1]
    assert 0 < result["ms_waiting"] < result["ms_per_step"]
    assert 0 < result["first_step_s"] < 60
