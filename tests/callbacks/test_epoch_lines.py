"""One line an epoch, and what is left."""

import io
import re
import time

import keras
import numpy as np
import pytest

from tf_gmvae import terminal
from tf_gmvae.callbacks import CollapseWatch, EpochLines, StopAfterSeconds, TrainingSeconds


class Terminal(io.StringIO):
    """One that somebody looks at."""

    encoding = "utf-8"

    def isatty(self):
        return True


def test_an_epoch_is_a_line(make_table_model, table, capsys):
    model = make_table_model()
    history = model.fit(table, epochs=12, verbose=0, callbacks=[CollapseWatch(table), EpochLines()]).history
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  epoch ")]
    assert len(lines) == 12
    # What has no blank stays whole, so that it can be copied.
    assert max(len(line) for line in lines if "x" * 120 not in line) <= 100
    assert lines[0].startswith("  epoch  1/12  ELBO ") and lines[-1].startswith("  epoch 12/12  ELBO ")
    for line, elbo, used in zip(lines, history["elbo"], history["components_in_use"], strict=True):
        assert float(re.search(r"ELBO +(\S+)", line)[1]) == pytest.approx(elbo, abs=0.051)
        assert f"{used:.0f}/4 clusters" in line
    assert all(re.search(r" \d+:\d\d left$", line) for line in lines[:-1]) and "left" not in lines[-1]


def test_any_keras_model_has_its_lines(capsys):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    model.fit(np.ones((8, 2)), np.ones(8), epochs=2, verbose=0, callbacks=[EpochLines()])
    assert len(re.findall(r"^  epoch \d/2  loss +[\d.]+  mae [\d.]+ ", capsys.readouterr().out, re.MULTILINE)) == 2


def test_a_budget_bounds_the_time_left(make_table_model, table, capsys):
    callbacks = [TrainingSeconds(), StopAfterSeconds(1e9), EpochLines(seconds=1.0)]
    make_table_model().fit(table, epochs=100_000, steps_per_epoch=2, verbose=0, callbacks=[*callbacks, Stop()])
    assert re.search(r" 0:0[01] left", capsys.readouterr().out)


class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == 1


def test_a_long_step_in_a_file_has_a_line_now_and_then(capsys):
    with terminal.step("Counting", 4, every=0.05) as reached:
        for number in range(4):
            time.sleep(0.1)
            reached(number + 1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Counting ..." and len(lines) > 2
    assert re.fullmatch(r"Counting: \d+ %, 0:00 left", lines[-1])
    with terminal.step("Nothing", shown=False) as reached:
        reached(1)
    assert capsys.readouterr().out == ""


def test_a_bar_gives_way_to_a_line(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    bar = terminal.Bar("Counting")
    bar.reached(1, 4, 75.0)
    terminal.say("a line")
    first, *after = screen.getvalue().split("\r")[1:]
    assert first.startswith("Counting  ━━━━━━─") and "25 %  1:15 left" in first
    assert after[0].strip() == "" and len(after[0]) >= len(first.rstrip()) and after[1] == "a line\n"


@pytest.mark.parametrize(
    "text", ["word " * 60, "see " + "x" * 120 + " now", "  indented " + "word " * 40, "short", "two\n\nlines"]
)
def test_what_is_too_long_is_wrapped(text, monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    terminal.say(text, hang=6)
    lines = screen.getvalue().splitlines()
    # What has no blank stays whole, so that it can be copied.
    assert max(len(line) for line in lines if "x" * 120 not in line) <= 100
    assert "".join(screen.getvalue().split()) == "".join(text.split())
    if len(text) > 100:
        assert all(line.startswith(" " * 6) for line in lines[1:])


@pytest.mark.parametrize(("seconds", "shown"), [(0.4, "0:00"), (7, "0:07"), (754, "12:34"), (3723, "1:02:03")])
def test_a_clock(seconds, shown):
    assert terminal.clock(seconds) == shown
