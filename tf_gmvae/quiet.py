"""TensorFlow without the notes that it writes while it loads."""

import contextlib
import faulthandler
import os
import re
import sys
import tempfile
from collections.abc import Iterator

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
# Of TensorFlow's C++ parts: notes (I, for information) as 2.21 and as 2.20 write them, the line that announces
# them, and what follows the one on the processor.
_NOTE = re.compile(
    rb"I\d{4} [\d:.]+ +\d+ [\w.]+:\d+\]|[\d-]{10} [\d:.]+: I [\w./]+:\d+\]|"
    rb"WARNING: All log messages before absl::InitializeLog|To enable the following instructions: "
)


@contextlib.contextmanager
def while_loading(errors: bool = True) -> Iterator[None]:
    """Keeps back what the C++ parts of a library write to standard error in the block; a failure shows it all.

    They write to the descriptor itself, before any of TensorFlow's log levels apply. Where the variable
    TF_CPP_MIN_LOG_LEVEL is 0, somebody wants to see it, and nothing is kept back. Where it is not set, TensorFlow
    2.20, which reads it once, writes no notes later either, as that a data set has come to its end.

    Args:
        errors: whether what is more than a note, warnings and errors, is shown after the block. Default True.
    """
    try:
        if os.environ.get(_LEVEL) == "0":
            raise OSError
        if sys.stderr is not None:
            sys.stderr.flush()
        original = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    with tempfile.TemporaryFile() as kept:
        is_set = _LEVEL in os.environ
        os.environ.setdefault(_LEVEL, "1")
        os.dup2(kept.fileno(), 2)
        # A crash of the process itself still says where it was.
        watched = not faulthandler.is_enabled()
        if watched:
            faulthandler.enable(original)
        shown = _all_but_notes if errors else lambda text: b""
        try:
            yield
        except BaseException:
            shown = bytes
            raise
        finally:
            if not is_set:
                os.environ.pop(_LEVEL, None)
            if watched:
                faulthandler.disable()
            if sys.stderr is not None:
                sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)
            kept.seek(0)
            if text := shown(kept.read()):
                os.write(2, text)


def _all_but_notes(text):
    return b"".join(line for line in text.splitlines(keepends=True) if not _NOTE.match(line))
