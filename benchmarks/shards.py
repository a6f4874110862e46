"""Images per second of training from shards, beside the same images in memory, in turn in one process.

python benchmarks/shards.py --shards=shards [--steps=500] [--pairs=5]
"""

import argparse
import statistics
import time

import numpy as np

from tf_gmvae import GMVAE
from tf_gmvae.data import Split, load, to_batches

BATCH = 100


def main():
    """Prints them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", required=True, help="folder of 28x28 images")
    parser.add_argument("--in_memory", type=int, default=1_000_000, help="how many of them are held as well")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--pairs", type=int, default=5)
    options = parser.parse_args()
    train = load(options.shards).train
    held = train.take(np.arange(min(options.in_memory, train.num_examples)))
    model = GMVAE.from_preset("mnist", num_components=10, seed=0)
    model.compile()

    def seconds(split):
        batches = to_batches(split, BATCH, shuffle_seed=0, num_epochs=None, drop_remainder=True)
        model.fit(batches.take(20), verbose=0)  # threads are started, a shuffle is filled
        marks = [time.perf_counter()]
        # Ten parts, of which the first pays for the start of the pipeline.
        model.fit(batches, steps_per_epoch=options.steps // 10, epochs=10, verbose=0, callbacks=[clock(marks)])
        parts = np.diff(marks)[1:]
        return float(parts.sum() / (len(parts) * (options.steps // 10) * BATCH))

    pairs = [(seconds(Split(held.examples)), seconds(train)) for _ in range(options.pairs)]
    memory, shards = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    print(f"in memory {1 / memory:,.0f} images/s, from shards {1 / shards:,.0f}, ratio of pairs {ratio:.3f}")


def clock(marks):
    """A callback that notes when epochs end."""
    import keras

    return keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: marks.append(time.perf_counter()))


if __name__ == "__main__":
    main()
