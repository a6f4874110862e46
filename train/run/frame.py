"""What stands around the work of a command that makes a run: its place, and how it ends before its time."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from absl import flags

from tf_gmvae import disk, interrupts
from tf_gmvae.errors import InputError
from train.run import afterwards, names
from train.run.folder import RunFolder


@dataclass
class Progress:
    """How far a command has come with the folder of its run.

    Attributes:
        replaces: whether the run that it is to replace is still in its place. Default False.
        opened: whether the new run has had the folder. Default False.
    """

    replaces: bool = False
    opened: bool = False


def define(made_of: str) -> None:
    """Defines the flags that say where the run lies and what becomes of one that is there.

    Args:
        made_of: text, what the name of a run is made of by default.
    """
    flags.DEFINE_string("name", None, f"Of the run; by default {made_of}.")
    flags.DEFINE_string("runs_dir", "runs", "Where runs are kept.")
    flags.DEFINE_bool(
        "resume",
        False,
        "Go on after its last finished epoch with the run of that name, or whose run.flags is the flag file.",
    )
    flags.DEFINE_bool(
        "overwrite", False, "Replace the run of that name, once the first epoch of the new one is saved."
    )


def folder_of(chosen: flags.FlagValues, default_name: str) -> RunFolder:
    """The folder of the run; nothing is written.

    With --resume, and where no flag gives it a place, it is that of the run whose `run.flags` is the flag file.

    Args:
        chosen: parsed flags.
        default_name: text, its name where --name gives none.

    Returns:
        `RunFolder`.

    Raises:
        InputError: if there can be no folder of that name.
    """
    if chosen.resume and chosen.name is None and not chosen["runs_dir"].present:
        for path in _flag_files(sys.argv[1:]):
            of_file = RunFolder(path.parent if path.parent.name.strip(".") else path.parent.resolve())
            # A copy of the file alone, in whatever folder, is no run.
            if path.name == of_file.flags.name and (of_file.counts.is_file() or of_file.model.is_file()):
                return of_file
    name = default_name if chosen.name is None else chosen.name
    return RunFolder(Path(chosen.runs_dir) / names.checked(name, "--name", "give another --name"))


def _flag_files(arguments):
    """Paths of the flag files of a command line, the last one first."""
    found = []
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        flag, equals, value = argument.partition("=")
        if flag in ("--flagfile", "-flagfile"):
            found.append(Path(value if equals else following))
    return found[::-1]


@contextlib.contextmanager
def alone(folder: RunFolder, chosen: Any) -> Iterator[Progress]:
    """Keeps other processes that train under this name away; whatever ends the block early says what comes next.

    Args:
        folder: `RunFolder`.
        chosen: parsed flags.

    Yields:
        `Progress`, which the block is to keep up to date.

    Raises:
        InputError: if the place is occupied or in use, or the disk takes no more; with the command that goes on.
        KeyboardInterrupt: likewise.
    """
    progress = Progress()
    try:
        with interrupts.not_lost(), folder.alone():
            folder.check_free(chosen.resume, chosen.overwrite)
            yield progress
    except KeyboardInterrupt as stop:
        raise type(stop)(f"Stopped; {_next(folder, chosen, progress)}.") from None
    except (OSError, tf.errors.OpError) as error:
        failure = disk.sentence(error)
        if failure is None:
            raise
        raise InputError(f"{failure}; {_next(folder, chosen, progress)}.") from None


def _next(folder, chosen, progress):
    return afterwards.of(folder, chosen.overwrite, progress.replaces, progress.opened)
