"""Flags, their record, and the folder of a run."""

import json
import socket
from dataclasses import asdict, replace

import keras
import pytest
from absl import flags
from support.full import disk_is_full
from support.rights import of_a_user

import tf_gmvae
from tf_gmvae import InputError
from train.run import names
from train.run.definitions import GROUPS, OPTIMIZERS, define
from train.run.folder import RunFolder
from train.run.run import build_model, resolved
from train.run.settings import Settings


def parsed(*arguments):
    flag_values = flags.FlagValues()
    define(flag_values)
    flag_values(["", *arguments])
    return Settings.from_flags(flag_values)


def resolved_hold(settings):
    return settings.resolved("mnist", "bernoulli", num_examples=1000).hold


@pytest.fixture
def settings():
    return parsed("--dataset=digits", "--num_components=7", "--min_information=0.5").resolved(
        "digits", "bernoulli", num_examples=1000
    )


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "runs" / "one")


def test_every_setting_is_a_flag_of_one_group():
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(Settings.__dataclass_fields__)
    assert {"dataset", "binarize"} <= GROUPS["Data"] and "initial_weights" in GROUPS["Model"]


def test_every_flag_file_sets_a_run(root):
    files = sorted(root.glob("*.flags"))
    assert [file.stem for file in files] == ["digits", "mnist-paper", "mnist", "svhn", "synthetic"]
    for file in files:
        settings = parsed(f"--flagfile={file}")
        assert settings.dataset == settings.preset == file.stem.removesuffix("-paper")


def test_the_flag_files_of_the_paper_hold_its_settings(root):
    found = {name: parsed(f"--flagfile={root / name}.flags") for name in ("mnist", "svhn", "synthetic")}
    assert {name: s.batch_size for name, s in found.items()} == {"mnist": 50, "svhn": 128, "synthetic": 200}
    # After a start the rate is ours: it falls, from five times the paper's.
    held = {"learning_rate": 5e-4, "falling_rate": True, "hold_to": "labels"}
    for name in ("mnist", "svhn"):
        assert {flag: getattr(found[name], flag) for flag in held} == held
    digits = parsed(f"--flagfile={root / 'digits.flags'}")
    assert {flag: getattr(digits, flag) for flag in held} == {**held, "learning_rate": 1e-3}
    other = found["synthetic"].resolved("mnist", "bernoulli", num_examples=1000)
    assert (other.learning_rate, other.falling_rate, other.hold_to) == (1e-4, False, "posterior")
    bare = parsed(f"--flagfile={root / 'mnist-paper.flags'}")
    assert not bare.initialize and (bare.optimizer, bare.initial_weights) == ("adam", "near")
    assert (bare.epochs, bare.learning_rate, bare.falling_rate) == (100, 1e-4, None) and resolved_hold(bare) == 0
    ours = {"initialize": True, "initial_weights": "keras", "epochs": 3, "hold": 20.0, "pretraining_epochs": 1}
    assert replace(bare, **ours, **held) == found["mnist"]


def test_hold_goes_with_a_start_and_with_views(root):
    digits = tf_gmvae.data.load("digits")
    demo = f"--flagfile={root / 'digits.flags'}"
    assert resolved(parsed(demo), digits).hold == 20
    assert resolved(parsed(demo, "--noinitialize"), digits).hold == 0  # the paper's bare objective
    with pytest.raises(InputError, match="--hold shows images in views, unlike --views=none: add --hold=0"):
        resolved(parsed(demo, "--views=none"), digits)
    assert resolved(parsed(demo, "--views=none", "--hold=0"), digits).views == "none"


