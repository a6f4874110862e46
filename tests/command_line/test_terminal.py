"""What somebody sees who waits for a command: on terminals of 80 and 100 columns, and in a file."""

import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
import threading

import pytest
from conftest import ROOT, run_warm, start_warm
from support.finished import FLAGS, SHORT
from support.misuse import check_refused

from tf_gmvae import terminal
from train.run import last_screen
from train.run.folder import RunFolder

UNHEARD = """
import os, sys
from train import cli

reader, writer = os.pipe()
os.dup2(writer, 1)
os.close(writer)
sys.stdout = open(1, "w", 1, closefd=False)

def command():
    print("heard")
    assert os.read(reader, 1000).endswith(b"heard\\n")
    os.close(reader)
    print("not heard", flush=True)
    sys.exit("went on")

cli.run(command)
"""


def test_whoever_stops_reading_gets_no_traceback():
    process = run_warm("-c", UNHEARD)
    assert (process.returncode, process.stderr) == (141, "")


CLOSED = """
import os, sys
for number, name in enumerate(("stdin", "stdout")):
    os.close(number)
    setattr(sys, name, None)
from train import cli
from tf_gmvae import terminal

def command():
    print("not heard")
    with terminal.step("not heard"):
        terminal.say("not heard")
    assert sys.stdout.fileno() == 1 and sys.stdin.read() == ""
    print("done", file=sys.stderr)

cli.run(command)
"""
FULL = """
import os, sys
os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
sys.stdout = open(1, "w", closefd=False)
from train import cli
cli.run(lambda: None)
"""


def test_an_output_that_takes_nothing_gets_no_traceback():
    closed, full = run_warm("-c", CLOSED), run_warm("-c", FULL)
    assert (closed.returncode, closed.stderr) == (0, "done\n")
    sentence = "Standard output cannot be written (No space left on device): make room there, then give the same"
    assert (full.returncode, full.stderr) == (1, f"error: {sentence} command again.\n")


@pytest.mark.parametrize(
    ("asked", "command", "smaller"),
    [
        ("numpy.empty(2**45)", "main", "--batch_size, --num_samples, --latent_dim or --image_size"),
        # As TensorFlow says it, after it has tried for ten seconds.
        (
            "(_ for _ in ()).throw(tensorflow.errors.ResourceExhaustedError(None, None, 'OOM'))",
            "method",
            "--image_size",
        ),
    ],
)
def test_too_little_memory_ends_in_a_sentence_with_flags_that_the_command_has(asked, command, smaller):
    code = f"import numpy, tensorflow, train.{command}\nfrom train import cli\ncli.run(lambda: {asked})"
    process = run_warm("-c", code)
    assert process.returncode == 1
    mend = f"give a smaller {smaller}, or fewer examples."
    assert process.stderr.endswith(f"error: The memory does not hold what this asks for: {mend}\n"), process.stderr


