"""What somebody sees who waits: lines of at most 100 columns, and a bar with the time left.

On a terminal a bar stands on the last line until another line is written. Elsewhere, in a file or a notebook, a
long step leaves a plain line now and then. Colours are for terminals, and none where the variable NO_COLOR is set.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO

WIDTH = 100
# Columns of a bar.
CELLS = 24
# Seconds from one line of a long step to the next, where there is no terminal; and from one drawing of a bar.
EVERY = 30.0
REDRAWN = 0.25

# What moves the cursor, changes colours or turns the order of writing around, and half letters, which no file
# takes: names come from files of strangers.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

# A text, or a text and its style, a word or two of `rich`: "bold", "green".
Part = str | tuple[str, str]
# `step`, or what does the same.
Step = Callable[..., contextlib.AbstractContextManager[Callable[[float], None]]]

_lock = threading.RLock()
# Columns of the bar that stands on the last line.
_drawn = 0


def is_terminal(stream: TextIO | None = None) -> bool:
    """Whether somebody looks on, and the cursor can be moved.

    Args:
        stream: file that is written to. Default None: standard output.
    """
    stream = stream or sys.stdout
    # There is no standard output where it is closed, or no console.
    return stream is not None and stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def columns(stream: TextIO | None = None) -> int:
    """Columns that lines may have: `WIDTH`, or those of a narrower terminal.

    Args:
        stream: file that is written to. Default None: standard output.
    """
    stream = stream or sys.stdout
    try:
        found = os.get_terminal_size(stream.fileno()).columns if is_terminal(stream) else WIDTH
    except (OSError, ValueError):
        found = WIDTH
    return min(WIDTH, found or 80)  # some terminals do not tell


def shown(text: str) -> str:
    r"""A text without what is not seen: in its place stands how Python writes it, such as \x1b.

    Args:
        text: text, whoever wrote it; new lines and tabs stay.
    """
    return UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


def say(*parts: Part, hang: int = 0, stream: TextIO | None = None) -> None:
    """Writes a line, or several; on a terminal with their colours, and what is too long is wrapped.

    Args:
        *parts: texts, or pairs of a text and its style.
        hang: integer, columns by which the rest of a wrapped line is indented. Default 0.
        stream: file to write to. Default None: standard output.

    Raises:
        OSError: with the name of that file, if it takes no more.
    """
    stream = stream or sys.stdout
    parts = tuple(shown(part) if isinstance(part, str) else (shown(part[0]), part[1]) for part in parts)
    try:
        with _lock:
            clear()
            _write(stream, parts, hang)
    except OSError as error:
        if error.filename is None:
            error.filename = "Standard output" if stream is sys.stdout else getattr(stream, "name", None)
        raise


def _write(stream, parts, hang):
    if not is_terminal(stream):
        print("".join(part if isinstance(part, str) else part[0] for part in parts), file=stream, flush=True)
        return
    console, width = _console(stream), columns(stream)
    for line in _text(parts).split("\n", allow_blank=True):
        for number, piece in enumerate(_wrapped(line, width, hang)):
            console.print(" " * hang if number else "", piece, sep="", soft_wrap=True)
    stream.flush()


def clear() -> None:
    """Removes the bar that stands on the last line, if there is one."""
    global _drawn  # noqa: PLW0603  there is one terminal
    with _lock:
        if _drawn and not sys.stdout.closed:
            # Ctrl-C is shown in two columns.
            sys.stdout.write("\r" + " " * (_drawn + 2) + "\r")
            sys.stdout.flush()
        _drawn = 0


def clock(seconds: float) -> str:
    """A duration as a clock shows it: 0:07, 12:30, 1:02:03.

    Args:
        seconds: number.
    """
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Bar:
    """How far a long step has come: on a terminal a bar, elsewhere a line now and then.

    Args:
        title: text.
        every: seconds between two lines, where there is no terminal. Default `EVERY`.
    """

    def __init__(self, title: str, every: float = EVERY) -> None:
        self.title, self.every = title, every
        self.began = self.told = time.monotonic()
        self.drawn = -float("inf")
        # What was done at which time: the first two and the last.
        self.marks: list[tuple[float, float]] = []

    def reached(self, done: float, total: float | None, left: float | None = None) -> None:
        """Shows where it stands, if it is time to.

        Args:
            done: number, what is done of `total`.
            total: number, or None if it is not known.
            left: seconds left. Default None: by what is done so far.
        """
        now = time.monotonic()
        since = now - self.began
        if not self.marks or done > self.marks[-1][0]:
            self.marks = [*self.marks[:2], (done, now)]
        if left is None and total and done:
            left = self._left(now, total)
        part = None if not total else min(1.0, done / total)
        if not is_terminal():
            if now - self.told >= self.every:
                self.told = now
                far = f"{clock(since)} so far" if part is None else f"{100 * part:.0f} %"
                say(f"{self.title}: {far}{'' if left is None else f', {clock(left)} left'}")
        elif now - self.drawn >= REDRAWN:
            self.drawn = now
            self._draw(part, since, left)

    def _left(self, now, total):
        """Seconds left. The first part done says least: TensorFlow builds its graph in it."""
        done, reached = self.marks[-1]
        before, began = self.marks[min(1, len(self.marks) - 2)] if len(self.marks) > 1 else (0, self.began)
        return max(0.0, (reached - began) / (done - before) * (total - done) - (now - reached))

    def _draw(self, part, since, left):
        global _drawn  # noqa: PLW0603  there is one terminal
        full, empty = ("━", "─") if (sys.stdout.encoding or "").lower().startswith("utf") else ("=", "-")
        parts: list[Part] = [self.title, "  "]
        if part is None:
            parts.append((clock(since), "dim"))
        else:
            filled = int(part * CELLS)
            parts += [(full * filled, "cyan"), (empty * (CELLS - filled), "dim"), f" {100 * part:3.0f} %"]
            parts.append("" if left is None else (f"  {clock(left)} left", "cyan"))
        with _lock:
            text = _text(parts)
            text.truncate(columns() - 3)  # of which two may show Ctrl-C; a full line would begin the next
            rest = max(0, _drawn - text.cell_len)
            sys.stdout.write("\r")
            _console(sys.stdout).print(text, " " * rest, sep="", end="", soft_wrap=True)
            sys.stdout.flush()
            _drawn = max(_drawn, text.cell_len)


@contextlib.contextmanager
def step(
    title: str, total: float | None = None, shown: bool = True, every: float = EVERY
) -> Iterator[Callable[[float], None]]:
    """A block that takes long: a bar on a terminal, elsewhere its title at once and then a line now and then.

    Args:
        title: text.
        total: number of what is to be done. Default None: unknown, and the time since its beginning is shown.
        shown: whether anything is. Default True.
        every: seconds between two lines, where there is no terminal. Default `EVERY`.

    Yields:
        Function to be called with the number that is done.
    """
    if not shown:
        yield lambda done: None
        return
    bar, done, ended = Bar(title, every), [0.0], threading.Event()
    if not is_terminal():
        say(f"{title} ...")

    def tick():
        pause = REDRAWN if is_terminal() else min(1.0, every)
        while not ended.wait(pause):
            bar.reached(done[0], total)

    ticking = threading.Thread(target=tick, daemon=True)
    ticking.start()
    try:
        yield lambda number: done.__setitem__(0, number)
    finally:
        ended.set()
        ticking.join()
        clear()


def _console(stream: TextIO) -> Any:
    from rich.console import Console

    colours: Any = None if os.environ.get("NO_COLOR") else "auto"
    # `soft_wrap` in print: lines come wrapped.
    return Console(
        file=stream,
        width=columns(stream),
        force_terminal=True,
        color_system=colours,
        highlight=False,
        markup=False,
    )


def _wrapped(line, width, hang):
    """Pieces of a line; all but the first have less room. A path that is too long stays whole, to be copied."""
    pieces: list[Any] = []
    while line.cell_len > (room := width - hang * bool(pieces)):
        words = line.plain
        end = words.rfind(" ", len(words) - len(words.lstrip(" ")), room + 1)
        if end < 0:
            end = words.find(" ", room)
        if end < 0:
            break
        pieces.append(line[:end])
        line = line[len(words) - len(words[end:].lstrip(" ")) :]
    return [*pieces, line]


def _text(parts):
    from rich.text import Text

    return Text.assemble(*parts)
