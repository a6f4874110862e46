"""Several workers train one run together, each a process of its own."""

import csv
import shutil
import signal
import textwrap
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from conftest import run_warm
from support import workers

from tf_gmvae.callbacks.saving import save_whole
from tf_gmvae.errors import InputError
from train.run import tf_config
from train.run.folder import RunFolder
from train.run.loading import load_data
from train.run.run import build_model, resolved
from train.run.settings import Settings
from train.run.workers import Workers

# What takes its time and is no matter here.
# Nats: the term begins above it, and falls below.
ABOVE = 1.55
BARE = ["--noreport", "--noexport", "--nofloors", "--noanswers"]


@pytest.fixture(scope="module")
def started_run(tmp_path_factory):
    """A run that stands where its start has ended, with all that replicas share; 56 steps are to come.

    That is hold, batch normalisation, and a z-prior term that is held above `ABOVE` for the mean of all replicas.
    """
    flag_values = flags.FlagValues()
    Settings.define(flag_values)
    flags_given = ["--dataset=digits", "--preset=digits", "--hold=20", "--epochs=4", "--falling_rate"]
    flag_values(["", *flags_given, f"--min_information={ABOVE}"])
    settings = Settings.from_flags(flag_values)
    dataset = load_data(settings)
    settings = resolved(settings, dataset)
    folder = RunFolder(tmp_path_factory.mktemp("started") / "run")
    folder.open(settings)
    held = np.random.default_rng(0).dirichlet(np.ones(10), dataset.train.num_examples)
    folder.write_start_assignments(held.shape, [held])
    save_whole(build_model(settings, dataset), folder.model)
    return folder.path


def go_on(started_run, runs_dir):
    """A copy of it in another place, and the flags by which it goes on."""
    shutil.copytree(started_run, runs_dir / "run")
    return [f"--flagfile={started_run / 'run.flags'}", *BARE, f"--runs_dir={runs_dir}", "--name=run", "--resume"]


@pytest.fixture(scope="module")
def alone(started_run, tmp_path_factory):
    """The run as one process ends it."""
    folder = tmp_path_factory.mktemp("alone")
    process = run_warm("-m", "train.main", *go_on(started_run, folder))
    assert process.returncode == 0, process.stderr
    return folder / "run"