CODE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def in_a_terminal(columns, *arguments, cold=False, **environment):
    """Runs Python on a pseudo-terminal; cold, the wait for TensorFlow is part of it.

    Returns:
        Pair of its exit status and all that it wrote there.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    place, environment = os.ttyname(theirs), {"TERM": "xterm", **environment}
    if cold:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs,
            env={**os.environ, **environment},
        )  # fmt: skip
    else:
        process = start_warm(*arguments, out=place, read=place, **environment)
    threading.Thread(target=lambda: (process.wait(), os.close(theirs))).start()
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # so a terminal ends on Linux
            break
        if not part:
            break
        written += part
    os.close(ours)
    return process.wait(), written.decode()


def states(written):
    """Every text that stood on a line of the terminal, whatever was written over it later."""
    return [
        state for line in CODE.sub("", written).replace("\r\n", "\n").split("\n") for state in line.split("\r")
    ]


def words(written):
    """A text without its line breaks."""
    return " ".join(CODE.sub("", written).split())


@pytest.fixture(scope="module")
def seen(finished, tmp_path_factory):
    """What a terminal of 80 columns showed of a run that goes on for two epochs, and scores; and its folder."""
    folder = tmp_path_factory.mktemp("terminal")
    runs = shutil.copytree(finished.runs, folder / "r")
    status, written = in_a_terminal(
        80, "-c", SHORT, *FLAGS, "--epochs=5", "--resume", "--noexport", "--nofloors", "--noexplorer",
        f"--runs_dir={os.path.relpath(runs, ROOT)}",
    )  # fmt: skip
    assert status == 0, written[-3000:]
    return written, runs / finished.run.name


@pytest.mark.slow
def test_a_terminal_shows_no_longer_line_than_it_has(seen):
    written, run = seen
    # Where the run lies is not ours to shorten.
    lines = [line for line in states(written) if os.path.relpath(run, ROOT) not in line and str(run) not in line]
    assert [line for line in lines if len(line) > 80] == []
    epochs = [line for line in lines if re.match(r"  epoch \d/5  ELBO +-\d", line)]
    assert [line[:11] for line in epochs] == ["  epoch 4/5", "  epoch 5/5"]
    assert re.search(r"10/10 clusters  acc +\d+\.\d %  +\d+:\d\d left$|\d clusters .*left$", epochs[0])
    assert "left" not in epochs[1]
    bars = [line for line in lines if "━" in line or "─" in line]
    assert bars and any(re.search(r"epoch 5/5 .* \d+ %  \d+:\d\d left", line) for line in bars)


@pytest.mark.slow
def test_colours_are_for_terminals_and_can_be_switched_off(seen, finished):
    assert CODE.search(seen[0])
    status, written = in_a_terminal(80, "-m", "train.evaluate", "--run=nowhere", NO_COLOR="1")
    assert status == 1 and "error: nowhere is not a run" in written and not CODE.search(written)
    for said in (finished.stdout, finished.stderr):
        assert "\x1b" not in said and "\r" not in said


def test_in_a_file_an_epoch_is_a_line(finished):
    lines = finished.stdout.splitlines()
    for epoch in (1, 2, 3):
        assert sum(line.startswith(f"  epoch {epoch}/3  ELBO ") for line in lines) == 1
    assert max(len(line) for line in lines if "epoch" in line and "tensorboard" not in line) <= 100
    assert "━" not in finished.stdout


def test_a_path_with_a_blank_is_quoted_on_the_last_screen(finished, tmp_path, capsys):
    copy = shutil.copytree(finished.run, tmp_path / "my run")
    last_screen.show(json.loads((copy / "metrics.json").read_text()), RunFolder(copy), {})
    assert f"open '{copy / 'report.html'}'  the run" in capsys.readouterr().out


@pytest.mark.slow
def test_the_last_screen_says_what_the_metrics_say(seen):
    written, run = seen
    metrics, start = (json.loads((run / name).read_text()) for name in ("metrics.json", "start.json"))
    said = words(written.split("What was found in")[1])
    counts = metrics["examples_a_component"]
    assert sum(counts) == metrics["num_examples"] == 359
    assert sum(count > 0 for count in counts) == metrics["components_in_use"]
    assert f"seen on {metrics['num_examples']} test examples" in said
    assert f"{metrics['components_in_use']} of 10 in use; the largest holds {max(counts)} (" in said
    for share, rest in (
        (metrics["certain"], "of the examples belong to their cluster with a probability above 0.9"),
        (start["certain"], "of the examples in which it found the clusters"),
        (metrics["start"]["changed"], "of those above elsewhere"),
        (metrics["accuracy_majority"], "of the examples have the label"),
    ):
        assert re.search(rf"\b{100 * share:.1f}".removesuffix(".0") + rf"(\.0)? % {rest}", said), rest
    for verdict in metrics["collapse"]:
        assert words(verdict) in said
    assert ("found nothing wrong" in said) == (not metrics["collapse"])
    following = said.split(" Next ")[1]
    assert following.startswith("open ") and following.index("report.html") < following.index("tensorboard")
    # --noexplorer leaves that page as the first three epochs left it.
    assert re.findall(r"\w+\.(?:html|csv) [^.]*?, of an earlier epoch", following) == [
        "explorer.html the same to walk through, with a map, of an earlier epoch"
    ]


@pytest.mark.slow
def test_a_mistake_and_the_wait_before_it_leave_one_sentence():
    status, written = in_a_terminal(80, "-m", "train.evaluate", "--run=nowhere", cold=True)
    assert status == 1
    first, *rest = written.replace("\r\n", "\n").split("\n")
    assert first.startswith("Loading TensorFlow ...\r") and first.split("\r")[-1].startswith("TensorFlow 2")
    assert CODE.sub("", "".join(rest)) == "error: nowhere is not a run: it has no run.flags."


def test_no_name_moves_the_cursor_or_ends_a_run(capsys, tmp_path):
    """Names of columns, classes and files are what a stranger wrote."""
    terminal.say("column ", ("a\x1b[31mred\x1b]0;title\x07\rb", "bold"), " \udcff \u202egpj.exe, Wüste\t北京\n")
    said = capsys.readouterr().out
    assert said == "column a\\x1b[31mred\\x1b]0;title\\x07\\rb \\udcff \\u202egpj.exe, Wüste\t北京\n\n"
    nowhere = tmp_path / os.fsdecode(b"B\xe4r")
    sentence = "has bytes in it that are not UTF-8: give that file or folder another name"
    unreadable = "--dataset=\udcc3\udcbc"  # so an ü is held where the locale knows no letters but those of English
    refused = {
        (f"--dataset={nowhere}",): f"B\\udce4r {sentence}",
        (unreadable,): r"\udcc3\udcbc has letters that Python cannot read in this locale: set PYTHONUTF8=1",
    }
    check_refused("train.main", refused, tmp_path)


@pytest.mark.parametrize(
    "command", ["main", "evaluate", "explore", "export", "figures", "method", "predict", "report", "table1"]
)
def test_help_fits_and_is_of_our_own_flags(command):
    process = run_warm("-m", f"train.{command}", "--help")
    lines = process.stdout.splitlines()
    assert process.returncode == 0 and max(map(len, lines)) <= 100
    flags = set(re.findall(r"^    --(?:\[no\])?(\w+)", process.stdout, flags=re.MULTILINE))
    assert {"flagfile"} < flags
    # Of absl and of what TensorFlow brings along.
    assert not flags & {"logtostderr", "verbosity", "pdb", "only_check_args", "undefok", "tfds_debug_list_dir"}


def test_known_examples_are_told_with_their_names_and_not_as_a_part_of_them():
    said = last_screen._use_of_labels({"guide_labels": {"examples": 30, "classes": 10}})
    assert said == "30 known examples of 10 names guided the start; no other label was used."