def test_data_of_ones_own_have_epochs_and_a_hold_of_their_own():
    few, many = (parsed("--dataset=x.csv").resolved("table", "columns", count) for count in (300, 50_000))
    assert (few.epochs, few.hold, many.epochs, many.hold) == (20, 20.0, 4, 20.0)
    large = parsed("--dataset=photos").resolved("svhn", "bernoulli", 300, (56, 56, 2))
    assert large.hold == 160.0  # of eight times as many values as 28x28
    chosen = parsed("--dataset=x.csv", "--epochs=7", "--hold=0").resolved("table", "columns", 300)
    assert (chosen.epochs, chosen.hold) == (7, 0.0)
    assert parsed("--dataset=x.csv", "--noinitialize").resolved("table", "columns", 300).hold == 0
    pictures = parsed("--dataset=photos").resolved("mnist", "bernoulli", 300)
    assert (pictures.epochs, pictures.hold) == (20, 20.0)
    assert parsed("--dataset=photos", "--views=none").resolved("mnist", "bernoulli", 300).hold == 0
    for name in ("digits", "tfds:kmnist"):
        named = parsed(f"--dataset={name}").resolved("digits", "bernoulli", 300)
        assert (named.epochs, named.hold) == (100, 0.0)


def test_large_pictures_of_ones_own_go_on_learning_their_labels(tmp_path):
    def at(*arguments, shape=(32, 32, 3)):
        settings = parsed(*arguments).resolved("svhn", "bernoulli", 300, shape)
        return settings.hold_to, settings.falling_rate, settings.learning_rate

    assert at("--dataset=photos") == at("--dataset=photos", "--falling_rate") == ("labels", True, 5e-4)
    assert at("--dataset=photos", "--learning_rate=0.01") == ("labels", False, 0.01)
    assert at("--dataset=photos", "--nofalling_rate") == ("labels", False, 1e-4)
    # Others, the paper's data, and the paper's objective.
    rest = ("posterior", False, 1e-4)
    assert at("--dataset=photos", shape=(28, 28, 1)) == at("--dataset=x.npz", shape=(4000,)) == rest
    assert at("--dataset=svhn") == rest
    for flag in ("--hold=0", "--noinitialize", "--hold_to=posterior", "--optimizer=sign"):
        assert at("--dataset=photos", flag) == rest, flag
    # A run that goes on has what it began with, whichever version it was begun by.
    (tmp_path / "run.flags").write_text("--dataset=photos\n--hold=20\n--learning_rate=0.0001\n")
    stored = Settings.read(tmp_path / "run.flags")
    assert (stored.hold_to, stored.falling_rate, stored.learning_rate) == rest
    going_on = parsed("--dataset=photos").with_choices_of(stored).resolved("svhn", "bernoulli", 300, (32, 32, 3))
    assert (going_on.hold, going_on.hold_to, going_on.falling_rate, going_on.learning_rate) == (20, *rest)
    with pytest.raises(InputError, match="began with --learning_rate=0.5 and cannot go on"):
        at_another = replace(stored, preset="svhn", likelihood="bernoulli", learning_rate=0.5)
        parsed("--dataset=photos").with_choices_of(at_another).resolved(
            "svhn", "bernoulli", 300, (32, 32, 3)
        ).check_same(at_another)


def test_priors_are_flags_of_a_run():
    digits = tf_gmvae.data.load("digits")
    bare = resolved(parsed("--dataset=digits"), digits)
    assert (bare.component_prior, bare.style_components, bare.num_held) == ("uniform", None, 10)
    assert build_model(bare, digits).style_prior.dims == ()
    deep = parsed("--dataset=digits", "--component_prior=learned", "--style_components=3", "--style_prior_dim=4")
    model = build_model(resolved(deep, digits), digits)
    assert model.style_prior.dims == (4,) and model.style_prior.num_components == 3 and deep.num_held == 13
    assert model.component_prior.kind == model.style_prior.component_prior.kind == "learned"
    with pytest.raises(InputError, match="--style_prior_dim goes with --style_components: add it"):
        resolved(parsed("--dataset=digits", "--style_prior_dim=4"), digits)


