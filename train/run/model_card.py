"""What a run has to say in the model card of its export."""

from train.run import score_table
from train.run.folder import RunFolder
from train.run.settings import Settings


def description(settings: Settings, folder: RunFolder) -> str:
    """Data, scores and settings of a run.

    Args:
        settings: `Settings` of the run.
        folder: `RunFolder`; its metrics are read if there are any.

    Returns:
        Markdown.
    """
    shown = settings.shareable
    scores = "The run has not been scored."
    trained = "Trained without labels"
    if guide := folder.read_start().get("guide"):
        trained = f"Trained from a start that {guide['examples']:,} labelled examples guided"
    if metrics := folder.read_metrics():
        scores = f"```\n{score_table.table({**metrics, 'dataset': shown.dataset})}\n```"
    return (
        f"## Data and scores\n\n{trained} on `{shown.dataset}`.\n\n{scores}\n\n"
        f"## Settings\n\n```\n{shown.as_flags()}```\n"
    )
