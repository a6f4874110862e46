"""What `train.score` says and does without Apache Beam."""

from conftest import run_warm


def test_a_folder_is_no_pattern(tmp_path):
    (tmp_path / "my rows").mkdir()
    process = run_warm(
        "-m", "train.score", "--model=none", f"--input={tmp_path / 'my rows'}", f"--output={tmp_path / 'out'}"
    )
    assert process.returncode == 1, process.stderr
    assert f"is a folder: give a pattern of its files, as --input='{tmp_path}/my rows/**'." in process.stderr
    assert not (tmp_path / "out").exists()


def test_a_call_without_an_example_leaves_its_folder_to_the_next(tmp_path):
    for name in ("clusters-00000-of-00001.parquet", "errors-00000-of-00001.jsonl"):
        (tmp_path / name).touch()
    process = run_warm("-c", "import sys; from train import score; score._take_back(sys.argv[1])", tmp_path)
    assert process.returncode == 0, process.stderr
    assert not list(tmp_path.iterdir())
