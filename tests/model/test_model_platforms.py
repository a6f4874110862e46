"""The same model under XLA, mixed precision, several replicas, and from file to file."""

import json
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import run_warm

import tf_gmvae
from tf_gmvae.model import replicas
from tf_gmvae.priors import MixturePrior

# In a process of its own: where a hundred models have been traced before, XLA takes a minute instead of seconds.
XLA = textwrap.dedent("""
    import json, sys
    import keras, numpy as np
    import tf_gmvae

    table = np.load(sys.argv[2])
    plain, compiled = (keras.saving.load_model(sys.argv[1]) for _ in range(2))
    compiled.compile(keras.optimizers.Adam(1e-3), jit_compile=True)
    assert compiled.jit_compile and not plain.jit_compile
    result = {
        name: {
            "posterior": model.predict(table, batch_size=200, verbose=0).tolist(),
            "terms": model.evaluate(table, batch_size=200, verbose=0, return_dict=True),
        }
        for name, model in (("plain", plain), ("compiled", compiled))
    }
    result["elbo"] = compiled.fit(table, epochs=3, batch_size=50, verbose=0).history["elbo"]
    json.dump(result, open(sys.argv[3], "w"))
""")


@pytest.mark.slow  # the terms and their gradients under XLA alone are in test_fast_path.py
def test_xla_gives_the_same_posterior_and_terms(make_table_model, table, tmp_path):
    make_table_model(num_samples=20).save(tmp_path / "model.keras")
    np.save(tmp_path / "table.npy", table)
    process = run_warm("-c", XLA, *(tmp_path / name for name in ("model.keras", "table.npy", "result.json")))
    assert process.returncode == 0, process.stderr[-3000:]
    result = json.loads((tmp_path / "result.json").read_text())
    plain, compiled = result["plain"], result["compiled"]
    np.testing.assert_allclose(compiled["posterior"], plain["posterior"], rtol=1e-3, atol=1e-6)
    # XLA draws other noise from the same seed, so its terms agree as estimates do.
    np.testing.assert_allclose(compiled["terms"]["w_prior"], plain["terms"]["w_prior"], rtol=1e-4)
    np.testing.assert_allclose(compiled["terms"]["elbo"], plain["terms"]["elbo"], rtol=0.05)
    assert result["elbo"][-1] > result["elbo"][0]


@pytest.mark.slow
def test_xla_compiles_a_preset(digits):
    model = tf_gmvae.GMVAE.from_preset("digits", num_components=3, seed=0)
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=True)
    assert model.jit_compile
    history = model.fit(digits[0], epochs=2, batch_size=100, verbose=0).history
    assert history["elbo"][1] > history["elbo"][0]


def test_cpu_trainings_are_not_compiled_unasked(make_table_model):
    assert not make_table_model().jit_compile


def test_each_machine_decides_by_itself_whether_it_compiles(make_table_model, tmp_path, monkeypatch):
    gpus = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: gpus)
    model = make_table_model()
    for case, of_gpu in enumerate((["GPU:0"], [])):
        gpus[:] = of_gpu
        model.compile()
        assert model.jit_compile == bool(of_gpu)
        model.save(tmp_path / f"{case}.keras")
        gpus[:] = [] if of_gpu else ["GPU:0"]
        assert keras.saving.load_model(tmp_path / f"{case}.keras").jit_compile != model.jit_compile
    for asked in (True, False):  # what was asked for stays
        model.compile(jit_compile=asked)
        model.save(tmp_path / "asked.keras")
        assert keras.saving.load_model(tmp_path / "asked.keras").jit_compile == asked
    gpus[:] = ["GPU:0"]
    model.compile(run_eagerly=True)
    assert model.run_eagerly and not model.jit_compile


@pytest.fixture
def mixed_precision(request):
    keras.mixed_precision.set_global_policy(request.param)
    yield request.param
    keras.mixed_precision.set_global_policy("float32")


