"""The one exception type for a user's mistake."""

# Frames our sentence within the long report TensorFlow makes of what fails in a graph, here and in exports.
MARK = "Bad input: "
# What follows a name: of the model in memory, and of exports.
NO_NUMBER = (
    "no number: the values are too large for the model, as those are that stand for missing ones in some files "
    "(1e20, say). Repair or drop them; if they are ordinary values, the weights of the model are not finite: "
    "train it anew."
)
# Of both exports, that of Keras and that for TensorFlow Serving.
NOTHING_TO_EXPORT = "The model has no weights yet, so there is nothing to export: train it first."


class InputError(ValueError):
    """Bad input from the user: a setting, a file, a shape or a value.

    The message is one clear sentence that names the culprit and the mend, so a command line can
    print it as it is, without a traceback. It is a `ValueError`, so library users need not know it.

    Example:
        >>> tf_gmvae.data.load("nowhere.csv")
        Traceback (most recent call last):
        tf_gmvae.errors.InputError: ...nowhere.csv...
    """


def framed(sentence: str) -> str:
    """A sentence as `inputs.readable_errors` finds it in what TensorFlow says of a Python function that failed.

    Args:
        sentence: Text.
    """
    return f"{MARK}{sentence}]\n"


def in_short(error: object, most: int = 160) -> str:
    """What another package says of a failure, as a sentence of ours can have it in brackets.

    Args:
        error: exception, or its text.
        most: integer, characters that are kept. Default 160.

    Returns:
        The first line that has something, without full stop; of an exception without words, its type.
    """
    words = next(filter(None, map(str.strip, str(error).splitlines())), "")
    return words[:most].rstrip(" .:") or type(error).__name__


class TrainingDivergedError(RuntimeError):
    """Training met a value that is not finite. The message says at which step and in which term.

    Example:
        >>> arcs = tf_gmvae.data.load("synthetic").train.examples[:200]
        >>> model = tf_gmvae.GMVAE.from_preset("synthetic", seed=0)
        >>> model.compile(keras.optimizers.SGD(1e30))  # far too large a learning rate
        >>> model.fit(arcs, batch_size=50, verbose=0)
        Traceback (most recent call last):
        tf_gmvae.errors.TrainingDivergedError: ...
    """
