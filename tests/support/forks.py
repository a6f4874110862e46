"""Processes that are forked from one that has imported TensorFlow: each is its own, and begins at once."""

import atexit
import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

# Reads a request a line: forks, and answers with the process, or tells its status. No thread has been started.
SERVER = """
import gc, json, os, runpy, sys, traceback
import tensorflow, keras, scipy.linalg, sklearn.mixture, matplotlib.figure
import tf_gmvae
from tf_gmvae.evaluation import neighbourhoods

neighbourhoods.mapper(2)  # UMAP is imported when it is first used
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 10, 20)

def become(request):
    os.setsid()
    for number, path in enumerate(request["files"]):
        os.dup2(os.open(path, os.O_RDWR | os.O_APPEND), number)
    sys.stdout = open(1, "w", 1 if os.isatty(1) else -1, closefd=False)
    sys.stderr = open(2, "w", 1, closefd=False)
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
    if "asked" in request:
        ended, status = os.waitpid(request["asked"], os.WNOHANG)
        answer = os.waitstatus_to_exitcode(status) if ended else None
    else:
        answer = os.fork()
        if not answer:
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
    print(json.dumps(answer), file=answers, flush=True)
"""
# Seconds between looks at whether a process has ended.
LOOK = 0.005
# Threads ask one after the other.
ONE = threading.Lock()


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


def _asked(root, request):
    with ONE:
        server = _started(root)
        print(json.dumps(request), file=server.stdin, flush=True)
        return json.loads(server.stdout.readline())


class Fork:
    """A process, to be waited for and sent signals as `subprocess.Popen` is.

    Args:
        arguments: list of texts: "-m", a module and its arguments, or "-c", code and its arguments.
        root: of the project.
        out: path of a file that is there, or of a terminal: to write what it says to.
        errors: the same for its errors. Default `out`.
        read: path to read from. Default nothing.
        cwd: folder to run in. Default `root`.
        environment: dict of what is added to the environment.
    """

    def __init__(self, arguments, root, out, errors=None, read=os.devnull, cwd=None, environment=None):
        self._root = root
        self.returncode = None
        self.pid = _asked(root, {
            "arguments": list(map(str, arguments)), "cwd": os.fspath(cwd or root),
            "environment": environment or {}, "files": list(map(str, (read, out, errors or out))),
        })  # fmt: skip

    def poll(self):
        """The exit status, None as long as the process runs."""
        if self.returncode is None:
            self.returncode = _asked(self._root, {"asked": self.pid})
        return self.returncode

    def wait(self, timeout=900.0):
        """The exit status, once the process has ended."""
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(LOOK)
        return self.returncode

    def send_signal(self, number):
        """Sends a signal, if the process has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        """Ends the process."""
        self.send_signal(signal.SIGKILL)


def run(arguments, cwd, environment, root):
    """Runs Python in a process of its own, see `conftest.run_python`.

    Args:
        arguments: as of `Fork`.
        cwd: folder to run in.
        environment: dict of what is added to the environment.
        root: of the project.

    Returns:
        `subprocess.CompletedProcess`.
    """
    with tempfile.TemporaryDirectory() as folder:
        out, errors = Path(folder) / "out", Path(folder) / "errors"
        out.touch()
        errors.touch()
        process = Fork(arguments, root, out, errors, cwd=cwd, environment=environment)
        return subprocess.CompletedProcess(arguments, process.wait(), out.read_text(), errors.read_text())
