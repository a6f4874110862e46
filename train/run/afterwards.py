"""What becomes of a run that ends before its time, in words."""

from __future__ import annotations

from train.run.folder import RunFolder


def of(folder: RunFolder, overwrite: bool, replaces: bool, opened: bool) -> str:
    """What the next command finds, and which that is.

    Args:
        folder: `RunFolder` of the run.
        overwrite: whether the command was to replace the run that was there.
        replaces: whether that one is still in its place.
        opened: whether the new run has had the folder.

    Returns:
        Text without a full stop.
    """
    if replaces:
        return f"the run in {folder.path} is as it was, and the same command begins the new one again"
    resume = "--resume in place of --overwrite" if overwrite else "--resume"
    if not folder.flags.is_file():
        gone = f"the run in {folder.path} is gone: move it back to that place, and {resume} goes on with it"
        return gone if opened else "the same command begins again, as nothing was written"
    if folder.is_within_epoch:
        return f"{resume} goes on at the step that was saved last"
    if folder.history.is_file() and folder.history.stat().st_size and folder.model.is_file():
        return f"{resume} goes on after the last finished epoch"
    if folder.model.is_file():
        return f"{resume} goes on after the start"
    begun = any(
        path.suffix in (".npz", ".npy", ".h5") for path in folder.start_checkpoints.glob("[!.]*")
    )  # .h5 until 0.2.0
    return f"{resume} {'goes on with the start' if begun else 'begins the run again'}"
