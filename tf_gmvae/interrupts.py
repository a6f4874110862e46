"""Ctrl-C that is not lost, and SIGTERM, by which a machine says that it is needed elsewhere."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""


def terminate(number: int, frame: FrameType | None) -> NoReturn:
    """Handler of SIGTERM: ends the process as Ctrl-C does.

    Args:
        number: of the signal.
        frame: where it came.

    Raises:
        Terminated: always.
    """
    raise Terminated


def end_with(descriptor: int) -> None:
    """Ends this process, as SIGTERM does, once whoever holds the other end of a pipe is gone, however that ended.

    Args:
        descriptor: of the end that is read; nothing is written to it.
    """

    def watch():
        with contextlib.suppress(OSError):
            while os.read(descriptor, 1):
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def noted() -> Iterator[Callable[[], bool]]:
    """Notes a SIGTERM in the block, instead of ending it in the midst of a step.

    Yields:
        Function that says whether it has come.

    Raises:
        Terminated: at the end of the block, if it has come and the block has not ended by an error.
    """
    came: list[int] = []
    former = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(former):
        yield lambda: False
        return
    signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGTERM, former)
    if came:
        raise Terminated


@contextlib.contextmanager
def not_lost(at_once: bool = True) -> Iterator[None]:
    """Ends the block with a KeyboardInterrupt if Ctrl-C or SIGTERM came in it, whatever became of that.

    TensorFlow, while it traces, makes other errors of an interrupt, prints it, or goes on as if nothing had been;
    Python goes on where it comes within a destructor.

    Args:
        at_once: whether the first signal is felt where it comes; else it is at the end of the block, a second one
            where it comes. Default True.

    Raises:
        KeyboardInterrupt: as said; after SIGTERM, `Terminated`.
    """
    ways: dict[int, type[KeyboardInterrupt]] = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}
    former: dict[int, Callable[..., Any]] = {}
    for number in ways:
        if callable(handler := signal.getsignal(number)):
            former[number] = handler
    if threading.current_thread() is not threading.main_thread() or not former:
        yield
        return
    came: list[int] = []

    def note(number, frame):
        came.append(number)
        if at_once or len(came) > 1:
            former[number](number, frame)

    for number in former:
        signal.signal(number, note)
    try:
        yield
    except Exception:
        if came:
            raise ways[came[0]] from None
        raise
    else:
        if came:
            raise ways[came[0]]
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
