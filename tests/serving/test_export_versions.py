"""Versions appear whole, in order, and however exports end."""

import os
import shutil
import signal
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from conftest import run_warm, start_warm

import tf_gmvae
from tf_gmvae.serving import versions

# Exports the small model of the tests, as often as asked, to the folder given.
EXPORTER = """
import sys
import keras, tf_gmvae
encoder = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8)])
decoder = keras.Sequential([keras.Input((3,)), keras.layers.Dense(12)])
model = tf_gmvae.GMVAE(
    encoder, decoder, latent_dim=3, style_dim=2, num_components=4, likelihood="gaussian", prior_units=(), seed=0
)
for _ in range(int(sys.argv[2])):
    tf_gmvae.export(model, sys.argv[1])
"""
FILES = {
    "assets/model_card.md", "assets.extra/tf_gmvae.json", "assets.extra/tf_serving_warmup_requests",
    "fingerprint.pb", "model_card.md", "saved_model.pb", "variables/variables.data-00000-of-00001",
    "variables/variables.index",
}  # fmt: skip


def start_exporter(path, times, log):
    log.touch()
    return start_warm("-c", EXPORTER, path, times, out=log)


def files(version):
    return {str(path.relative_to(version)) for path in version.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_watcher_finds_every_version_and_each_of_them_whole(tmp_path):
    # Two exporters at a time: numbers are never given twice, and `latest` ends at the newest.
    models = tmp_path / "models"
    logs = [tmp_path / f"log{number}" for number in range(2)]
    exporters = [start_exporter(models, 2, log) for log in logs]
    seen, answers, table = [], [], tf.zeros((2, 6))
    while any(process.poll() is None for process in exporters) or len(seen) < 4:
        new = [number for number in (versions.numbers(models) if models.exists() else []) if number not in seen]
        for number in new:
            version = models / str(number)
            # All that it will ever hold is there at the first look.
            assert files(version) == FILES, number
            signatures = tf.saved_model.load(str(version)).signatures
            answers.append(signatures["cluster"](examples=table)["posterior"].numpy())
            seen.append(number)
        if not new and all(process.poll() is not None for process in exporters):
            break
        time.sleep(0.005)
    for process, log in zip(exporters, logs, strict=True):
        assert process.wait() == 0, log.read_text()[-3000:]
    assert sorted(seen) == list(range(1, 5))
    assert os.readlink(models / "latest") == "4"
    np.testing.assert_array_equal(answers, np.broadcast_to(answers[0], (4, 2, 4)))
    assert sorted(entry.name for entry in models.iterdir()) == sorted([*map(str, seen), "latest"])


def test_a_killed_export_leaves_no_version_and_the_next_sweeps_up(tmp_path):
    models = tmp_path / "models"
    with versions.new_version(models) as first:
        (first.partial / "saved_model.pb").write_text("the first")
    process = start_exporter(models, 1, tmp_path / "log")
    deadline = time.monotonic() + 120
    left = []
    while not any(files(entry) for entry in left) and time.monotonic() < deadline:
        left = list(models.glob(".partial-*"))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert left
    assert left[0].exists()
    assert versions.numbers(models) == [1]
    assert os.readlink(models / "latest") == "1"
    # One of a machine that cannot be asked stays, and so does one that is under way.
    strangers = (
        models / f".partial-elsewhere-{process.pid}-0a",
        models / f".partial-{socket.gethostname()}-{os.getpid()}-0a",
    )
    for stranger in strangers:
        stranger.mkdir()
    with versions.new_version(models) as second:
        (second.partial / "saved_model.pb").write_text("the second")
    assert second.number == 2
    assert sorted(models.glob(".partial-*")) == sorted(strangers)


def test_numbers_go_on_after_the_largest_and_the_link_can_be_followed(tmp_path):
    models = tmp_path / "a" / "models"
    for name in ("9", "10", "backup", "00011", "\u0663\u0663"):  # the last is 33 in other digits
        (models / name).mkdir(parents=True)
    with versions.new_version(models) as version:
        (version.partial / "file").write_text("new")
    assert version.number == 12
    assert (models / "latest" / "file").read_text() == "new"
    models.rename(tmp_path / "moved")
    assert (tmp_path / "moved" / "latest" / "file").read_text() == "new"


def test_the_link_goes_on_to_a_version_that_came_while_it_was_set(tmp_path, monkeypatch):
    replace = os.replace

    def replace_as_another_ends(link, path):
        replace(link, path)
        (tmp_path / "7").mkdir(exist_ok=True)

    monkeypatch.setattr(os, "replace", replace_as_another_ends)
    with versions.new_version(tmp_path) as version:
        pass
    assert version.number == 1 and os.readlink(tmp_path / "latest") == "7"


def test_a_version_is_there_where_no_link_to_it_can_be_made(tmp_path):
    said = rf"^{tmp_path / '1'} is complete, but {tmp_path / 'latest'} cannot be made to link to it \(.+\): name"
    with pytest.warns(UserWarning, match=said), versions.new_version(tmp_path) as version:
        (version.partial / "file").write_text("new")
        (tmp_path / "latest").mkdir()  # a link is as little to be had on disks that have none
    assert version.number == 1
    assert (tmp_path / "1" / "file").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "latest"]