def test_a_run_of_an_earlier_version_has_its_optimizer_and_weights(tmp_path):
    (tmp_path / "run.flags").write_text("--dataset=digits\n--initialize=False\n")
    settings = Settings.read(tmp_path / "run.flags")
    assert (settings.optimizer, settings.initial_weights, settings.hold) == ("adam", "keras", 0.0)
    optimizer = OPTIMIZERS[settings.optimizer](2e-4)
    assert isinstance(optimizer, keras.optimizers.Adam) and float(optimizer.learning_rate) == pytest.approx(2e-4)
    assert optimizer.epsilon == 1e-8


def test_settings_survive_their_file(settings, tmp_path):
    (tmp_path / "run.flags").write_text(settings.as_flags())
    assert Settings.read(tmp_path / "run.flags") == settings


def test_a_stored_file_is_a_flag_file(settings, tmp_path):
    (tmp_path / "run.flags").write_text(settings.as_flags())
    assert parsed(f"--flagfile={tmp_path / 'run.flags'}") == settings


def test_no_data_set_is_an_error():
    with pytest.raises(InputError, match="Name the data: .*--dataset="):
        parsed()


@pytest.mark.parametrize(
    "flag",
    [
        "--num_components=0",
        "--num_samples=0",
        "--min_information=-1",
        "--epochs=0",
        "--batch_size=0",
        "--preset=minst",
        "--likelihood=gauss",
        "--binarize=yes",
        "--num_componets=3",
        "--seed=x",
        f"--seed={2**63}",
        "--learning_rate=nan",
        "--learning_rate=0",
        "--minutes=inf",
        "--min_information=-inf",
        "--pretraining_beta=nan",
        "--component_prior=equal",
        "--style_components=0",
    ],
)
def test_flags_out_of_range_are_named(flag):
    with pytest.raises(flags.Error, match=flag.split("=")[0].removeprefix("--")):
        parsed("--dataset=digits", flag)


@pytest.mark.parametrize("content", ["--no_such_flag=1\n", "--num_components=zero\n"])
def test_a_spoilt_record_is_named(tmp_path, content):
    (tmp_path / "run.flags").write_text("--dataset=digits\n" + content)
    with pytest.raises(InputError, match=r"run\.flags cannot be read"):
        Settings.read(tmp_path / "run.flags")
    (tmp_path / "run.flags").chmod(0)  # in which no line is wrong
    with of_a_user(), pytest.raises(PermissionError):
        Settings.read(tmp_path / "run.flags")


def test_a_new_folder_holds_the_settings(folder, settings):
    folder.path.mkdir(parents=True)
    left = folder.path / f".partial-{socket.gethostname()}-{2**31 - 1}-0a.flags"  # of one killed as it began
    left.write_text("half")
    folder.check_free()
    folder.open(settings)
    assert Settings.read(folder.flags) == settings
    assert not left.exists()


def test_an_occupied_folder_is_refused_and_left_alone(folder, settings):
    folder.open(settings)
    folder.model.write_text("a model")
    for attempt in (folder.check_free, lambda: folder.open(replace(settings, seed=5))):
        with pytest.raises(InputError, match="is not empty: pass --resume .* --overwrite .* --name"):
            attempt()
    assert folder.model.read_text() == "a model"
    assert Settings.read(folder.flags) == settings


def test_overwrite_drops_a_run_but_nothing_else(folder, settings, tmp_path):
    folder.open(settings)
    folder.model.write_text("a model")
    (folder.path / "model.partial.keras").write_text("half")  # of an earlier version that was killed
    (folder.path / "mine.partial.keras").write_text("mine")
    folder.open(settings, resume=True)
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "mine.partial.keras",
        "model.keras",
        "run.flags",
    ]
    with folder.replacement(replace(settings, seed=5)) as new:
        new.model.write_text("another")
        assert folder.model.read_text() == "a model"
        assert Settings.read(folder.flags).seed == settings.seed
    assert folder.model.read_text() == "another"
    assert Settings.read(folder.flags).seed == 5
    assert [path.name for path in folder.path.parent.iterdir()] == ["one"]
    other = tmp_path / "holiday"
    other.mkdir()
    (other / "photo.png").write_bytes(b"x")
    with pytest.raises(InputError, match="holds something other than a run"):
        RunFolder(other).check_free(overwrite=True)
    assert (other / "photo.png").exists()


