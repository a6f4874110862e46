"""What Keras users do out of habit: it works, or a sentence says what does."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_gmvae
from tf_gmvae import GMVAE, InputError
from tf_gmvae.priors import MixturePrior
from tf_gmvae.serving import signatures


def test_layers_within_the_models_own_stay_frozen(make_table_model, table, tmp_path):
    model = make_table_model(component_prior="learned", style_prior=MixturePrior(3))
    model.component_prior.trainable = model.style_prior.trainable = model.prior_head.means.trainable = False
    model.compile()
    model.fit(table, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    before = [weight.numpy() for weight in loaded.trainable_variables]
    for other in (loaded, keras.models.clone_model(model)):
        trained = [(variable.name, variable.shape) for variable in other.trainable_variables]
        assert trained == [(variable.name, variable.shape) for variable in model.trainable_variables]
        assert other.prior_head.log_vars.trainable and not other.prior_head.means.trainable
    assert int(loaded.optimizer.iterations) == int(model.optimizer.iterations)  # whose state was kept
    loaded.fit(table, verbose=0)
    np.testing.assert_array_equal(loaded.component_prior.probabilities, model.component_prior.probabilities)
    assert not any(map(np.array_equal, before, loaded.trainable_variables))


def networks_of(inputs, outputs):
    return keras.Model(inputs, outputs), keras.Sequential([keras.layers.Dense(8)])


def of_a_list():
    entry = keras.Input((4,))
    return networks_of([entry], [keras.layers.Dense(3)(entry)])


def of_a_dict():
    entry = keras.Input((4,))
    return networks_of(entry, {"features": keras.layers.Dense(3)(entry)})


def of_two_inputs():
    entries = [keras.Input((4,)), keras.Input((4,))]
    return networks_of(entries, keras.layers.Dense(3)(keras.layers.Concatenate()(entries)))


def decoder_of_a_list():
    latent = keras.Input((2,))
    encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    return encoder, keras.Model(latent, [keras.layers.Dense(8)(latent)])


def networks_that_share(layer):
    encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2), layer])
    return encoder, keras.Sequential([keras.layers.Dense(2), layer, keras.layers.Dense(8)])


def of_a_shared_layer():
    return networks_that_share(keras.layers.Dense(2, name="shared"))


def decoder_of_another_width():
    encoder, _ = networks_of(entry := keras.Input((4,)), keras.layers.Dense(3)(entry))
    return encoder, keras.Sequential([keras.Input((3,)), keras.layers.Dense(8)])


@pytest.mark.parametrize(
    ("networks", "sentence"),
    [
        (decoder_of_another_width, r"^The decoder takes \(3,\), but latent_dim is 2: .*pass latent_dim=3\.$"),
        (of_a_shared_layer, r"Layer 'shared' is part of the encoder and of the decoder"),
        (of_a_list, r"encoder must return one tensor, and \w+ returns a list"),
        (of_a_dict, r"encoder must return one tensor, and \w+ returns a dict"),
        (of_two_inputs, r"encoder must take one tensor, and \w+ takes 2"),
        (decoder_of_a_list, r"decoder must return one tensor, and \w+ returns a list"),
    ],
)
def test_networks_that_do_not_fit_a_model_get_a_sentence(networks, sentence):
    with pytest.raises(InputError, match=sentence):
        GMVAE(*networks(), latent_dim=2, style_dim=2, num_components=3, likelihood="gaussian")


def test_layers_without_weights_may_be_shared():
    networks = networks_that_share(keras.layers.ReLU())
    assert GMVAE(*networks, latent_dim=2, style_dim=2, num_components=3, likelihood="gaussian").built


class Named(keras.layers.Layer):
    """A layer that has something else by the name of Keras' tensors."""

    inputs = ("a", "b", "c", "d")

    def call(self, values):
        return 2.0 * values