def history(run):
    with (run / "history.csv").open(newline="") as file:
        return [{k: float(v) for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def differences(run, other):
    """Of all weights."""
    found = [keras.saving.load_model(place / "model.keras").get_weights() for place in (run, other)]
    return np.concatenate([np.abs(ours - theirs).ravel() for ours, theirs in zip(*found, strict=True)])


def assert_alike(run, other):
    """The same but for rounding.

    Where a gradient is all but nothing, its sign is rounding, and so is the direction of a whole step of Adam:
    between oneDNN's kernels and TensorFlow's the mean difference is 5e-6, and the largest 3e-3.
    """
    found = differences(run, other)
    assert found.mean() < 1e-5 and found.max() < 56 * 1e-4
    rows, others = history(run), history(other)
    assert len(rows) == len(others) == 4
    for ours, theirs in zip(rows, others, strict=True):
        for name in ("loss", "elbo", "reconstruction", "z_prior", "w_prior", "val_elbo"):
            assert ours[name] == pytest.approx(theirs[name], rel=1e-4), name


@pytest.mark.slow
@pytest.mark.parametrize("warm", [True, False])
def test_two_workers_train_as_one_and_only_the_chief_writes(started_run, alone, tmp_path, warm):
    arguments = go_on(started_run, tmp_path / "runs")
    nothing = tmp_path / "nothing"
    commands = [["-m", "train.main", *arguments, *more] for more in ([], [f"--runs_dir={nothing}"])]
    chief, other = workers.ended(tmp_path, workers.begun(tmp_path, commands, warm))
    assert chief.returncode == other.returncode == 0, chief.stderr + other.stderr
    assert warm or (not chief.stderr and not other.stderr)
    assert not nothing.exists() and not list((tmp_path / "runs").glob(".*"))
    assert other.stdout.splitlines()[-1] == "The training is over. The chief scores, reports and exports."
    assert_alike(tmp_path / "runs" / "run", alone)
    first, *_, last = history(alone)
    assert first["z_prior"] > ABOVE > last["z_prior"]


MIRRORED = textwrap.dedent("""
    import runpy, sys
    import train
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    sys.argv[0] = "train.main"
    runpy.run_module("train.main", run_name="__main__", alter_sys=True)
""")


@pytest.mark.slow
def test_two_devices_of_one_machine_train_as_one(started_run, alone, tmp_path):
    process = run_warm("-c", MIRRORED, *go_on(started_run, tmp_path), "--strategy=mirrored")
    assert process.returncode == 0, process.stderr
    assert_alike(tmp_path / "run", alone)


def kept_alive(folder, arguments, kills):
    """Two workers, each of which is started again where it ends without success, as a scheduler does.

    Args:
        folder: path for what they say.
        arguments: of `train.main`.
        kills: list of pairs, a function that says when, and the number of the worker to kill then.

    Returns:
        The exit statuses of each worker.
    """
    cluster, statuses = workers.addresses(2), ([], [])
    command = ["-m", "train.main", *arguments]
    processes = [workers.started(folder, cluster, number, command) for number in range(2)]
    deadline = time.monotonic() + 2 * workers.LONGEST
    try:
        while any(not (ended and ended[-1] == 0) for ended in statuses):
            assert time.monotonic() < deadline, statuses
            if kills and kills[0][0]():
                processes[kills.pop(0)[1]].send_signal(signal.SIGKILL)
            for number, process in enumerate(processes):
                status = process.poll()
                if status is not None and (not statuses[number] or statuses[number][-1] != 0):
                    statuses[number].append(status)
                    if status:
                        processes[number] = workers.started(folder, cluster, number, command)
            time.sleep(0.01)
    finally:
        for process in processes:
            process.kill()
    return statuses


@pytest.mark.slow
def test_workers_that_die_and_return_go_on_from_the_last_checkpoint(tmp_path):
    arguments = ["--dataset=digits", "--hold=20", "--guided_epochs=1", "--pretraining_epochs=1", "--epochs=4"]
    arguments = [*arguments, "--save_every_steps=5", "--resume", "--name=run", *BARE]
    whole = workers.trained(tmp_path, [*arguments, f"--runs_dir={tmp_path / 'whole'}"])
    assert [process.returncode for process in whole] == [0, 0], whole[0].stderr
    run = tmp_path / "killed" / "run"

    def said(text):
        return lambda: text in (tmp_path / "out0").read_text()

    kills = [
        (said("Start 2/3"), 1),  # the chief learns of it after its start, and the other waits for it
        (lambda: list(run.glob("within-*.npz")), 1),
        (said("epoch 2/4"), 0),
    ]
    statuses = kept_alive(tmp_path, [*arguments, f"--runs_dir={run.parent}"], kills)
    assert not kills
    assert statuses[0].count(-signal.SIGKILL) == 1 and statuses[1].count(-signal.SIGKILL) == 2, statuses
    assert set(statuses[0] + statuses[1]) == {-signal.SIGKILL, 75, 0}, statuses
    assert not differences(run, tmp_path / "whole" / "run").any()
    assert history(run) == history(tmp_path / "whole" / "run")


@pytest.mark.slow
def test_sigterm_ends_every_worker_by_itself(tmp_path):
    arguments = ["--dataset=digits", "--noinitialize", "--epochs=100", "--save_every_steps=5", *BARE]
    for number, sentence in enumerate(("--resume goes on at the step that was saved last.", "Stopped.")):
        run = tmp_path / f"run{number}"
        command = ["-m", "train.main", *arguments, f"--runs_dir={tmp_path}", f"--name={run.name}"]
        processes = workers.begun(tmp_path, [command] * 2)
        while not list(run.glob("within-*.npz")) and processes[0].poll() is None:
            time.sleep(0.01)
        processes[number].send_signal(signal.SIGTERM)
        told = workers.ended(tmp_path, processes)
        assert [told[number].returncode, told[1 - number].returncode] == [143, 75], told
        assert told[number].stderr.endswith(f"{sentence}\n")
        lost = f"{'A worker' if number else 'The chief or another worker'} has gone, or cannot be reached"
        assert told[1 - number].stderr == f"error: {lost}: start all again, with --resume.\n"
        assert (run / "model.keras").is_file()
    # Nobody comes: the wait itself hears the signal.
    for number, whom in enumerate(("worker 1", "the chief at localhost")):
        processes = [workers.started(tmp_path, workers.addresses(2), number, command)]
        while whom not in (out := tmp_path / f"out{number}").read_text():
            assert processes[0].poll() is None, out.read_text()
            time.sleep(0.1)
        processes[0].send_signal(signal.SIGTERM)
        assert processes[0].wait(20) == 143


@pytest.mark.slow
def test_what_one_worker_cannot_do_all_are_told_of(tmp_path):
    rows = np.random.default_rng(0).random((200, 6)).astype("float32")
    for name in ("ours", "theirs"):
        np.save(tmp_path / f"{name}.npy", rows)
        rows[0] += 1
    begin = ["-m", "train.main", f"--runs_dir={tmp_path / 'runs'}", "--name=run", "--noinitialize"]
    data = (f"--dataset={tmp_path / name}.npy" for name in ("ours", "theirs", "missing"))
    ours, theirs, missing = ([*begin, name] for name in data)
    mend = "cannot go on: mend what"
    cases = [
        ([ours, theirs], f"1 of 2 workers {mend}", "holds other examples than that of the chief"),
        ([missing, ours], "does not exist: check the path", f"The chief {mend}"),
        ([[*ours, "--batch_size=33"]] * 2, "2 replicas cannot share batches of 33 evenly", f"The chief {mend}"),
    ]
    for commands, of_chief, of_other in cases:
        told = workers.ended(tmp_path, workers.begun(tmp_path, commands))
        for process, sentence in zip(told, (of_chief, of_other), strict=True):
            assert process.returncode == 1
            assert process.stderr.startswith("error: ") and sentence in process.stderr
            assert process.stderr.count("\n") == 1


def test_batches_that_cannot_be_shared_evenly_are_refused():
    two = Workers(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
    with pytest.raises(InputError, match="2 replicas cannot share batches of 33 evenly: .* a multiple of 2"):
        two.check_batch(33)
    two.check_batch(34)
    Workers().check_batch(33)


TWO = ["a:1", "b:2"]
WITH_CHIEF = '{"cluster": {"worker": ["b:2"], "chief": ["a:1"]}, "task": {"type": "worker", "index": 0}}'


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (None, None),
        (" ", None),
        (workers.config(TWO, 0), (0, 2, "a:1", "a:1")),
        (workers.config(TWO, 1), (1, 2, "b:2", "a:1")),
        (workers.config(TWO, "1"), (1, 2, "b:2", "a:1")),
        (WITH_CHIEF, (1, 2, "b:2", "a:1")),
    ],
)
def test_the_place_of_a_worker_is_read(text, place):
    assert tf_config.read(text) == place


@pytest.mark.parametrize(
    ("text", "culprit"),
    [
        ("{", "is no JSON"),
        ("[]", 'has no "cluster"'),
        ('{"cluster": {"worker": ["a:1"]}}', 'has no "task"'),
        ('{"cluster": {"worker": "a:1"}, "task": {}}', 'no list of addresses as "worker"'),
        ('{"cluster": {"ps": ["a:1"]}, "task": {}}', "the job 'ps'"),
        (workers.config(["a"], 0), "the address 'a'"),
        (workers.config(["a:x"], 0), "the address 'a:x'"),
        (workers.config(["a:1", "a:1"], 0), "'a:1' twice"),
        (workers.config(TWO, 2), "this is worker 2, but its cluster has worker 0, worker 1"),
        (workers.config(TWO, None), "this is worker None"),
        ('{"cluster": {"chief": ["a:1", "b:1"]}, "task": {}}', "2 chiefs"),
    ],
)
def test_a_broken_tf_config_is_named(text, culprit):
    with pytest.raises(InputError, match="TF_CONFIG") as caught:
        tf_config.read(text)
    assert culprit in str(caught.value)
    assert ": " in str(caught.value) and str(caught.value).endswith(".")


def test_workers_are_refused_in_one_sentence(tmp_path):
    taken = workers.socket.socket()
    with taken:
        taken.bind(("", 0))
        taken.listen()
        here = f"localhost:{taken.getsockname()[1]}"
        cases = {
            "TF_CONFIG is no JSON": {"TF_CONFIG": "{"},
            "--strategy=workers needs the variable TF_CONFIG": {"TF_CONFIG": ""},
            f"Worker 0 cannot listen at {here} (Address already in use)": {
                "TF_CONFIG": workers.config([here, "localhost:1"], 0)
            },
        }
        for sentence, environment in cases.items():
            arguments = ["--dataset=digits", f"--runs_dir={tmp_path / 'runs'}", "--strategy=workers"]
            process = run_warm("-m", "train.main", *arguments, **environment)
            assert process.returncode == 1
            assert process.stderr.startswith(f"error: {sentence}") and process.stderr.count("\n") == 1
    assert not (tmp_path / "runs").exists()
