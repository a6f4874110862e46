"""Processes that are forked from one that has imported TensorFlow: each is its own, and begins at once."""

import fcntl
import functools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Client
from pathlib import Path

# As long as the tests run: forks, and tells the process, or the status of one. No thread has been started.
SERVER = """
import gc, os, runpy, select, socket, sys, traceback
from multiprocessing.connection import Connection
import tf_gmvae  # first: TensorFlow 2.20 reads once, while it loads, which notes it writes
import tensorflow, keras, scipy.linalg, sklearn.datasets, sklearn.mixture, matplotlib.backends.backend_svg
import jinja2, PIL.Image, pyarrow.csv, pyarrow.parquet, tensorboard.summary
from tf_gmvae.evaluation import neighbourhoods

neighbourhoods.mapper(2)  # UMAP is imported when it is first used, and the kinds of pictures likewise
PIL.Image.init()
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

def forked(request, connection):
    process = os.fork()
    if process:
        return process
    connection.close()
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

def ended(process):
    gone, status = os.waitpid(process, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if gone else None

def running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True

tests, listener = int(sys.argv[1]), socket.socket(fileno=0)
while running(tests):
    if select.select([listener], [], [], 1)[0]:
        with Connection(listener.accept()[0].detach()) as connection:
            request = connection.recv()
            connection.send(ended(request) if isinstance(request, int) else forked(request, connection))
for path in sys.argv[2:]:
    os.unlink(path)
"""
# Seconds between looks at whether a process has ended.
LOOK = 0.005
# Of those who wait for an answer: threads of both processes that run tests.
WAITING = 64


@functools.cache
def _started(root):
    """The address of the process to fork from, one for all tests, and the process if it was started here."""
    several = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    tests = os.getppid() if several else os.getpid()
    address = Path(tempfile.gettempdir()) / f"tf-gmvae-{several or tests}"
    lock = address.with_suffix(".lock")
    server = None
    with lock.open("w") as held, socket.socket(socket.AF_UNIX) as listener:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not address.exists():
            listener.bind(str(address))
            listener.listen(WAITING)
            server = subprocess.Popen(
                [sys.executable, "-c", SERVER, str(tests), str(address), str(lock)], cwd=root, stdin=listener,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
    return str(address), server


def _asked(root, request):
    with Client(_started(root)[0], "AF_UNIX") as connection:
        connection.send(request)
        return connection.recv()


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
            self.returncode = _asked(self._root, self.pid)
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