def test_networks_may_have_anything_by_the_name_of_inputs():
    model = GMVAE(
        Named(), keras.Sequential([keras.layers.Dense(8)]), latent_dim=2, style_dim=2, num_components=3,
        likelihood="gaussian",
    )  # fmt: skip
    assert model.predict(np.zeros((5, 4), "float32"), verbose=0).shape == (5, 3)


def test_a_model_is_made_and_trained_where_warnings_are_errors(make_table_model, table):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = make_table_model()
        model.fit(table, verbose=0)
        model.sampler.save_own_variables(kept := {})
    model.sampler.reset()
    np.testing.assert_array_equal(kept["initial_state"], model.sampler.seed_generator.state)


def test_a_model_whose_weights_are_spoilt_says_so(make_table_model, table):
    model = make_table_model()
    model.x_head.streams.kernel.assign(np.full(model.x_head.streams.kernel.shape, np.nan))
    with pytest.raises(InputError, match="every example is no number: the weights of the model are not finite"):
        model.predict(table, verbose=0)


def test_the_warning_of_a_seed_names_the_one_that_was_given(make_table_model):
    encoder = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8)])
    decoder = keras.Sequential([keras.layers.Dense(12)])
    with pytest.warns(UserWarning, match=r"GMVAE\(seed=7\) cannot seed the encoder"):
        GMVAE(encoder, decoder, latent_dim=2, style_dim=2, num_components=3, likelihood="gaussian", seed=7)


@pytest.mark.parametrize("value", [np.nan, 1e25])
def test_one_batch_is_checked_as_all_are(make_table_model, table, value):
    model, bad = make_table_model(), table[:5].copy()
    bad[2, 1] = value
    methods = [model.predict_on_batch, model.predict, model.score, model.examine, model.embed]
    sentence = (
        r"at index \(2, 1\) is nan" if np.isnan(value) else "answer to example 2 is no number: the values are"
    )
    for method in methods + [model.train_on_batch, model.test_on_batch] * int(np.isnan(value)):
        with pytest.raises(InputError, match=sentence):
            method(bad)


class Moved(GMVAE):
    """A model that answers by a method and a weight of its own."""

    def build(self, shape):
        super().build(shape)
        self.by = self.add_weight(shape=(), initializer="ones", name="by")

    def encode(self, examples, training=False):
        encoding = super().encode(examples, training)
        return encoding._replace(x_mean=encoding.x_mean + 3.0 * self.by)


def test_an_export_answers_as_its_class_does_and_no_values_that_are_too_large(make_table_model, table, tmp_path):
    model = make_table_model(cls=Moved)
    exported = tf.saved_model.load(str(tf_gmvae.export(model, tmp_path / "model")))
    answers = {name: exported.signatures[name](examples=tf.constant(table[:5])) for name in ("cluster", "embed")}
    np.testing.assert_allclose(answers["embed"]["x"], model.embed(table[:5]).x, atol=1e-5)
    np.testing.assert_allclose(answers["cluster"]["posterior"], model.predict_on_batch(table[:5]), atol=1e-5)
    for name in ("cluster", "score"):
        assert exported.signatures[name](examples=tf.constant(table[:5]))
        with pytest.raises(tf.errors.InvalidArgumentError, match="answer to an example is no number"):
            exported.signatures[name](examples=tf.constant(np.full((1, 6), 1e25, "float32")))


class Penalised(GMVAE):
    """Has an objective of its own."""

    def training_loss(self, data, training):
        loss, found = super().training_loss(data, training)
        return loss + 1000.0, found


class Bare(GMVAE):
    """Returns what version 0.2 documented."""

    def training_loss(self, data, training):
        loss, ((terms, _), _) = super().training_loss(data, training)
        return loss, terms


class Habitual(GMVAE):
    """Has the hook of Keras, whose place is taken."""

    def compute_loss(self, *args, **kwargs):
        return 0.0


