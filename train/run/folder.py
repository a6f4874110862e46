"""The folder of a run, runs/<name>/; the files in it are in `files`.

A run that replaces another grows in runs/.<name>.new/ beside it, until its first epoch is saved.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tf_gmvae import disk
from tf_gmvae.errors import InputError
from train.run import lock
from train.run.files import RunFiles
from train.run.record import Record
from train.run.settings import Settings


class RunFolder(RunFiles):
    """The folder of one run: who may write into it, and how one run takes the place of another.

    Args:
        path: path of the folder.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        # Of a replacement: where the new run grows, and where the old one goes while they change places.
        place = Path(os.path.abspath(self.path))
        self._new, self._old = (place.parent / f".{place.name}.{age}" for age in ("new", "old"))

    @property
    def is_taken(self) -> bool:
        """Whether there is something in the folder that a kill in the first moments does not leave."""
        return self.path.is_dir() and not disk.is_empty(self.path)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps every other process that trains under this name away, as long as the block or this process lasts.

        Raises:
            InputError: if there is one, or nothing can be written beside the folder.
        """
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(lock.held(self.path))
            except OSError as error:
                raise self._unwritable(error) from None
            yield

    def check_free(self, resume: bool = False, overwrite: bool = False) -> None:
        """Refuses, before any work, a folder that holds something the user has not said to keep or drop.

        Args:
            resume: whether the run that is there shall go on.
            overwrite: whether it shall be replaced.

        Raises:
            InputError: if both are said, the place is occupied, or it holds something other than a run.
        """
        if resume and overwrite:
            raise InputError("--resume keeps a run and --overwrite drops it: give one of them.")
        try:
            self._end_exchange()
            if self.path.is_symlink() and not self.path.exists():
                raise InputError(f"{self.path} is a link that leads nowhere: remove it, or give another --name.")
            if self.path.exists() and not self.path.is_dir():
                raise InputError(f"{self.path} is a file, not a folder: give another --name or --runs_dir.")
            if not self.is_taken:
                return
            if not (resume or overwrite):
                raise InputError(
                    f"{self.path} is not empty: pass --resume to go on with that run, --overwrite to replace it, "
                    "or another --name."
                )
            if not self.flags.is_file():
                raise InputError(f"{self.path} holds something other than a run: give another --name.")
            if overwrite and self.path.is_symlink():
                raise InputError(
                    f"{self.path} is a link, which --overwrite does not replace: remove the link, or give another "
                    "--name."
                )
        except OSError as error:
            raise self._unwritable(error) from None

    def open(self, settings: Record, resume: bool = False) -> None:
        """Makes the folder ready for a run: new, or as the run that goes on left it.

        Args:
            settings: resolved `Settings`, or another `Record`; stored in the folder.
            resume: whether the run that is there goes on.

        Raises:
            InputError: if the place is occupied, cannot be written, or its run began with other settings.
        """
        self.check_free(resume)
        try:
            self._sweep()
            if resume and self.flags.is_file():
                settings.check_same(type(settings).read(self.flags))
            self.path.mkdir(parents=True, exist_ok=True)
            self._sweep_halves()
            self.write_whole(self.flags, settings.as_flags())
        except OSError as error:
            raise self._unwritable(error) from None

    @contextlib.contextmanager
    def replacement(self, settings: Record) -> Iterator[RunFolder]:
        """A hidden folder beside this one, whose run takes the place of the one that is here when the block ends.

        If the block fails, the new run is removed and the old one has not been touched. If the process is killed,
        the next command that trains under this name does that.

        Args:
            settings: resolved `Settings`, or another `Record`, of the new run.

        Yields:
            `RunFolder`, opened.

        Raises:
            InputError: if it cannot be written.
        """
        self.check_free(overwrite=True)
        try:
            self._sweep()
        except OSError as error:
            raise self._unwritable(error) from None
        new = RunFolder(self._new)
        try:
            new.open(settings)
            yield new
            self.path.rename(self._old)
            self._end_exchange()
        finally:
            self._sweep()

    def _end_exchange(self):
        """Ends what a kill between the two renames of a replacement has left half done."""
        if self._old.exists() and not self.path.exists():
            (self._new if self._new.exists() else self._old).rename(self.path)

    def _sweep(self):
        """Removes what a replacement has left over."""
        self._end_exchange()
        for left in (self._new, self._old):
            shutil.rmtree(left, ignore_errors=True)

    def _sweep_halves(self):
        """Removes what killed runs of earlier versions have left half written; `disk.whole` knows those of now."""
        for path in vars(self).values():
            if path.parent == self.path:
                with contextlib.suppress(OSError):
                    path.with_name(f"{path.stem}.partial{path.suffix}").unlink()

    def _unwritable(self, error):
        told = disk.sentence(error, self.path)
        fault = f"{self.path} cannot be written ({error.strerror}):" if told is None else f"{told}, or"
        return InputError(f"{fault} give another --runs_dir.")

    def read_settings(self) -> Settings:
        """The settings of the run.

        Returns:
            `Settings`.

        Raises:
            InputError: if the folder is no run, or they cannot be read.
        """
        self._end_exchange()
        return Settings.read(self.flags)

    def check_writable(self) -> None:
        """Finds out, before any work, whether files can be written in the folder.

        Raises:
            InputError: if not.
        """
        try:
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be written ({error.strerror}): copy it to a place that can, and give the "
                "copy as --run."
            ) from None