def test_others_may_read_a_version(tmp_path):
    umask = os.umask(0o022)
    try:
        with versions.new_version(tmp_path) as version:
            (version.partial / "file").write_text("new")
    finally:
        os.umask(umask)
    assert (tmp_path / "1").stat().st_mode & 0o777 == 0o755


def test_many_at_a_time_all_get_a_number(tmp_path):
    numbers = []

    def write():
        with versions.new_version(tmp_path) as version:
            (version.partial / "file").write_text("new")
        numbers.append(version.number)

    threads = [threading.Thread(target=write) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 13))
    assert os.readlink(tmp_path / "latest") == "12"


def test_a_failed_export_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="half-way"), versions.new_version(tmp_path) as version:
        (version.partial / "file").write_text("half")
        raise RuntimeError("half-way")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_used_is_named(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    for place in (file, file / "below"):
        with pytest.raises(tf_gmvae.InputError, match=r"file is a file, not a folder"):
            versions.check_place(place)
    (tmp_path / "link").symlink_to("nowhere")
    for place in (tmp_path / "link", tmp_path / "link" / "below"):
        with pytest.raises(tf_gmvae.InputError, match=r"link is a link that leads nowhere: remove it"):
            versions.check_place(place)
    taken = tmp_path / "taken"
    (taken / "latest").mkdir(parents=True)
    with pytest.raises(tf_gmvae.InputError, match="is not a link to a version"):
        versions.check_place(taken)
    assert file.read_text() == "mine"
    long = tmp_path / ("x" * 300)
    with pytest.raises(tf_gmvae.InputError, match=r"cannot be written"), versions.new_version(long):
        pass


@pytest.mark.parametrize("address", ["gs://bucket/models", "file:///tmp/models", "s3://bucket"])
def test_an_address_is_no_folder(address, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scheme = address.partition(":")[0]
    for place in (address, f"{address}/digits", Path(address) / "digits"):
        with pytest.raises(tf_gmvae.InputError, match=rf"^{scheme}://... is no folder of this machine: export"):
            versions.check_place(place)
        with pytest.raises(tf_gmvae.InputError, match="is no folder"), versions.new_version(place):
            pass
    assert not list(tmp_path.iterdir())
    for folder in ("gs:", "a/gs:/b", tmp_path / "gs:" / "b"):  # colons may stand in names
        versions.check_place(folder)


def test_a_run_ends_in_an_export_and_says_where(finished):
    assert f"Exported to {finished.export / '1'}/" in finished.stdout
    assert files(finished.export / "1") == FILES


def test_the_command_exports_a_run_again_and_the_model_card_tells_of_it(finished, tmp_path):
    shutil.copytree(finished.export, tmp_path / finished.export.name, symlinks=True)
    again = run_warm("-m", "train.export", f"--run={finished.run}", f"--saved_models_dir={tmp_path}")
    assert again.returncode == 0, again.stderr
    version = tmp_path / finished.export.name / "2"
    assert again.stdout.splitlines()[-1] == f"Exported to {version}/"
    card = (version / "model_card.md").read_text()
    assert card == (version / "assets" / "model_card.md").read_text()
    for told in (
        f"# {finished.run.name}",
        "`digits`",
        "accuracy, Table 1",
        "--epochs=3",
        "`cluster_bytes`",
        "## Limits",
        "(8, 8, 1)",
    ):
        assert told in card, told
    assert str(finished.runs) not in card


def test_the_command_refuses_in_one_sentence(finished, tmp_path):
    (tmp_path / "file").write_text("mine")
    process = run_warm("-m", "train.export", f"--run={finished.run}", f"--saved_models_dir={tmp_path / 'file'}")
    assert process.returncode == 1
    assert process.stderr == f"error: {tmp_path / 'file'} is a file, not a folder: export to another place.\n"


def test_the_commands_refuse_an_address_before_any_work(finished, tmp_path):
    said = "error: gs://... is no folder of this machine: export to one, and copy its newest version there.\n"
    for command in (("train.export", f"--run={finished.run}"), ("train.main", "--dataset=digits")):
        process = run_warm("-m", *command, "--saved_models_dir=gs://bucket/models", cwd=tmp_path)
        assert (process.returncode, process.stderr) == (1, said)
    assert not [*tmp_path.rglob("gs:*"), *tmp_path.rglob("model.keras")]