def listing(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_replacement_that_fails_leaves_the_old_run_and_nothing_beside_it(folder, settings):
    folder.open(settings)
    before = listing(folder.path.parent)
    for failure in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(failure), folder.replacement(replace(settings, seed=5)) as new:
            new.model.write_text("half")
            raise failure
    assert listing(folder.path.parent) == before
    assert Settings.read(folder.flags) == settings


@pytest.mark.parametrize(
    ("there", "seed"),
    [
        (("one", ".one.new"), 0),  # killed before the new run had its first epoch
        ((".one.old", ".one.new"), 1),  # between the two renames
        (("one", ".one.old"), 0),  # before the old run was removed
        ((".one.old",), 0),
    ],
)
def test_a_replacement_killed_at_any_moment_leaves_a_whole_run(folder, settings, there, seed):
    for age, name in enumerate(there):
        RunFolder(folder.path.with_name(name)).open(replace(settings, seed=age))
    assert folder.read_settings().seed == seed  # whoever looks first
    with pytest.raises(InputError, match="is not empty"):
        folder.check_free()
    folder.open(replace(settings, seed=seed), resume=True)  # who trains sweeps
    assert listing(folder.path.parent) == ["one", "one/run.flags"]


def test_a_link_is_not_replaced(folder, settings, tmp_path):
    RunFolder(tmp_path / "elsewhere").open(settings)
    folder.path.parent.mkdir()
    folder.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is a link, .* remove the link"):
        folder.check_free(overwrite=True)
    folder.open(settings, resume=True)
    folder.path.unlink()
    folder.check_free(overwrite=True)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("../../x", "holds a separator"), ("/abs", "holds a separator"), ("a/b", "holds a separator"),
        ("a\\b", "holds a separator"), ("..", "begins with a dot"), (".hidden", "begins with a dot"),
        ("", "is empty"), ("  ", "is empty"), ("a\0b", "cannot be shown"), ("a\nb", "cannot be shown"),
        ("x" * 201, "is longer"), ("ä" * 101, "is longer"),
    ],
)  # fmt: skip
def test_a_name_is_one_folder_name(name, fault):
    with pytest.raises(InputError, match=f"^--name must be the name of one folder, but .*{fault}.*: mend"):
        names.checked(name, "--name", "mend")


@pytest.mark.parametrize("name", ["digits-k10", "a b", "ä" * 100, "x..y", "-", "Ж"])
def test_any_other_name_is_taken(name, tmp_path):
    assert names.checked(name, "--name", "") == name
    (tmp_path / f".{name}.new").mkdir()


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("..", "work"), (".", "pictures"), ("../work/.hidden.npz", "hidden"), ("a/b.npz", "b"),
        ("digits", "digits"), ("tfds:kmnist", "tfds-kmnist"), ("/", "data"), ("../", "work"),
    ],
)  # fmt: skip
def test_a_name_made_of_the_data_is_one_too(dataset, name, settings, tmp_path, monkeypatch):
    (tmp_path / "work" / "pictures").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work" / "pictures")
    made = replace(settings, dataset=dataset).default_name
    assert names.checked(made, "--name", "") == f"{name}-k7-m1-seed0"


def test_resume_and_overwrite_contradict(folder):
    with pytest.raises(InputError, match="one of them"):
        folder.check_free(resume=True, overwrite=True)


