"""How commands of this package start and fail."""

import logging
import os
import re
import signal
import sys
from collections.abc import Callable

import tensorflow as tf
from absl import app, flags
from absl import logging as absl_logging

from tf_gmvae import disk, interrupts, terminal
from tf_gmvae.errors import InputError, TrainingDivergedError
from train import help as help_page
from train.run.record import in_words

HELP = {"-h", "-help", "--help", "-helpshort", "--helpshort"}
# By which a command needs less memory, where it has them.
OF_MEMORY = ("batch_size", "num_samples", "latent_dim", "image_size")
# In the environment of a command that another one has begun: it ends with that one, to which its input leads.
TIED = "TF_GMVAE_TIED"
INTERRUPTED, TERMINATED, UNHEARD = 130, 143, 141  # by the signals of their names, as of a shell's own commands


def run(command: Callable[[], None]) -> None:
    """Parses the flags and runs a command; a user's mistake ends in one sentence and exit status 1.

    Args:
        command: function without arguments. A KeyboardInterrupt from it may carry the sentence to end with.
    """

    def parse(argv):
        if HELP & set(argv[1:]):
            print(help_page.text(command))
            sys.exit(0)
        return _parsed(argv)

    def main(argv):
        if len(argv) > 1:
            _fail(f"Unknown argument {argv[1]!r}: flags begin with --, see --help.")
        # Progress of loading many files is worth a line, what other packages note on their way is not.
        absl_logging.set_verbosity(absl_logging.WARNING)
        notes = logging.getLogger("tf_gmvae")
        notes.setLevel(logging.INFO)
        if not any(isinstance(handler, _Printed) for handler in notes.handlers):
            notes.addHandler(_Printed())
        notes.propagate = False
        try:
            terminal.say(_machine())
            _check_not_empty()
            with interrupts.not_lost():
                command()
        except (InputError, TrainingDivergedError) as error:
            _fail(error)
        except (OSError, tf.errors.OpError) as error:
            failure = disk.sentence(error)
            if failure is not None:
                _fail(f"{failure}, then give the same command again.")
            if not isinstance(error, tf.errors.ResourceExhaustedError):
                raise
            _fail(_too_little_memory())
        except MemoryError:
            _fail(_too_little_memory())
        finally:
            terminal.clear()

    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the end of what `startup` has set
        signal.signal(signal.SIGTERM, interrupts.terminate)
        if os.environ.pop(TIED, None):
            interrupts.end_with(sys.stdin.fileno())
        app.run(main, flags_parser=parse)
    except KeyboardInterrupt as stop:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # impatience does not end in a traceback
        terminal.say(f"\n{stop}" if str(stop) else "\nStopped.", stream=sys.stderr)
        sys.exit(TERMINATED if isinstance(stop, interrupts.Terminated) else INTERRUPTED)
    except BrokenPipeError:  # whoever read the output, as `| head`, has had enough
        _drop_output()
        sys.exit(UNHEARD)


def _machine():
    gpus = tf.config.list_physical_devices("GPU")
    device = f"{len(gpus)} GPU(s)" if gpus else f"{os.cpu_count()} CPU cores, no GPU found"
    return f"TensorFlow {tf.__version__} on {device}."


class _Printed(logging.Handler):
    """What the package has to say, as the lines of the command."""

    def emit(self, record: logging.LogRecord) -> None:
        terminal.say(record.getMessage())


def _parsed(argv):
    for argument in argv[1:]:
        if any("\ud800" <= letter <= "\udfff" for letter in argument):  # so Python holds them
            _fail(f"{argument} has {_of_bytes(argument)}.")
    # bash leaves the ~ of --flag=~/place as it is, and nobody means a folder of that name.
    argv = [re.sub(r"^(--?\w+=)(~/.*|~)$", lambda found: found[1] + os.path.expanduser(found[2]), a) for a in argv]
    try:
        return flags.FLAGS(argv)
    except UnicodeDecodeError as error:
        _fail(f"A flag file is no text ({error.reason}): give --flagfile a text file, one flag a line.")
    except (flags.Error, ValueError) as error:  # the second is of --noname=value
        _fail(f"{in_words(error)}; --help lists the flags.")


def _of_bytes(argument):
    try:
        os.fsencode(argument).decode()
    except UnicodeDecodeError:
        return "bytes in it that are not UTF-8: give that file or folder another name"
    return "letters that Python cannot read in this locale: set PYTHONUTF8=1"


def _check_not_empty():
    """A flag without a value, as a variable of a shell that is not set leaves it, is none that was left out."""
    for name in flags.FLAGS:
        if flags.FLAGS[name].present and flags.FLAGS[name].value == "":
            raise InputError(f"--{name}= is empty: give it a value, or leave it out.")


def _too_little_memory():
    names = [f"--{name}" for name in OF_MEMORY if name in flags.FLAGS]
    smaller = f"a smaller {' or '.join(filter(None, (', '.join(names[:-1]), names[-1])))}, or " if names else ""
    return f"The memory does not hold what this asks for: give {smaller}fewer examples."


def _fail(message):
    terminal.say(("error: ", "bold red"), str(message), stream=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:  # it is what failed, and Python would try again at its end
        _drop_output()
    sys.exit(1)


def _drop_output():
    """Sends what is still to be written nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
