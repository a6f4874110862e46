"""Workers that train together, each a process of its own on this machine."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from typing import NamedTuple

from conftest import ROOT

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


def started(folder, cluster, number, command):
    """One worker, which writes what it says into `out<number>` and `errors<number>`.

    Args:
        folder: path for these files.
        cluster: list of the addresses of all.
        number: of this one.
        command: list of the arguments of Python.

    Returns:
        `subprocess.Popen`.
    """
    environment = {**os.environ, "TF_CONFIG": config(cluster, number)}
    with (folder / f"out{number}").open("w") as out, (folder / f"errors{number}").open("w") as errors:
        return subprocess.Popen(
            [sys.executable, *map(str, command)], cwd=ROOT, stdout=out, stderr=errors,
            env=environment,
        )  # fmt: skip


def begun(folder, commands):
    """Workers, each with its command, see `started`.

    Args:
        folder: path for what they say.
        commands: list of the arguments of Python, one list a worker.

    Returns:
        List of `subprocess.Popen`.
    """
    cluster = addresses(len(commands))
    return [started(folder, cluster, number, command) for number, command in enumerate(commands)]


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