def test_the_objective_of_a_subclass_is_that_of_fit_and_evaluate(make_table_model, table):
    model = make_table_model(cls=Penalised)
    assert model.fit(table, verbose=0).history["loss"][0] > 900
    assert model.evaluate(table, verbose=0, return_dict=True)["loss"] > 900
    for cls, sentence in (
        (Habitual, r"never calls compute_loss: its objective is training_loss\(data, training"),
        (Bare, r"training_loss of Bare must return its loss, and beside it .*return loss \+ own, found"),
    ):
        for call in ("fit", "evaluate"):
            with pytest.raises(InputError, match=sentence):
                getattr(make_table_model(cls=cls), call)(table, verbose=0)
    with pytest.raises(InputError, match="its objective is training_loss"):
        model.compute_loss(table)


class Unregistered(tf_gmvae.likelihoods.Gaussian):
    """A likelihood that Keras is told of where it is read."""


def test_a_config_is_read_by_the_custom_objects_that_go_with_it(make_table_model):
    config = make_table_model(likelihood=Unregistered()).get_config()
    made = GMVAE.from_config(config, custom_objects={"Unregistered": Unregistered})
    assert type(made.likelihood) is Unregistered


class Answering(GMVAE):
    """A model whose call returns more than the posterior."""

    def call(self, examples, training=False):
        posterior = super().call(examples, training)
        return {"cluster": tf.argmax(posterior, axis=1), "two": posterior[:, :2], "centres": tf.ones((9, 2))}


def test_predict_returns_what_the_call_of_a_subclass_returns(make_table_model, table):
    model = make_table_model(cls=Answering)
    expected = make_table_model().predict(table, verbose=0)
    for found in (model.predict(table, verbose=0), model.predict_on_batch(table)):
        np.testing.assert_array_equal(found["cluster"], expected.argmax(axis=1))
        np.testing.assert_allclose(found["two"], expected[:, :2], atol=1e-6)
    assert model.predict_on_batch(table[:2])["centres"].shape == (9, 2)
    with pytest.raises(InputError, match="answer to example 2 is no number: the values are"):
        model.predict(np.where(np.arange(6)[:, None] == 2, 1e25, table[:6]), verbose=0)


def test_exports_answer_what_the_call_of_a_subclass_returns(make_table_model, table):
    found = signatures.of(make_table_model(cls=Answering))["cluster"].function(table[:5])
    for name, expected in make_table_model(cls=Answering).predict_on_batch(table[:5]).items():
        np.testing.assert_allclose(found[name], expected, atol=1e-6)
    np.testing.assert_allclose(found["posterior"], make_table_model().predict_on_batch(table[:5]), atol=1e-6)
    np.testing.assert_array_equal(found["probability"], tf.reduce_max(found["posterior"], axis=1))


class Sharpened(GMVAE):
    """A model whose call returns a posterior of its own by its name, and what was made of it."""

    def call(self, examples, training=False):
        square = super().call(examples, training) ** 2
        return {"posterior": square / tf.reduce_sum(square, axis=1, keepdims=True), "sure": square[:, 0] > 0.5}


def test_exports_take_the_posterior_of_a_dictionary_and_answer_pictures_by_it():
    networks = (
        keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(8)]),
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(16), keras.layers.Reshape((4, 4, 1))]),
    )
    model = Sharpened(*networks, latent_dim=2, style_dim=2, num_components=3, prior_units=(4,))
    shades = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 1)).astype("uint8")
    files = [*(tf.io.encode_png(image).numpy() for image in shades), b"no picture"]
    found = signatures.of(model)["cluster_bytes"].function(tf.constant(files))
    expected = model(shades.astype("float32") / 255)
    np.testing.assert_allclose(found["posterior"][:2], expected["posterior"], atol=1e-6)
    np.testing.assert_array_equal(found["cluster"], [*np.argmax(expected["posterior"], axis=1), -1])
    np.testing.assert_array_equal(found["sure"][:2], expected["sure"])


