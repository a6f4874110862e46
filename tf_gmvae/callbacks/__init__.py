"""Keras callbacks for training a GMVAE.

- `basic`: stops, clocks, scores, checkpoints.
- `collapse_watch`: says when clusters collapse.
- `epoch_lines`: one line an epoch, and the time left.
- `component_pictures`: components and latents in TensorBoard; not imported here, since it draws.
"""

from tf_gmvae.callbacks.basic import (
    SaveEveryEpoch,
    StopAfterSeconds,
    StopOnNonFinite,
    StopWithoutProgress,
    TestPart,
    TrainingSeconds,
    save_whole,
)
from tf_gmvae.callbacks.collapse_watch import CollapseWatch
from tf_gmvae.callbacks.epoch_lines import EpochLines

__all__ = [
    "CollapseWatch",
    "EpochLines",
    "SaveEveryEpoch",
    "StopAfterSeconds",
    "StopOnNonFinite",
    "StopWithoutProgress",
    "TestPart",
    "TrainingSeconds",
    "save_whole",
]
