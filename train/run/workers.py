"""Several devices or machines that train one model: who this process is, and what the chief tells the others."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tf_gmvae import terminal
from tf_gmvae.errors import InputError
from train.run import rendezvous, tf_config

# Values of --strategy.
STRATEGIES = ("auto", "one", "mirrored", "workers")
# Exit status where another worker has gone, and the same command, on all machines, goes on: EX_TEMPFAIL.
AGAIN = 75
# What TensorFlow raises where another worker has gone, and only there.
LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
# Of the words to the others.
GOES_ON, ENDS, FAILS = 0, 1, 2


class Workers:
    """The processes that train together, as one of them sees them.

    Args:
        strategy: `tf.distribute.Strategy`, or None of one device.
        worker: integer, the number of this process; 0 is the chief. Default 0.
        workers: integer, how many processes there are. Default 1.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None, worker: int = 0, workers: int = 1) -> None:
        self.strategy: Any = strategy
        self.worker, self.workers = worker, workers
        self.in_step = False  # whether a training runs, in which the others wait for gradients, not for words

    @property
    def is_chief(self) -> bool:
        """Whether this process starts, writes, scores and speaks."""
        return self.worker == 0

    @property
    def num_replicas(self) -> int:
        """How many parts a batch is shared into."""
        return 1 if self.strategy is None else self.strategy.num_replicas_in_sync

    def check_batch(self, batch_size: int) -> None:
        """Refuses a batch that cannot be shared evenly, and would train otherwise than on one device.

        Args:
            batch_size: integer, examples of a step.

        Raises:
            InputError: if so.
        """
        if batch_size % self.num_replicas:
            raise InputError(
                f"{self.num_replicas} replicas cannot share batches of {batch_size} evenly: give a --batch_size "
                f"that is a multiple of {self.num_replicas}."
            )

    def send(self, content: bytes | None = None, word: int = GOES_ON) -> tuple[int, bytes]:
        """What the chief has to say, which all get. Whoever comes first waits, without work, as long as it takes.

        Args:
            content: bytes, of the chief; None of the others.
            word: integer of the chief, `GOES_ON`, `ENDS` or `FAILS`. Default `GOES_ON`.

        Returns:
            Pair of the word and the bytes.
        """
        content = content or b""
        if self.workers == 1:
            return word, content
        word, length = self.total([word, len(content)] if self.is_chief else [0, 0]).tolist()
        if not length:
            return word, b""
        padded = np.frombuffer(content + bytes(-len(content) % 8), "int64") if self.is_chief else None
        numbers = np.zeros(-(-length // 8), "int64") if padded is None else padded
        return word, self.total(numbers).tobytes()[:length]

    def total(self, numbers: Any) -> np.ndarray:
        """Sums over the workers.

        Args:
            numbers: list or array of whole numbers, as long on all of them.

        Returns:
            int64 array.

        Raises:
            tf.errors.OpError: one of `LOST`, if a worker has gone.
        """
        return interruptible(lambda: self._over_all(tf.constant(numbers, tf.int64)).numpy())

    @functools.cached_property
    def _over_all(self):
        strategy = self.strategy

        def summed(own):
            context = tf.distribute.get_replica_context()
            # A worker of several devices speaks once.
            speaks = context.replica_id_in_sync_group % (self.num_replicas // self.workers) == 0
            return context.all_reduce(tf.distribute.ReduceOp.SUM, own * tf.cast(speaks, own.dtype))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)], autograph=False)
        def over_all(own):
            return strategy.experimental_local_results(strategy.run(summed, args=(own,)))[0]

        return over_all

    def check_all(self, fault: InputError | None) -> None:
        """Whether all can go on.

        Args:
            fault: what keeps this worker from it, or None.

        Raises:
            InputError: `fault`, or, on the others, that there is one.
        """
        failed = 0 if self.workers == 1 else int(self.total([fault is not None])[0])
        if fault is not None:
            raise fault
        if failed:
            raise InputError(
                f"{failed} of {self.workers} workers cannot go on: mend what they say, then start all again."
            )


def interruptible(blocking: Callable[[], Any]) -> Any:
    """Calls what waits within TensorFlow, where Python hears of no signal; SIGTERM and Ctrl-C end the wait.

    Args:
        blocking: function without arguments.

    Returns:
        What it returns.
    """
    results: list[Any] = []
    errors: list[BaseException] = []

    def call():
        try:
            results.append(blocking())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(1.0)
    if errors:
        raise errors[0]
    return results[0]


@contextlib.contextmanager
def joined(name: str) -> Iterator[Workers]:
    """Joins the other workers, or takes the devices of this machine together, as --strategy says.

    It comes before any other work of TensorFlow, and returns when all workers are there. Where one is lost within
    the block, the process ends with status `AGAIN`; where the chief cannot go on, the others end as it does.

    Args:
        name: text, one of `STRATEGIES`.

    Yields:
        `Workers`.

    Raises:
        InputError: if TF_CONFIG is broken, or this process cannot listen at its address.
    """
    place = tf_config.read(os.environ.get(tf_config.NAME)) if name in ("auto", "workers") else None
    if name == "workers" and place is None:
        raise InputError(f"--strategy=workers needs the variable {tf_config.NAME}: set it to {tf_config.FORM}.")
    if name == "mirrored":
        yield _mirrored()
        return
    if place is None or place.workers == 1:
        yield Workers()
        return
    who = "the chief" if place.worker == 0 else "which the chief tells what to do, and which writes nothing"
    terminal.say(f"Worker {place.worker} of {place.workers}, {who}, at {place.address}.")
    together = None
    try:
        together = Workers(_connected(place), place.worker, place.workers)
        yield together
    except InputError:
        if together is not None and together.is_chief and not together.in_step:
            with contextlib.suppress(*LOST):
                together.send(word=FAILS)
        raise
    except LOST:
        lost = "the chief or another worker" if place.worker else "a worker"
        terminal.say(
            ("error: ", "bold red"),
            f"{lost.capitalize()} has gone, or cannot be reached: start all again, with --resume.",
            stream=sys.stderr,
        )
        sys.exit(AGAIN)


def _mirrored():
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) == 1:
        terminal.say(f"There is one device, {devices[0].name}: it trains alone.")
        return Workers()
    return Workers(tf.distribute.MirroredStrategy([device.name for device in devices]))


def _connected(place):
    """The strategy of all workers, once they are there."""
    rendezvous.meet(place)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    finally:
        if threading.current_thread() is threading.main_thread():
            # TensorFlow has put a handler of its own in place of Python's, which would let SIGTERM pass unheard.
            signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