class Nameless(GMVAE):
    """A model whose call returns what has no names."""

    def call(self, examples, training=False):
        posterior = super().call(examples, training)
        return posterior, posterior[:, 0]


def test_what_has_no_names_is_refused_before_anything_is_written(make_table_model, tmp_path):
    with pytest.raises(InputError, match=r"that of Nameless must return p\(z \| y\).*Received: a tuple\."):
        tf_gmvae.export(make_table_model(cls=Nameless), tmp_path / "model")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", [{"loss": "mse"}, {"loss_weights": [1.0]}, {"metrics": ["mse"]}])
def test_losses_and_metrics_are_the_models_own(make_table_model, given):
    with pytest.raises(InputError, match=f"call compile without {next(iter(given))}"):
        make_table_model().compile("adam", **given)
    with pytest.raises(InputError, match="call compile without loss"):
        make_table_model().compile("adam", "mse")


@pytest.mark.slow
def test_heads_are_not_quantized_and_networks_are(make_table_model, table, tmp_path):
    model = make_table_model()
    model.export(tmp_path / "exported", "tf_saved_model", False)  # by their places, as Keras has them
    with pytest.raises(InputError, match=r"model\.encoder\.quantize"):
        model.quantize("int8")
    expected = model.predict(table, verbose=0)
    before = model.log_posterior(table)
    for network in (model.encoder, model.decoder):
        network.quantize("int8")
    model.compile()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    found = loaded.predict(table, verbose=0)
    assert 0 < np.abs(found - expected).max() < 0.05
    np.testing.assert_allclose(model.predict(table, verbose=0), found, atol=1e-6)
    answered = loaded.log_posterior(table)
    assert np.abs(answered - before).max() > 1e-4
    np.testing.assert_allclose(model.log_posterior(table), answered, atol=1e-5)


def test_answers_are_by_the_networks_that_compile_finds(make_table_model, table):
    model = make_table_model()
    before = model.reconstruct(table)
    np.testing.assert_array_equal(model.reconstruct(table), before)
    for network in (model.encoder, model.decoder):
        network.layers[-1].enable_lora(2)  # another graph, whose weights begin as nothing
        network.layers[-1].lora_kernel_b.assign(np.ones((2, network.layers[-1].units)))
    model.compile()
    assert np.abs(model.reconstruct(table) - before).max() > 0.1
    x = model.encode(table).x_mean
    np.testing.assert_allclose(model.embed(table).x, x, atol=1e-5)
    np.testing.assert_allclose(model.reconstruct(table), model.likelihood.mean(model.decode(x)), atol=1e-5)


class Late(GMVAE):
    """Has a layer that its first step builds."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.late = keras.layers.Dense(1)

    def train_step(self, data):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self.late(self.encode(data).x_mean) ** 2)
        self.optimizer.apply(tape.gradient(loss, self.late.trainable_variables), self.late.trainable_variables)
        return {"loss": loss}


def test_a_layer_that_is_built_too_late_is_named(make_table_model, table):
    model = make_table_model(cls=Late)
    with pytest.raises(InputError, match=r"'dense\w*' got its weights in the first step.*constructor of Late"):
        model.fit(table, verbose=0)
    model = make_table_model(cls=Late)
    model.late.build((None, 3))
    model.compile()
    assert np.isfinite(model.fit(table, verbose=0).history["loss"][0])


def test_images_have_their_channels_last_whatever_keras_is_told(digits):
    expected = GMVAE.from_preset("digits", seed=0).predict(digits[0][:20], verbose=0)
    keras.config.set_image_data_format("channels_first")
    try:
        found = GMVAE.from_preset("digits", seed=0).predict(digits[0][:20], verbose=0)
        GMVAE.from_preset("series", data_shape=(32, 2), seed=0)
    finally:
        keras.config.set_image_data_format("channels_last")
    np.testing.assert_allclose(found, expected, atol=1e-6)
