"""Workers that train together, each a process of its own on this machine."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from typing import NamedTuple

from conftest import ROOT, start_warm

# Seconds, by which every process of a test has ended.
LONGEST = 240


class Ended(NamedTuple):
    """How a process has ended."""

    returncode: int
    stdout: str
    stderr: str


def addresses(number):
    """So many addresses of this machine at which nobody listens."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [f"localhost:{each.getsockname()[1]}" for each in sockets]


def config(cluster, index):
    """The value of TF_CONFIG of one worker."""
    return json.dumps({"cluster": {"worker": cluster}, "task": {"type": "worker", "index": index}})


def started(folder, cluster, number, command, warm=False):
    """One worker, which writes what it says into `out<number>` and `errors<number>`.

    Args:
        folder: path for these files.
        cluster: list of the addresses of all.
        number: of this one.
        command: list of the arguments of Python.
        warm: whether it is forked from a process that has TensorFlow, which then has more to say. Default False.

    Returns:
        `subprocess.Popen`, or `forks.Fork`.
    """
    environment = {"TF_CONFIG": config(cluster, number)}
    paths = folder / f"out{number}", folder / f"errors{number}"
    with paths[0].open("w") as out, paths[1].open("w") as errors:
        if warm:
            return start_warm(*command, out=paths[0], errors=paths[1], **environment)
        return subprocess.Popen(
            [sys.executable, *map(str, command)], cwd=ROOT, stdout=out, stderr=errors,
            env={**os.environ, **environment},
        )  # fmt: skip


def begun(folder, commands, warm=False):
    """Workers, each with its command, see `started`.

    Args:
        folder: path for what they say.
        commands: list of the arguments of Python, one list a worker.
        warm: as in `started`. Default False.

    Returns:
        List of what that returns.
    """
    cluster = addresses(len(commands))
    return [started(folder, cluster, number, command, warm) for number, command in enumerate(commands)]


def ended(folder, processes):
    """Waits for all, and ends what does not.

    Args:
        folder: as in `begun`.
        processes: what that returned.

    Returns:
        List of `Ended`.
    """
    deadline = time.monotonic() + LONGEST
    try:
        codes = [process.wait(max(0.1, deadline - time.monotonic())) for process in processes]
    finally:
        for process in processes:
            process.kill()
    said = [[(folder / f"{name}{index}").read_text() for name in ("out", "errors")] for index in range(len(codes))]
    return [Ended(code, *texts) for code, texts in zip(codes, said, strict=True)]


def trained(folder, arguments, number=2):
    """A run of `train.main` by several workers, from its beginning to its end."""
    return ended(folder, begun(folder, [["-m", "train.main", *arguments]] * number))
