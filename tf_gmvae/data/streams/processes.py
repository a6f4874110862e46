"""Tasks for processes that end at once when they are told to, and with the process that started them."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing.connection import wait
from typing import Any

from tf_gmvae.errors import InputError


def done(
    task: Callable[..., None], calls: Sequence[tuple[Any, ...]], processes: int
) -> Generator[int, None, None]:
    """Does a task again and again, by several processes; to close the iterator ends them at once.

    Args:
        task: Function of a module.
        calls: Its arguments for each time.
        processes: Integer, how many processes.

    Yields:
        The number of a call that has been done, each once, in any order.

    Raises:
        InputError: If a process is killed by another than this one, or the task raises it, as `OSError` and
            `MemoryError`.
        RuntimeError: Of the traceback of whatever else the task raises.
    """
    left = iter(enumerate(calls))
    workers: dict[Any, _Worker] = {}  # by their connections
    busy: dict[Any, int] = {}
    try:
        for _ in range(min(processes, len(calls))):
            worker = _Worker(task)
            workers[worker.connection] = worker
        for worker, (number, call) in zip(workers.values(), left, strict=False):
            worker.begin(call)
            busy[worker.connection] = number
        while busy:
            for connection in wait(list(busy)):
                workers[connection].check()
                yield busy.pop(connection)
                for number, call in itertools.islice(left, 1):
                    workers[connection].begin(call)
                    busy[connection] = number
    finally:
        for worker in workers.values():
            worker.end()


class _Worker:
    """One of the processes."""

    def __init__(self, task: Callable[..., None]) -> None:
        # Not forked: TensorFlow's threads would be missing in the copy.
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other, task), daemon=True)
        with _interrupts_held():
            self.process.start()
        other.close()

    def begin(self, call: tuple[Any, ...]) -> None:
        """Hands it a call."""
        with self._alive():
            self.connection.send(call)

    def check(self) -> None:
        """Waits for the end of the call, and raises what went wrong."""
        with self._alive():
            error = self.connection.recv()
        if error is not None:
            raise error

    @contextlib.contextmanager
    def _alive(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, ConnectionError):
            self.process.join()
            raise InputError(
                f"A process was ended by another (exit status {self.process.exitcode}), for want of memory maybe: "
                "give the same command again, with fewer --processes."
            ) from None

    def end(self) -> None:
        """Ends it, whatever it does."""
        self.process.kill()
        self.process.join()
        self.connection.close()


@contextlib.contextmanager
def _interrupts_held():
    """Ctrl-C comes to all processes of a terminal: its parent, not what is started within, is to feel it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _work(connection, task):
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError):
        while True:
            connection.send(_error_of(task, connection.recv()))


def _error_of(task, call):
    try:
        task(*call)
    except (InputError, OSError, MemoryError) as error:
        return error
    except Exception:  # it may hold what no other process can be sent
        return RuntimeError(f"In another process:\n{traceback.format_exc()}")
    return None


def _end_with_parent():
    """However that ends: nobody would be left to tell this process to stop, and another may take up its work."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
