"""A run of a deep GMVAE from its start to its export, interrupted once."""

import json

import numpy as np
import pytest
from support.commands import run_all

pytestmark = pytest.mark.slow


def test_a_deep_run_holds_all_levels_and_goes_on(tmp_path):
    arguments = [
        "--dataset=digits", "--style_components=3", "--component_prior=learned", "--hold=5", "--epochs=1",
        "--pretraining_epochs=1", "--guided_epochs=1", "--nofloors", f"--runs_dir={tmp_path}", "--name=deep",
        f"--saved_models_dir={tmp_path}/saved",
    ]  # fmt: skip
    first, second = run_all("train.main", [arguments, [*arguments, "--resume", "--epochs=2"]], least_steps=20)
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert np.load(tmp_path / "deep" / "start_assignments.npy").shape == (1438, 13)
    metrics = json.loads((tmp_path / "deep" / "metrics.json").read_text())
    assert metrics["epochs"] == 2 and metrics["levels"][0]["num_components"] == 3
    header = (tmp_path / "deep" / "history.csv").read_text().splitlines()[0].split(",")
    assert {"level2_conditional_prior", "level2_z_prior", "level2_components_in_use"} <= set(header)
    assert "Levels of the style" in (tmp_path / "deep" / "report.html").read_text()
    assert "`levels`" in (tmp_path / "saved" / "deep" / "latest" / "model_card.md").read_text()
