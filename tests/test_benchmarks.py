"""The benchmark measures what it says, in the form the comparison reads."""

import json

import pytest
from conftest import ROOT, run_python

KEYS = {
    "peer", "mode", "num_components", "num_samples", "batch_size", "images_per_s", "ms_per_step",
    "ms_per_step_median", "peak_rss_mib", "matmul_gflops",
}  # fmt: skip


@pytest.mark.parametrize("mode", ["train", "predict"])
def test_one_json_line_of_consistent_figures(mode):
    process = run_python(
        ROOT / "benchmarks" / "train_step.py",
        "--mode",
        mode,
        "--batch_size",
        20,
        "--seconds",
        1,
        "--num_components",
        2,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    result = json.loads(process.stdout.splitlines()[-1])
    assert result.keys() == KEYS
    assert (result["mode"], result["batch_size"], result["num_components"]) == (mode, 20, 2)
    assert result["images_per_s"] == pytest.approx(1e3 * 20 / result["ms_per_step"], rel=0.01)
    assert result["peak_rss_mib"] > 200
    assert result["matmul_gflops"] > 1
