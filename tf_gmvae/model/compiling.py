"""How a GMVAE is compiled."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tf_gmvae.errors import InputError
from tf_gmvae.model import replicas, traced
from tf_gmvae.optimizer import FusedAdam


class Compiling(replicas.KeepsOrder):
    """The method `compile` of `GMVAE`."""

    def compile(
        self,
        optimizer: keras.Optimizer | str | None = None,
        loss: None = None,
        *,
        jit_compile: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        """Prepares the model for `fit`; what it answers is from now on by its networks as they are then.

        So it is called again after they have changed, as by `enable_lora` or `quantize` of their layers.

        Args:
            optimizer: Keras optimizer; None is the paper's, Adam at 1e-4 with epsilon 1e-8.
            loss: None.
            jit_compile: whether XLA compiles the step. "auto" does so where there is a GPU: on CPUs XLA's
                convolutions are slower than TensorFlow's own. Default "auto".
            **kwargs: of `keras.Model.compile`.

        Raises:
            InputError: on a loss or metrics, which would never be computed: the objective is the model's own; on
                `steps_per_execution` that is no integer >= 1.
        """
        given = {"loss": loss, **kwargs}
        refused = [name for name in ("loss", "loss_weights", "metrics", "weighted_metrics") if given.get(name)]
        if refused:
            raise InputError(f"GMVAE computes its own loss and metrics: call compile without {refused[0]}.")
        optimizer = FusedAdam(1e-4, epsilon=1e-8) if optimizer is None else optimizer
        replicas.check_steps(self, optimizer, kwargs.get("steps_per_execution"))
        self.is_jit_automatic = jit_compile == "auto"
        if self.is_jit_automatic:
            jit_compile = bool(tf.config.list_physical_devices("GPU")) and not kwargs.get("run_eagerly")
        super().compile(optimizer, jit_compile=jit_compile, **kwargs)
        traced.drop(self)
        self.last_arrays = None
        self._build_optimizer()

    def _build_optimizer(self):
        """Variables that come into being while TensorFlow traces the step: it traces twice, and replicas fail."""
        if self.built and self.compiled and not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)

    def compute_loss(self, *args: Any, **kwargs: Any) -> None:
        """Refused: the loss of a GMVAE is not of targets and predictions. See `training_loss`."""
        raise InputError("GMVAE never calls compute_loss: its objective is training_loss(data, training).")

    def _check_hooks(self):
        """A subclass whose `compute_loss` none of its steps calls gets that sentence, too."""
        if type(self).compute_loss is not Compiling.compute_loss:
            Compiling.compute_loss(self)

    def _own_loss(self, data, training):
        """What `training_loss`, perhaps of a subclass, returns."""
        loss, found = self.training_loss(data, training)
        if not (isinstance(found, tuple) and len(found) == 2):
            raise InputError(
                f"training_loss of {type(self).__name__} must return its loss, and beside it what that of GMVAE "
                "returns: loss, found = super().training_loss(data, training); return loss + own, found."
            )
        return loss, found
