"""Keras callbacks for training a GMVAE.

- `basic`: stops, clocks, scores, checkpoints.
- `collapse_watch`: says when clusters collapse.
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

__all__ = [
    "CollapseWatch",
    "SaveEveryEpoch",
    "StopAfterSeconds",
    "StopOnNonFinite",
    "StopWithoutProgress",
    "TestPart",
    "TrainingSeconds",
    "save_whole",
]
