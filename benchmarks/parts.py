"""Milliseconds of one training step by part, with the MNIST preset, as a Markdown table.

    python benchmarks/parts.py --num_components 10 --num_samples 1 --batch_size 100

Each part runs alone, forwards and backwards, as one compiled function; `step` is the whole step, and the rest
is sampling, likelihood, metrics and what running together gains. The floor is the time of the matrix products and
direct convolutions (Fourier transforms need fewer) at this machine's matrix-product rate.
"""

import statistics
import time

from tf_gmvae.model import compiled  # before TensorFlow's first operation: it chooses the CPU kernels

import keras  # isort: skip
import tensorflow as tf  # isort: skip
from train_step import endless_batches, gflop, matmul_gflops, mnist_model, random_split, setting_flags  # isort: skip


def milliseconds(function, repetitions):
    """Median milliseconds of a call, after two that trace and warm up."""
    durations = []
    for _ in range(repetitions + 2):
        start = time.perf_counter()
        function()
        durations.append(time.perf_counter() - start)
    return 1e3 * statistics.median(durations[2:])


def there_and_back(function, inputs, weights):
    """A compiled function of no arguments: the outputs of a part and all their gradients."""

    @tf.function
    def compiled():
        tensors = keras.tree.flatten(inputs)
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            outputs = keras.tree.flatten(function(*inputs))
        gradients = tape.gradient(outputs, [*tensors, *weights], [tf.ones_like(output) for output in outputs])
        # Scalars come back, and nothing is pruned.
        return [tf.reduce_max(tensor) for tensor in (*outputs, *gradients)]

    return compiled


def parts(model, examples):
    """Functions of no arguments by the name of the part."""
    shape = (model.num_samples, len(examples))
    examples = model.examples(examples)  # on the scale of the networks, and floats, which have gradients
    encoding = model.encode(examples)
    x = tf.random.normal((*shape, model.latent_dim))
    w = tf.random.normal((*shape, model.style_dim))
    means, log_vars = (tf.stop_gradient(stream) for stream in model.mixture_prior(w))
    latents = (tf.random.normal(shape), x, tuple(encoding[:2]), tuple(encoding[2:]), means, log_vars)
    heads = model.x_head.trainable_weights + model.w_head.trainable_weights
    gradients = [tf.ones_like(weight) * 1e-3 for weight in model.trainable_weights]
    return {
        "encoder": there_and_back(
            lambda batch: model.encode(batch, training=True), [examples], model.encoder.trainable_weights + heads
        ),
        "decoder": there_and_back(
            lambda latent: model.decode(latent, training=True), [x], model.decoder.trainable_weights
        ),
        "prior head": there_and_back(model.mixture_prior, [w], model.prior_head.trainable_weights),
        "latent terms": there_and_back(compiled.elbo_terms, latents, []),
        "optimizer": tf.function(lambda: model.optimizer.apply(gradients, model.trainable_weights)),
    }


def main():
    """Measures and prints."""
    flags = setting_flags()
    flags.add_argument("--repetitions", type=int, default=20)
    flags = flags.parse_args()
    model = mnist_model(flags)
    batches = endless_batches(random_split(), flags.batch_size)
    examples = next(iter(batches))
    step = tf.function(lambda batch: model.train_step(batch)["loss"])
    whole = milliseconds(lambda: step(examples), flags.repetitions)
    waiting = iter(batches)
    rows = {name: milliseconds(part, flags.repetitions) for name, part in parts(model, examples).items()}
    rows["input"] = milliseconds(lambda: next(waiting), flags.repetitions)
    floor = 1e3 * gflop(model, flags.batch_size) / matmul_gflops()
    print(f"K = {flags.num_components}, M = {flags.num_samples}, batch {flags.batch_size}\n")
    print("| part | ms | of the step |\n| --- | --- | --- |")
    for name, value in {**rows, "the rest": whole - sum(rows.values()), "step": whole, "floor": floor}.items():
        print(f"| {name} | {value:.1f} | {value / whole:.0%} |")


if __name__ == "__main__":
    main()
