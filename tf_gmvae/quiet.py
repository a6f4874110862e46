"""TensorFlow without the notes that it writes while it loads."""

import contextlib
import faulthandler
import os
import re
import sys
import tempfile
from collections.abc import Iterator

# Of TensorFlow's C++ parts: notes (I, for information), the line that announces them, and what follows the one on
# the processor.
_NOTE = re.compile(
    rb"I\d{4} [\d:.]+ +\d+ [\w.]+:\d+\]|WARNING: All log messages before absl::InitializeLog|"
    rb"To enable the following instructions: "
)


@contextlib.contextmanager
def while_loading(errors: bool = True) -> Iterator[None]:
    """Keeps back what the C++ parts of a library write to standard error in the block; a failure shows it all.

    They write to the descriptor itself, before any of TensorFlow's log levels apply. Where the variable
    TF_CPP_MIN_LOG_LEVEL is 0, somebody wants to see it, and nothing is kept back.

    Args:
        errors: whether what is more than a note, warnings and errors, is shown after the block. Default True.
    """
    try:
        if os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
            raise OSError
        if sys.stderr is not None:
            sys.stderr.flush()
        original = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    with tempfile.TemporaryFile() as kept:
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
