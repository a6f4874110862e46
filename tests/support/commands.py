"""Calls of one command, one after the other in a process of their own: TensorFlow starts once for them all."""

import json
import subprocess
import tempfile
from pathlib import Path

from conftest import run_warm

SCRIPT = """
import contextlib, importlib, io, json, sys
from absl import app
from train import cli

command = importlib.import_module(sys.argv[1])
answers, calls = sys.argv[3], json.load(open(sys.argv[2]))
if sys.argv[4] != "None":
    from tf_gmvae.start import agreement, initialization

    initialization.LEAST_STEPS, agreement.SAMPLES = int(sys.argv[4]), 2
for arguments in calls:
    out, errors = io.StringIO(), io.StringIO()
    app.flags.FLAGS.unparse_flags()
    for name in app.flags.FLAGS:  # each call begins with the defaults, as a process does
        app.flags.FLAGS[name].unparse()
    sys.argv = [command.__name__, *arguments]
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(out):
        try:
            cli.run(command.main)
            status = 0
        except SystemExit as stop:
            status = stop.code or 0
    with open(answers, "a") as file:
        print(json.dumps([status, out.getvalue(), errors.getvalue()]), file=file)
"""


def run_all(command, calls, least_steps=None):
    """Runs a command with each list of arguments.

    Args:
        command: name of its module.
        calls: list of lists of arguments.
        least_steps: integer, the least steps of a start, which is as it is but for its length. Default as it is.

    Returns:
        List of `subprocess.CompletedProcess`, one for each call.
    """
    with tempfile.TemporaryDirectory() as folder:
        asked, answers = Path(folder) / "calls.json", Path(folder) / "answers.jsonl"
        asked.write_text(json.dumps([list(map(str, arguments)) for arguments in calls]))
        process = run_warm("-c", SCRIPT, command, asked, answers, least_steps)
        assert process.returncode == 0, process.stderr[-3000:]
        lines = answers.read_text().splitlines()
    return [
        subprocess.CompletedProcess([command, *arguments], *json.loads(line))
        for arguments, line in zip(calls, lines, strict=True)
    ]
