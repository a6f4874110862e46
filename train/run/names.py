"""Names that become folders."""

import os

from tf_gmvae.errors import InputError

# Bytes: file systems take 255, of which a run needs some for the hidden folders and the log beside it.
LONGEST = 200


def checked(name: str, what: str, mend: str) -> str:
    """A name that is surely one folder name, and stays within the folder that it is given.

    Args:
        name: text.
        what: text that names it at the beginning of the sentence: a flag, say.
        mend: what to do about a bad one.

    Returns:
        The name.

    Raises:
        InputError: if it is empty, too long, begins with a dot, or holds a separator of folders or an invisible
            character.
    """
    if not name.strip():
        fault = "is empty"
    elif any(separator in name for separator in "/\\"):
        fault = "holds a separator of folders"
    elif name.startswith("."):
        fault = "begins with a dot"
    elif not name.isprintable():
        fault = "holds a character that cannot be shown"
    elif len(os.fsencode(name)) > LONGEST:
        fault = f"is longer than {LONGEST} bytes"
    else:
        return name
    shown = name if len(name) <= 40 else f"{name[:40]}..."
    raise InputError(f"{what} must be the name of one folder, but {shown!r} {fault}: {mend}.")
