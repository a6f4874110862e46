"""Latency and throughput of an exported model, beside `model.predict` and Keras' own export, as a Markdown table.

    python benchmarks/serving.py --model runs/mnist/model.keras --seconds 60

Without `--model`, the MNIST preset with untrained weights. All ask for the posterior of float32 images. The ways
take turns, call by call, so that other work on the machine meets them alike; compare medians.
"""

import argparse
import statistics
import tempfile
import time

import numpy as np

import tf_gmvae  # before TensorFlow's first operation: it chooses the CPU kernels

import keras  # isort: skip
import tensorflow as tf  # isort: skip

SIZES = {1: 0.5, 256: 0.5}  # batch size: its share of the seconds


def session_of(version):
    """The exported signature run by a session, which is what TensorFlow Serving runs."""
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], str(version))
        signature = meta_graph.signature_def["cluster"]
        names = signature.outputs["posterior"].name, signature.inputs["examples"].name
        fetched, fed = (session.graph.get_tensor_by_name(name) for name in names)
        return session.make_callable(fetched, [fed])


def ways(model, folder):
    """The ways to ask, {name: function of a batch}."""
    version = tf_gmvae.export(model, f"{folder}/ours")
    signature = tf.saved_model.load(str(version)).signatures["cluster"]
    model.export(f"{folder}/keras", verbose=False)
    plain = tf.saved_model.load(f"{folder}/keras")
    return {
        "export, in a session": session_of(version),
        "export, in Python": lambda images: signature(examples=tf.constant(images))["posterior"].numpy(),
        "Keras' `model.export`": lambda images: plain.serve(tf.constant(images)).numpy(),
        "`model.predict`": lambda images: model.predict(images, batch_size=len(images), verbose=0),
    }


def measure(functions, images, seconds):
    """Milliseconds of every call, {name: list}, after two rounds that trace and warm up."""
    durations = {name: [] for name in functions}
    for _ in range(2):
        expected = [function(images) for function in functions.values()]
    for other in expected[1:]:
        np.testing.assert_allclose(other, expected[0], atol=1e-4)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, function in functions.items():
            begin = time.perf_counter()
            function(images)
            durations[name].append(1e3 * (time.perf_counter() - begin))
    return durations


def main():
    """Measures and prints."""
    flags = argparse.ArgumentParser()
    flags.add_argument("--model", help="a .keras file; without it, the untrained MNIST preset")
    flags.add_argument("--seconds", type=float, default=60)
    flags = flags.parse_args()
    model = keras.saving.load_model(flags.model) if flags.model else tf_gmvae.GMVAE.from_preset("mnist", seed=0)
    model.compile()
    examples = model.generate(max(SIZES), seed=0)
    with tempfile.TemporaryDirectory() as folder:
        functions = ways(model, folder)
        found = {size: measure(functions, examples[:size], share * flags.seconds) for size, share in SIZES.items()}
    print(
        "| | batch 1, p50 ms | p99 ms | of `predict`'s p50 | batch 256, examples/s |\n"
        "| --- | --- | --- | --- | --- |"
    )
    whole = statistics.median(found[1]["`model.predict`"])
    for name in functions:
        single, many = found[1][name], statistics.median(found[256][name])
        p50, p99 = statistics.median(single), np.percentile(single, 99)
        print(f"| {name} | {p50:.2f} | {p99:.2f} | {p50 / whole:.2f} | {256e3 / many:,.0f} |")


if __name__ == "__main__":
    main()
