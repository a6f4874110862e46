"""Keras callbacks for training a GMVAE.

- `non_finite`: stops where a loss is not finite.
- `seconds`: counts them, and stops after so many.
- `progress`: stops where the ELBO no longer rises, at the best epoch.
- `scores`: of a part that is not trained on.
- `saving`: the model after every epoch; `within_epochs`: within them.
- `collapse_watch`: says when clusters collapse.
- `epoch_lines`: one line an epoch, and the time left.
- `component_pictures`: components and latents in TensorBoard; not imported here, since it draws.
"""

from tf_gmvae.callbacks.collapse_watch import CollapseWatch
from tf_gmvae.callbacks.epoch_lines import EpochLines
from tf_gmvae.callbacks.non_finite import StopOnNonFinite
from tf_gmvae.callbacks.progress import StopWithoutProgress
from tf_gmvae.callbacks.saving import SaveEveryEpoch, save_whole
from tf_gmvae.callbacks.scores import TestPart
from tf_gmvae.callbacks.seconds import StopAfterSeconds, TrainingSeconds

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