@pytest.mark.parametrize(
    "mixed_precision",
    ["mixed_float16", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)],  # the first scales its loss too
    indirect=True,
)
def test_mixed_precision_keeps_the_terms_in_float32(mixed_precision, digits, tmp_path):
    images = digits[0]
    model = tf_gmvae.GMVAE.from_preset("digits", num_components=3, seed=0)
    assert model.encoder.layers[1].compute_dtype == mixed_precision.removeprefix("mixed_")
    full = keras.mixed_precision.dtype_policy().name
    assert full == mixed_precision
    model.compile(keras.optimizers.Adam(1e-3))
    terms = model.elbo_terms(model.examples(images))
    assert {term.dtype for term in terms} == {tf.float32}
    history = model.fit(images, epochs=3, batch_size=100, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert history["elbo"][-1] > history["elbo"][0]
    assert all(weight.dtype == "float32" for weight in model.trainable_weights)
    model.save(tmp_path / "model.keras")
    keras.mixed_precision.set_global_policy("float32")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    posterior = model.predict(images, verbose=0)
    assert posterior.dtype == np.float32
    assert loaded.x_head.streams.compute_dtype == mixed_precision.removeprefix("mixed_")  # as the networks
    np.testing.assert_allclose(loaded.predict(images, verbose=0), posterior, atol=1e-6)


def test_the_precision_of_a_model_is_its_own_wherever_it_is_loaded(make_table_model, table, tmp_path):
    model = make_table_model(style_prior=MixturePrior(2))
    model.save(tmp_path / "model.keras")
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        loaded = keras.saving.load_model(tmp_path / "model.keras")
    finally:
        keras.mixed_precision.set_global_policy("float32")
    for levels in zip(loaded.predict_levels(table), model.predict_levels(table), strict=True):
        np.testing.assert_array_equal(*levels)
    asked = make_table_model(dtype="mixed_float16", style_prior=MixturePrior(2))
    heads = (asked.x_head, asked.w_head, asked.prior_head, *asked.style_heads, asked.style_prior.prior_head)
    assert {head.compute_dtype for head in heads} == {"float16"}


def test_mixed_precision_sees_the_examples_in_full_precision(make_table_model):
    # 1.0009765625 + 2**-20 is not a float16: the likelihood must get it unrounded.
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = make_table_model()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    value = np.full((1, 6), 1.0009765625 + 2.0**-20, "float32")
    np.testing.assert_array_equal(model.examples(value), value)
    seen = []
    model.likelihood.log_prob = lambda examples, params: seen.append(examples) or tf.zeros((2, 1))
    model.elbo_terms(model.examples(value))
    np.testing.assert_array_equal(seen[0], value)


REPLICAS = textwrap.dedent("""
    import json, sys
    import keras, numpy as np, tensorflow as tf
    import tf_gmvae
    from layers import FusedBatchNormalization
    from tf_gmvae.model import compiled

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    examples = np.random.default_rng(0).random((103, 6)).astype("float32")

    def made():
        def dense(units, seed, **kwargs):
            return keras.layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(seed), **kwargs)
        penalty = keras.regularizers.L2(0.1)
        normalisation = FusedBatchNormalization(momentum=0.9)
        encoder = keras.Sequential([keras.Input((6,)), dense(64, 1, activation="relu"), normalisation])
        decoder = keras.Sequential([keras.Input((4,)), dense(64, 2, kernel_regularizer=penalty), dense(6, 3)])
        model = tf_gmvae.GMVAE(encoder, decoder, latent_dim=4, style_dim=3, num_components=5, prior_units=(64,),
                               num_samples=2, seed=1)
        # Replicas draw noise of another shape than one device; without variance the noise is nothing.
        for head in (model.x_head, model.w_head):
            kernel, bias = head.streams.get_weights()
            kernel[:, head.dim:], bias[head.dim:] = 0, -40
            head.streams.set_weights([kernel, bias])
        # Overlapping components, so that the z-prior term lies between 0 and log K.
        model.prior_head.means.bias.assign(np.random.default_rng(1).normal(0, 1, 20))
        model.compile(keras.optimizers.SGD(1e-3))
        return model

    models = {}  # their steps are compiled once for all constraints

    def run(strategy, min_information):
        key = strategy, compiled.WORTHWHILE
        if key not in models:
            with strategy.scope():
                model = made()
            variables = [*model.variables, *model.optimizer.variables]  # with the state of the noise
            models[key] = model, [(variable, variable.numpy()) for variable in variables]
        model, beginning = models[key]
        for variable, value in beginning:
            variable.assign(value)
        model.min_information = min_information
        # 103 examples in batches of 50: the last batch of 3 gives one replica two and the other one.
        batches = tf.data.Dataset.from_tensor_slices(examples).batch(50)
        # Shuffled by one seed, each time in another order: a batch that is taken beforehand would change it.
        shuffled = tf.data.Dataset.from_tensor_slices(examples).shuffle(103, seed=1).batch(50)
        history = model.fit(shuffled, epochs=2, verbose=0).history
        return {
            "history": history,
            "weights": [weight.tolist() for weight in model.get_weights()],
            "evaluate": model.evaluate(batches, verbose=0),
            "predict": model.predict(batches, verbose=0).tolist(),
        }

    strategies = tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    compiled.WORTHWHILE = 10**9
    z = run(strategies[0], 0.0)["history"]["z_prior"][0]
    result = {"z_prior": z}
    cases = [("off", 0.0), ("above", min(1.5 * z, 1.6)), ("compiled", 0.5 * z)]
    for name, min_information in cases:
        compiled.WORTHWHILE = 0 if name == "compiled" else 10**9
        result[name] = [run(strategy, min_information) for strategy in strategies]
    json.dump(result, open(sys.argv[1], "w"))
""")


@pytest.mark.slow  # two workers, in test_workers.py, train as one, with batch normalisation and the constraint
def test_two_replicas_take_the_step_of_one(tmp_path):
    process = run_warm("-c", REPLICAS, tmp_path / "result.json")
    assert process.returncode == 0, process.stderr[-2000:]
    result = json.loads((tmp_path / "result.json").read_text())
    assert 0.01 < result.pop("z_prior") < 1.55
    assert len(result) == 3
    for one, two in result.values():
        for ours, theirs in zip(one["weights"], two["weights"], strict=True):
            np.testing.assert_allclose(ours, theirs, atol=5e-6)
        for name in one["history"]:
            np.testing.assert_allclose(one["history"][name], two["history"][name], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(one["evaluate"], two["evaluate"], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(one["predict"], two["predict"], rtol=1e-4, atol=1e-6)
    assert result["off"][0]["weights"] != result["above"][0]["weights"]


ARRAYS = textwrap.dedent("""
    import sys
    import keras, numpy as np, tensorflow as tf
    import tf_gmvae
    from tf_gmvae.callbacks.within_epochs import SaveWithinEpochs

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    examples = np.random.default_rng(0).random((40, 6)).astype("float32")

    def trained(strategy):
        with strategy.scope():
            of_activities, of_weights = keras.regularizers.L2(1.0), keras.regularizers.L2(0.1)
            probe = keras.layers.Activation("linear", activity_regularizer=of_activities)
            probe(np.ones((2, 1), "float32"))
            if float(probe.losses[0]) != 1.0:  # of an older Keras the sum over a batch, no mean: halves have half
                of_activities = None
            encoder = keras.Sequential([keras.layers.Dense(8, activity_regularizer=of_activities)])
            decoder = keras.Sequential([keras.layers.Dense(6, kernel_regularizer=of_weights)])
            model = tf_gmvae.GMVAE(
                encoder, decoder, latent_dim=2, style_dim=2, num_components=3, prior_units=(8,), seed=1
            )
            model.compile(keras.optimizers.SGD(1.0, clipnorm=0.01))
        if sys.argv[3] == "arrays":
            for _ in range(2):  # the second goes on in the order of the first
                model.fit(examples, batch_size=20, verbose=0, callbacks=[SaveWithinEpochs(sys.argv[2], steps=2)])
            return model.get_weights()
        model.train_on_batch(examples[:20])
        # Fewer examples than replicas, and as a list.
        logs = [model.test_on_batch(examples[:1]), list(model.evaluate(examples[:1], verbose=0))]
        return [*model.get_weights(), model.predict_on_batch(examples[:5]), *map(np.array, logs)]

    strategies = tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    np.savez(sys.argv[1], *(weight for strategy in strategies for weight in trained(strategy)))
""")


@pytest.mark.parametrize("what", ["arrays", pytest.param("single batches", marks=pytest.mark.slow)])
def test_two_replicas_take_arrays_as_one_does(what, tmp_path):
    process = run_warm("-c", ARRAYS, tmp_path / "weights.npz", tmp_path / "model.keras", what)
    assert process.returncode == 0, process.stderr[-2000:]
    weights = [*np.load(tmp_path / "weights.npz").values()]
    one, two = weights[: len(weights) // 2], weights[len(weights) // 2 :]
    assert len(one) == len(two) > 10
    for ours, theirs in zip(one, two, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


HALF = textwrap.dedent("""
    import keras, numpy as np, tensorflow as tf
    import tf_gmvae

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    examples = np.random.default_rng(0).random((40, 6)).astype("float32")
    examples[20:] *= 100.0  # whose gradients overflow at first, and are of the second replica
    batches = tf.data.Dataset.from_tensors(examples).repeat(10)
    keras.config.set_dtype_policy("mixed_float16")
    scales = []
    for strategy in (tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])):
        with strategy.scope():
            encoder, decoder = (keras.Sequential([keras.layers.Dense(units)]) for units in (8, 12))
            model = tf_gmvae.GMVAE(
                encoder, decoder, latent_dim=2, style_dim=2, num_components=3, prior_units=(8,),
                likelihood="gaussian", seed=1,
            )
            model.compile(keras.optimizers.SGD(1e-6))
        start = model.optimizer.initial_scale
        model.fit(batches, verbose=0)
        assert all(np.isfinite(weight).all() for weight in model.get_weights())
        scales.append(float(model.optimizer.dynamic_scale.numpy()))
    print(start, *scales)

    with strategy.scope():
        gathering = keras.optimizers.SGD(gradient_accumulation_steps=2)
        for several in ({"steps_per_execution": 2}, {"optimizer": gathering}):
            try:
                model.compile(**several)
            except tf_gmvae.InputError as error:
                print(error)
""")


@pytest.mark.slow
def test_a_replica_that_overflows_takes_back_the_step_of_all():
    process = run_warm("-c", HALF)
    assert process.returncode == 0, process.stderr[-2000:]
    scales, *refused = process.stdout.splitlines()
    start, one, two = map(float, scales.split())
    assert one < start and two < start
    assert [sentence.count("leave it out, or train on one device") for sentence in refused] == [1, 1]


LOAD = textwrap.dedent("""
    import sys
    import keras, numpy as np
    import tf_gmvae

    model = keras.saving.load_model(sys.argv[1])
    table = np.load(sys.argv[2])
    np.savez(sys.argv[3], posterior=model.predict(table, verbose=0), elbo=model.score(table).elbo)
    model.fit(table, batch_size=50, epochs=1, shuffle=False, verbose=0)
    np.savez(sys.argv[4], *model.get_weights())
""")


def test_keras_files_load_and_train_on_in_a_fresh_process(make_table_model, table, tmp_path):
    model = make_table_model()
    model.fit(table, batch_size=50, epochs=2, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "table.npy", table)
    names = ("model.keras", "table.npy", "answers.npz", "weights.npz")
    process = run_warm("-c", LOAD, *(tmp_path / name for name in names))
    assert process.returncode == 0, process.stderr[-2000:]
    answers = np.load(tmp_path / "answers.npz")
    np.testing.assert_allclose(answers["posterior"], model.predict(table, verbose=0), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(answers["elbo"], model.score(table).elbo, rtol=1e-4, atol=1e-4)
    # Optimizer and noise went along, so training on elsewhere is training on here.
    model.fit(table, batch_size=50, epochs=1, shuffle=False, verbose=0)
    weights = np.load(tmp_path / "weights.npz")
    for ours, theirs in zip(model.get_weights(), weights.values(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_what_is_frozen_stays_frozen(make_table_model, table, tmp_path):
    model = make_table_model()
    model.w_head.trainable = model.prior_head.trainable = False
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(table, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    before = [weight.numpy() for head in (loaded.w_head, loaded.prior_head) for weight in head.weights]
    # Its optimizer is whole, too, so that training goes on as it would have.
    assert loaded.fit(table, verbose=0).history["loss"] == pytest.approx(
        model.fit(table, verbose=0).history["loss"]
    )
    after = [weight.numpy() for head in (loaded.w_head, loaded.prior_head) for weight in head.weights]
    for ours, theirs in zip(before, after, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert "frozen" not in make_table_model().get_config()


def test_the_config_holds_every_argument(make_table_model):
    arguments = {"latent_dim": 4, "style_dim": 5, "num_components": 6, "num_samples": 7, "min_information": 0.5}
    model = make_table_model(**arguments, prior_units=(8, 9), seed=11)
    again = tf_gmvae.GMVAE.from_config(json.loads(json.dumps(model.get_config())))
    for name, value in {**arguments, "prior_units": (8, 9), "seed": 11}.items():
        assert getattr(again, name) == value, name
    assert again.likelihood.name == "gaussian"
    assert again.count_params() == model.count_params()


def test_savedmodel_export_answers_as_the_model(make_table_model, table, tmp_path):
    model = make_table_model()
    model.export(tmp_path / "exported", verbose=False)
    served = tf.saved_model.load(tmp_path / "exported").signatures["serving_default"]
    (posterior,) = served(tf.constant(table)).values()
    np.testing.assert_allclose(posterior, model.predict(table, verbose=0), rtol=1e-5, atol=1e-7)


def test_means_of_many_batches_go_on_growing_where_floats_are_half_precision():
    floats = keras.config.floatx()
    keras.config.set_floatx("bfloat16")
    try:
        mean = replicas.running_mean("elbo")
        for value in np.linspace(-60, -40, 700):
            mean.update_state(value)
    finally:
        keras.config.set_floatx(floats)
    assert float(mean.result()) == pytest.approx(-50, abs=0.1)
