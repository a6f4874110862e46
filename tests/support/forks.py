"""Processes that are forked from one that has imported TensorFlow: each is its own, and begins at once."""

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# Reads a request a line, forks, and answers with the status of the child. No thread has been started before.
SERVER = """
import gc, json, os, runpy, sys, traceback
import tensorflow, keras, scipy.linalg, sklearn.mixture, matplotlib.figure
import tf_gmvae

gc.collect()
gc.freeze()
gc.set_threshold(100_000, 20, 50)

def become(request):
    os.setsid()
    for number, path in ((0, os.devnull), (1, request["out"]), (2, request["errors"])):
        os.dup2(os.open(path, os.O_RDWR), number)
    os.chdir(request["cwd"])
    os.environ.update(request["environment"])
    kind, name, *arguments = request["arguments"]
    sys.path[:0] = [request["cwd"], *filter(None, request["environment"].get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = [name if kind == "-m" else kind, *arguments]
    if kind == "-m":
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    else:
        exec(compile(name, "<string>", "exec"), {"__name__": "__main__"})

for line in sys.stdin:
    request = json.loads(line)
    child = os.fork()
    if not child:
        status = 0
        try:
            become(request)
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        except BaseException:
            traceback.print_exc()
            status = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answers, flush=True)
"""


@functools.cache
def _started(root):
    """The process to fork from, which lives as long as this one."""
    code = "import os, sys\nanswers = os.fdopen(os.dup(1), 'w')\nos.dup2(2, 1)\n" + SERVER
    server = subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    atexit.register(server.kill)
    return server


def run(arguments, cwd, environment, root):
    """Runs Python in a process of its own, see `conftest.run_python`.

    Args:
        arguments: list of texts: "-m", a module and its arguments, or "-c", code and its arguments.
        cwd: folder to run in.
        environment: dict of what is added to the environment.
        root: of the project.

    Returns:
        `subprocess.CompletedProcess`.
    """
    server = _started(root)
    with tempfile.TemporaryDirectory() as folder:
        out, errors = Path(folder) / "out", Path(folder) / "errors"
        out.touch()
        errors.touch()
        request = {
            "arguments": arguments, "cwd": os.fspath(cwd), "environment": environment, "out": str(out),
            "errors": str(errors),
        }  # fmt: skip
        print(json.dumps(request), file=server.stdin, flush=True)
        status = int(server.stdout.readline())
        return subprocess.CompletedProcess(arguments, status, out.read_text(), errors.read_text())
