"""A Keras callback that saves the model after every epoch."""

from pathlib import Path

import keras

from tf_gmvae import disk


class SaveEveryEpoch(keras.callbacks.Callback):
    """Saves the whole model, optimizer and noise state included, after every epoch, see `save_whole`.

    Args:
        path: path of the `.keras` file.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self.path = Path(path)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Saves the model."""
        save_whole(self.model, self.path)


def save_whole(model: keras.Model, path: str | Path) -> None:
    """Saves a model so that no reader, and no kill, ever finds half a file.

    Args:
        model: Keras model.
        path: path of the `.keras` file.
    """
    with disk.whole(path) as partial:
        model.save(partial)
