"""What `--help` of a command shows: its own flags in groups, and none of the packages beneath."""

import sys
import textwrap
from collections.abc import Callable

from absl import flags

from train.run.definitions import GROUPS

WIDTH = 100
INDENT = " " * 8


def text(command: Callable[[], None]) -> str:
    """The help of a command.

    Args:
        command: function; the docstring of its module says what it is for.

    Returns:
        Text of several lines.
    """
    # A command that is started is known to absl by its file.
    own = [
        flag
        for module, found in flags.FLAGS.flags_by_module_dict().items()
        if module.startswith("train.") or module == sys.argv[0]
        for flag in found
    ]
    groups = {group: [flag for flag in own if flag.name in names] for group, names in GROUPS.items()}
    settings = [flag for found in groups.values() for flag in found]
    groups = {"This command": [flag for flag in own if flag not in settings], **groups}
    about = command.__globals__["__doc__"].strip().split("\n\n")
    lines = ["\n\n".join(textwrap.fill(paragraph, WIDTH, break_on_hyphens=False) for paragraph in about)]
    for group, found in groups.items():
        if found:
            lines += ["", f"{group}:", *(line for flag in found for line in _flag(flag))]
    lines += ["", "From a file:", "    --flagfile=PATH", f"{INDENT}Takes the flags in a text file, one a line."]
    return "\n".join(lines)


def _flag(flag):
    kind = flag.flag_type()
    name = f"--[no]{flag.name}" if kind == "bool" else f"--{flag.name}={kind.split()[-1].upper()}"
    about = flag.help if flag.default is None else f"{flag.help} (default: {flag.default_as_str.strip(chr(39))})"
    return [f"    {name}", *textwrap.wrap(about, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)]
