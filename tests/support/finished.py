"""One finished run on the digits, made by whichever worker needs it first and read by all."""

import fcntl
import json
import textwrap
from pathlib import Path
from typing import NamedTuple

from conftest import run_warm

NAME = "k10-m1-seed0"  # as the command of Table 1 names it
FLAGS = ["--flagfile=digits.flags", "--epochs=3", "--guided_epochs=0", f"--name={NAME}"]
# `python -m train.main`, whose start is as it is but for its length.
SHORT = """
import runpy, sys
import train
from tf_gmvae.start import initialization

initialization.LEAST_STEPS = 60
sys.argv[0] = "train.main"
runpy.run_module("train.main", run_name="__main__", alter_sys=True)
"""
# The same, and at last the functions that TensorFlow has rewritten, of which it keeps a module each.
TOLD = f"""
try:
{textwrap.indent(SHORT, "    ")}
finally:
    import inspect, re
    modules = [module for name, module in sys.modules.items() if name.startswith("__autograph_generated")]
    print("Rewritten:", *re.findall(r"def tf__(\\w+)", "".join(map(inspect.getsource, modules))))
"""


class Finished(NamedTuple):
    """Where the run and its export lie, and what `train.main` said."""

    runs: Path
    saved_models: Path
    stdout: str
    stderr: str

    @property
    def run(self):
        """The folder of the run."""
        return self.runs / NAME

    @property
    def export(self):
        """The folder of its versions."""
        return self.saved_models / NAME


def make(folder):
    """Makes the run, unless another worker of these tests has done so.

    Args:
        folder: path that all workers of one test session share.

    Returns:
        `Finished`. Tests that write into a run copy it first.
    """
    folder.mkdir(exist_ok=True)
    said = folder / "said.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            process = run_warm(
                "-c", TOLD, *FLAGS, f"--runs_dir={folder / 'runs'}",
                f"--saved_models_dir={folder / 'saved_models'}",
            )  # fmt: skip
            assert process.returncode == 0, process.stderr
            said.write_text(json.dumps([process.stdout, process.stderr]))
    return Finished(folder / "runs", folder / "saved_models", *json.loads(said.read_text()))
