"""`--num_components=auto`, as it is typed."""

import json

import pytest
from absl import flags
from sklearn.datasets import make_blobs
from support.commands import run_all

from tf_gmvae import InputError, data
from train.run.definitions import AUTO, define
from train.run.run import resolved
from train.run.settings import Settings


def parsed(*arguments):
    flag_values = flags.FlagValues()
    define(flag_values)
    flag_values(["", "--dataset=digits", *arguments])
    return Settings.from_flags(flag_values)


def test_the_flag_takes_auto_and_numbers_from_one_on():
    assert parsed("--num_components=auto").num_components == AUTO
    assert parsed("--num_components=auto").default_name == "digits-kauto-m1-seed0"
    assert parsed("--num_components=7").num_components == 7
    for wrong in ("0", "-3", "many", "1.5", ""):
        with pytest.raises(flags.IllegalFlagValueError, match='is not a whole number from 1 on, or "auto"'):
            parsed(f"--num_components={wrong}")


def test_a_run_that_goes_on_keeps_the_number_it_found():
    stored = parsed("--num_components=12", "--hold=0")
    parsed("--num_components=auto").with_choices_of(stored).check_same(stored)
    with pytest.raises(InputError, match="cannot go on with --num_components=9"):
        parsed("--num_components=9", "--hold=0").with_choices_of(stored).check_same(stored)


def test_known_examples_want_a_number(tmp_path):
    (tmp_path / "known.csv").write_text("id,name\n0,zero\n")
    settings = parsed("--num_components=auto", f"--guide_labels={tmp_path / 'known.csv'}")
    with pytest.raises(InputError, match="name --num_components"):
        resolved(settings, data.load("digits"))


def test_a_run_asks_its_data_and_says_so(tmp_path):
    points, kinds = make_blobs(180, 4, centers=3, cluster_std=0.5, random_state=0)
    rows = [
        ",".join(f"{value:.3f}" for value in point) + f",{kind}" for point, kind in zip(points, kinds, strict=True)
    ]
    (tmp_path / "points.csv").write_text("\n".join(["a,b,c,d,kind", *rows]) + "\n")
    call = [
        f"--dataset={tmp_path / 'points.csv'}", "--label_column=kind", "--num_components=auto",
        "--epochs=1", "--pretraining_epochs=1", "--guided_epochs=0", "--nofloors", "--noexport",
        "--noexplorer", "--cut=2",
        f"--runs_dir={tmp_path}", "--name=run",
    ]  # fmt: skip
    process, again = run_all("train.main", [call, [*call, "--resume"]])
    assert process.returncode == 0, process.stderr
    assert "  how many    3 clusters, on which samples of the data agree" in process.stdout
    run = tmp_path / "run"
    asked = json.loads((run / "how_many.json").read_text())
    metrics = json.loads((run / "metrics.json").read_text())
    assert asked["num_components"] == metrics["num_components"] == 3
    assert metrics["how_many"] == asked
    assert "--num_components=3\n" in (run / "run.flags").read_text()
    assert metrics["accuracy_hungarian"] > 0.95
    assert metrics["hierarchy"]["cut"]["groups"] == 2
    page = (run / "report.html").read_text()
    assert asked["sentence"] in page
    assert "Tree of 3 components" in page
    assert again.returncode == 0, again.stderr
    assert "nothing is left to train" in again.stdout
    assert "How many clusters there are" not in again.stdout  # it is not asked twice
