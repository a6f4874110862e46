"""The finished run that a command is about."""

from __future__ import annotations

from absl import flags

from train.run.run import Run


def define(with_data: bool = True) -> None:
    """Defines the flags that say which run it is.

    Args:
        with_data: whether the command needs its data, too. Default True.
    """
    flags.DEFINE_string("run", None, "Folder of the run; required.", required=True)
    if with_data:
        flags.DEFINE_string("data_dir", None, "Where the original files are now, if not where the run found them.")


def opened() -> Run:
    """The run that the flags name, with its data.

    Returns:
        `Run`.

    Raises:
        InputError: if it is no run, has no model, or its data cannot be had.
    """
    return Run.open(flags.FLAGS.run, flags.FLAGS.data_dir)
