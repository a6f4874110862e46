"""Speed of `model.fit` and `model.predict` with the MNIST preset, as one JSON line.

    python benchmarks/train_step.py --num_components 10 --num_samples 1 --batch_size 100 --seconds 20

The images are MNIST's, given the folder of its files as `--mnist`, or as many of random uint8. They take the whole
way from `tf_gmvae.data` through `model.fit`. Other flags, and the keys, are those of the PyTorch yardstick which
`compare.py` runs too. Two more keys: the median, and `floor_ms`, what the matrix products and direct
convolutions of a step take at the measured rate.
"""

import argparse
import json
import resource
import statistics
import time

import numpy as np

import tf_gmvae  # before TensorFlow's first operation: it chooses the CPU kernels

import keras  # isort: skip
import tensorflow as tf  # isort: skip


class Timer(keras.callbacks.Callback):
    """Times steps after the first few, which trace and warm up, and stops when the seconds are over."""

    def __init__(self, seconds, warm_up=3):
        super().__init__()
        self.seconds, self.warm_up, self.ends = seconds, warm_up, []

    def on_train_batch_end(self, batch, logs=None):
        """Notes the end of a step."""
        if batch >= self.warm_up - 1:
            self.ends.append(time.perf_counter())
            if self.ends[-1] - self.ends[0] > self.seconds:
                self.model.stop_training = True

    def step_seconds(self):
        """Seconds of every timed step."""
        return np.diff(self.ends).tolist()


def train_seconds(model, batches, seconds):
    """Seconds of each training step."""
    timer = Timer(seconds)
    model.fit(batches, steps_per_epoch=10**9, epochs=1, verbose=0, callbacks=[timer])
    return timer.step_seconds()


def predict_seconds(model, images, batch_size, seconds):
    """Seconds a batch of `model.predict` on 20 batches at a time, without the call's own start."""
    images = images[: 20 * batch_size].astype("float32") / 255.0
    durations = []
    model.predict(images, batch_size=batch_size, verbose=0)
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        begin = time.perf_counter()
        model.predict(images, batch_size=batch_size, verbose=0)
        durations.append((time.perf_counter() - begin) / 20)
    return durations


def matmul_gflops(size=2048, times=10):
    """Float32 matrix-product rate of this machine: the ceiling."""
    matrix = tf.random.normal((size, size))
    product = tf.function(lambda: tf.matmul(matrix, matrix))
    for _ in range(3):
        product()
    start = time.perf_counter()
    for _ in range(times):
        product().numpy()
    return 2 * size**3 * times / (time.perf_counter() - start) / 1e9


def positions(layer):
    """Places at which a layer applies its kernel to one example."""
    if isinstance(layer, keras.layers.Conv2DTranspose):
        return np.prod(layer.input.shape[1:3])
    return np.prod(layer.output.shape[1:3]) if isinstance(layer, keras.layers.Conv2D) else 1


def gflop(model, batch_size):
    """GFLOP of the matrix products and direct convolutions of a step: one pass forwards, two backwards."""
    dense = [layer.kernel for layer in (model.x_head.streams, model.w_head.streams)]
    many = [
        layer.kernel for layer in (*model.prior_head.hidden, model.prior_head.means, model.prior_head.log_vars)
    ]
    networks = [
        sum(np.prod(layer.kernel.shape) * positions(layer) for layer in network.layers if hasattr(layer, "kernel"))
        for network in (model.encoder, model.decoder)
    ]
    single, sampled = (
        network + sum(np.prod(kernel.shape) for kernel in kernels)
        for network, kernels in zip(networks, (dense, many), strict=True)
    )
    return 3 * 2 * (single + model.num_samples * sampled) * batch_size / 1e9


def setting_flags():
    """A parser of the flags that choose the model and the batch."""
    flags = argparse.ArgumentParser()
    flags.add_argument("--num_components", type=int, default=10)
    flags.add_argument("--num_samples", type=int, default=1)
    flags.add_argument("--batch_size", type=int, default=100)
    return flags


def mnist_model(flags):
    """The compiled model of these flags."""
    model = tf_gmvae.GMVAE.from_preset(
        "mnist", num_components=flags.num_components, num_samples=flags.num_samples, seed=0
    )
    model.compile()
    return model


def random_split():
    """As many random images as MNIST has for training."""
    return tf_gmvae.data.Split(np.random.default_rng(0).integers(0, 256, (60_000, 28, 28, 1), dtype=np.uint8))


def endless_batches(split, batch_size):
    """Shuffled batches, all of one size, without an end."""
    return tf_gmvae.data.to_batches(split, batch_size, shuffle_seed=0, num_epochs=None, drop_remainder=True)


def main():
    """Measures and prints."""
    flags = setting_flags()
    flags.add_argument("--seconds", type=float, default=20)
    flags.add_argument("--mode", choices=["train", "predict"], default="train")
    flags.add_argument("--mnist", help="folder of MNIST's original files; without it, random images")
    flags = flags.parse_args()
    split = tf_gmvae.data.load("mnist", flags.mnist).train if flags.mnist else random_split()
    model = mnist_model(flags)
    if flags.mode == "train":
        durations = train_seconds(model, endless_batches(split, flags.batch_size), flags.seconds)
    else:
        durations = predict_seconds(model, split.examples, flags.batch_size, flags.seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    mean = statistics.fmean(durations)
    rate = matmul_gflops()
    floor = 1e3 * gflop(model, flags.batch_size) / rate if flags.mode == "train" else None
    print(
        json.dumps(
            {
                "peer": f"tf-gmvae {tf_gmvae.__version__}, tensorflow {tf.__version__}",
                "mode": flags.mode,
                "num_components": flags.num_components,
                "num_samples": flags.num_samples,
                "batch_size": flags.batch_size,
                "images_per_s": round(flags.batch_size / mean, 1),
                "ms_per_step": round(1e3 * mean, 2),
                "ms_per_step_median": round(1e3 * statistics.median(durations), 2),
                "peak_rss_mib": peak,
                "matmul_gflops": round(rate, 1),
                "floor_ms": floor and round(floor, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
