"""Loads TensorFlow quietly."""

import contextlib
import os
import signal
import sys
import tempfile


def load_tensorflow() -> None:
    """Imports TensorFlow and looks for devices; what its C++ parts say of that is shown only on failure."""
    if sys.argv[0] == "-m":  # so it is while Python looks for the module of `python -m`: a command begins
        # Seconds of imports, which no `try` surrounds; `cli.run` takes over.
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    with _native_stderr_kept_back():
        import tensorflow as tf

        import tf_gmvae  # noqa: F401  before the first operation: it chooses the CPU kernels

        tf.config.list_physical_devices()


@contextlib.contextmanager
def _native_stderr_kept_back():
    # The C++ parts write to the descriptor itself, before any of TensorFlow's log levels apply.
    with tempfile.TemporaryFile() as kept:
        sys.stderr.flush()
        original = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(original, kept.read())
            raise
        finally:
            os.dup2(original, 2)
            os.close(original)
