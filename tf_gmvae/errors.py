"""The one exception type for a user's mistake."""


class InputError(ValueError):
    """Bad input from the user: a setting, a file, a shape or a value.

    The message is one clear sentence that names the culprit and the mend, so a command line can
    print it as it is, without a traceback. It is a `ValueError`, so library users need not know it.
    """


class TrainingDivergedError(RuntimeError):
    """Training met a value that is not finite. The message says at which step and in which term."""
