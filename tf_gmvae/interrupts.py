"""Ctrl-C that is not lost."""

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def not_lost(at_once: bool = True) -> Iterator[None]:
    """Ends the block with a KeyboardInterrupt if Ctrl-C was pressed in it, whatever became of that.

    TensorFlow, while it traces, makes other errors of an interrupt, prints it, or goes on as if nothing had been;
    Python goes on where it comes within a destructor.

    Args:
        at_once: whether the first Ctrl-C is felt where it comes; else it is at the end of the block, a second one
            where it comes. Default True.

    Raises:
        KeyboardInterrupt: as said.
    """
    former = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(former):
        yield
        return
    pressed = []

    def note(number, frame):
        pressed.append(True)
        if at_once or len(pressed) > 1:
            former(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    except Exception:
        if pressed:
            raise KeyboardInterrupt from None
        raise
    else:
        if pressed:
            raise KeyboardInterrupt
    finally:
        signal.signal(signal.SIGINT, former)
