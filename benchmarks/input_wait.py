"""How long training waits: for its first step, and in every step for its batch; one JSON line.

python benchmarks/input_wait.py --dataset svhn --data_dir path/to/svhn
"""

import argparse
import json
import time

import tf_gmvae  # before TensorFlow's first operation: it chooses the CPU kernels

import tensorflow as tf  # isort: skip
from train_step import endless_batches  # isort: skip


def main():
    """Measures and prints."""
    flags = argparse.ArgumentParser()
    flags.add_argument("--dataset", default="mnist")
    flags.add_argument("--data_dir")
    flags.add_argument("--batch_size", type=int, default=100)
    flags.add_argument("--steps", type=int, default=50)
    flags = flags.parse_args()
    start = time.perf_counter()
    train = tf_gmvae.data.load(flags.dataset, flags.data_dir, seed=0).train
    loading = time.perf_counter() - start
    model = tf_gmvae.GMVAE.from_preset(
        tf_gmvae.presets.for_shape(train.data_shape).name, data_shape=train.data_shape, seed=0
    )
    model.compile()
    step = tf.function(lambda batch: model.train_step(batch)["loss"], reduce_retracing=True)
    batches = iter(endless_batches(train, flags.batch_size))
    start = time.perf_counter()
    step(next(batches)).numpy()
    first = time.perf_counter() - start
    for _ in range(3):
        step(next(batches)).numpy()
    waited, begin = 0.0, time.perf_counter()
    for _ in range(flags.steps):
        start = time.perf_counter()
        batch = next(batches)
        waited += time.perf_counter() - start
        step(batch).numpy()
    total = time.perf_counter() - begin
    print(
        json.dumps(
            {
                "dataset": flags.dataset,
                "examples": train.num_examples,
                "data_shape": train.data_shape,
                "batch_size": flags.batch_size,
                "load_s": round(loading, 2),
                "first_step_s": round(first, 2),
                "ms_per_step": round(1e3 * total / flags.steps, 2),
                "ms_waiting": round(1e3 * waited / flags.steps, 3),
                "waiting": f"{waited / total:.2%}",
            }
        )
    )


if __name__ == "__main__":
    main()
