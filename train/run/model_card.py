"""What a run has to say in the model card of its export."""

from train.run import score_table


def description(settings, folder):
    """Data, scores and settings of a run.

    Args:
        settings: `Settings` of the run.
        folder: `RunFolder`, of which the metrics are read if there are any.

    Returns:
        Markdown.
    """
    shown = settings.shareable
    scores = "The run has not been scored."
    if metrics := folder.read_metrics():
        scores = f"```\n{score_table.table({**metrics, 'dataset': shown.dataset})}\n```"
    return (
        f"## Data and scores\n\nTrained without labels on `{shown.dataset}`.\n\n{scores}\n\n"
        f"## Settings\n\n```\n{shown.as_flags()}```\n"
    )