def test_resume_takes_the_same_settings_only(folder, settings):
    folder.open(settings)
    folder.open(replace(settings, epochs=500, minutes=5.0, data_dir="elsewhere"), resume=True)
    assert Settings.read(folder.flags).epochs == 500
    for name, value in asdict(settings).items():
        if name in ("epochs", "minutes", "patience", "data_dir", "save_every_steps", "save_every_minutes"):
            continue
        other = replace(settings, **{name: "other" if isinstance(value, str) or value is None else value + 1})
        with pytest.raises(InputError, match=f"began with --{name}=.* cannot go on with --{name}="):
            folder.open(other, resume=True)
    assert Settings.read(folder.flags).epochs == 500


def test_resume_of_nothing_begins(folder, settings):
    folder.check_free(resume=True)
    folder.open(settings, resume=True)
    assert folder.flags.is_file()


def test_places_that_cannot_be_written(settings, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file, not a folder"):
        RunFolder(tmp_path / "file").check_free()
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(InputError, match="link is a link that leads nowhere: remove it, or give another --name"):
        RunFolder(tmp_path / "link").check_free(overwrite=True)
    with pytest.raises(InputError, match="cannot be written .*--runs_dir"):
        RunFolder(tmp_path / "file" / "run").open(settings)
    with pytest.raises(InputError, match="cannot be written .*--runs_dir"):
        RunFolder("/proc/no/run").open(settings)


def test_a_full_disk_is_told_of_and_no_lock_is_left(folder, settings):
    with disk_is_full(), pytest.raises(InputError) as told, folder.alone():
        folder.open(settings)
    fault = "cannot be written (File too large): make room there, or give another --runs_dir."
    assert str(told.value) == f"{folder.path} {fault}"
    assert list(folder.path.parent.rglob("*")) == [folder.path]


def test_a_run_that_cannot_be_written_is_told_before_any_work(tmp_path):
    with pytest.raises(InputError, match=r"/proc cannot be written \(.*\): copy it to .* as --run"):
        RunFolder("/proc").check_writable()
    RunFolder(tmp_path).check_writable()
    assert not list(tmp_path.iterdir())


def test_history_leaves_out_rows_cut_short(folder, settings):
    folder.open(settings)
    assert folder.read_history() == []
    folder.history.write_text("epoch,elbo,seconds\n0,-3.5,1.0\n1,-2.5,1.5\n2,-1")
    assert folder.read_history() == [
        {"epoch": 0, "elbo": -3.5, "seconds": 1.0},
        {"epoch": 1, "elbo": -2.5, "seconds": 1.5},
    ]


@pytest.mark.parametrize(("epochs", "kept"), [(0, []), (1, [0]), (2, [0, 1]), (9, [0, 1, 2])])
def test_history_is_cut_to_the_epochs_of_the_model(folder, settings, epochs, kept):
    folder.open(settings)
    folder.keep_history(epochs)
    assert not folder.history.exists()
    folder.history.write_text("epoch,elbo,seconds\n0,-3,1\n1,-2,1\n2,-1,1\n")
    folder.keep_history(epochs)
    assert [row["epoch"] for row in folder.read_history()] == kept


def test_metrics_are_json(folder, settings):
    folder.open(settings)
    folder.write_metrics({"elbo": -1.5, "accuracy_hungarian": None})
    assert json.loads(folder.metrics.read_text()) == {"elbo": -1.5, "accuracy_hungarian": None}
    assert not list(folder.path.glob("*.partial"))


@pytest.mark.parametrize(
    ("dataset", "shown"),
    [("/home/me/a.npz", "a.npz"), ("~/pictures/", "pictures"), ("digits", "digits"), ("tfds:a/b", "tfds:a/b")],
)
def test_settings_that_are_shown_do_not_tell_where_the_data_lie(dataset, shown, settings):
    private = replace(settings, dataset=dataset, data_dir="/home/me")
    assert private.shareable == replace(settings, dataset=shown, data_dir=None)
