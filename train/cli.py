"""How commands of this package start and fail."""

import logging
import os
import sys

import tensorflow as tf
from absl import app
from absl import logging as absl_logging

from tf_gmvae.errors import InputError, TrainingDivergedError


def run(command):
    """Parses the flags and runs a command; a user's mistake ends in one sentence and exit status 1.

    Args:
        command: function without arguments.
    """

    def main(argv):
        if len(argv) > 1:
            _fail(f"Unknown argument {argv[1]!r}: flags begin with --, see --help.")
        gpus = tf.config.list_physical_devices("GPU")
        device = f"{len(gpus)} GPU(s)" if gpus else f"{os.cpu_count()} CPU cores, no GPU found"
        print(f"TensorFlow {tf.__version__} on {device}.", flush=True)
        # Progress of loading many files is worth a line, what other packages note on their way is not.
        absl_logging.set_verbosity(absl_logging.WARNING)
        logging.getLogger("tf_gmvae").setLevel(logging.INFO)
        try:
            command()
        except (InputError, TrainingDivergedError) as error:
            _fail(error)
        except KeyboardInterrupt:
            print("\nStopped; --resume goes on after the last finished epoch.", file=sys.stderr)
            sys.exit(130)

    app.run(main)


def _fail(message):
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)
