"""Loads TensorFlow quietly."""

import os
import signal
import sys

LOADING = "Loading TensorFlow ..."


def load_tensorflow() -> None:
    """Imports TensorFlow and looks for devices; of what its C++ parts say, notes are shown only on failure."""
    _open_closed()
    # So it is while Python looks for the module of `python -m`: a command begins. Somebody may wait for it.
    is_command = sys.argv[0] == "-m"
    waits = is_command and sys.stdout.isatty()
    if is_command:
        # Seconds of imports, which no `try` surrounds; `cli.run` takes over.
        signal.signal(signal.SIGINT, lambda *_: (waits and os.write(1, b"\n"), os._exit(130)))
    if waits:
        sys.stdout.write(LOADING)
        sys.stdout.flush()
    try:
        _load()
    finally:
        if waits:
            sys.stdout.write("\r" + " " * len(LOADING) + "\r")
            sys.stdout.flush()


def _open_closed():
    """Where a standard file is closed, as by `>&-`, nothing is read or written; no other file takes its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  to the end


def _load():
    if "TF_CONFIG" in os.environ:
        # Workers that come and go are told of in pages; `train.run.workers` has a sentence for them.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from tf_gmvae import quiet  # before TensorFlow: the package chooses the CPU kernels, and is quiet

    with quiet.while_loading(errors=False):  # that there is no GPU is no error here
        import tensorflow as tf

        tf.config.list_physical_devices()
