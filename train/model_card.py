"""What a run has to say in the model card of its export."""

import json
import os
from dataclasses import replace

from train import score_table


def description(settings, folder):
    """Data, scores and settings of a run.

    Args:
        settings: `Settings` of the run.
        folder: `RunFolder`, of which the metrics are read if there are any.

    Returns:
        Markdown.
    """
    # Where the data lay on the machine that trained is nobody's affair who is given the model.
    dataset = os.path.basename(os.path.normpath(settings.dataset))
    shown = replace(settings, dataset=dataset, data_dir=None)
    scores = "The run has not been scored."
    if folder.metrics.is_file():
        scores = f"```\n{score_table.table({**json.loads(folder.metrics.read_text()), 'dataset': dataset})}\n```"
    return (
        f"## Data and scores\n\nTrained without labels on `{dataset}`.\n\n{scores}\n\n"
        f"## Settings\n\n```\n{shown.as_flags()}```\n"
    )
