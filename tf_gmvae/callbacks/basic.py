"""Names of the files beside this one, for imports that were written when they all stood here."""

from tf_gmvae.callbacks.non_finite import FIXED_RATE, LOWER_RATE, StopOnNonFinite, guarded
from tf_gmvae.callbacks.progress import StopWithoutProgress, epochs_without_progress
from tf_gmvae.callbacks.saving import SaveEveryEpoch, save_whole
from tf_gmvae.callbacks.scores import TestPart
from tf_gmvae.callbacks.seconds import StopAfterSeconds, TrainingSeconds

__all__ = [
    "FIXED_RATE",
    "LOWER_RATE",
    "SaveEveryEpoch",
    "StopAfterSeconds",
    "StopOnNonFinite",
    "StopWithoutProgress",
    "TestPart",
    "TrainingSeconds",
    "epochs_without_progress",
    "guarded",
    "save_whole",
]
