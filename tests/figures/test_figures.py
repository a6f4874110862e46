"""The paper's figures: what is drawn, that it is drawn alike every time, and the command."""

import itertools
import json
import math
import re
import shutil

import numpy as np
import pytest
from conftest import run_warm
from matplotlib.text import Text
from PIL import Image
from support.misuse import check_refused

import tf_gmvae
from tf_gmvae import InputError, drawing, figures
from tf_gmvae.evaluation import diagnostics
from tf_gmvae.figures import style
from tf_gmvae.figures.arcs import LatentSpace
from train.paper import arcs_figures, arcs_training, run_figures, table1_report
from train.paper.cells import Row


def drawn(figure, folder, name="figure"):
    """PNG as an array (H, W, 3) and the texts of the SVG."""
    paths = [folder / f"{name}.{suffix}" for suffix in ("png", "svg")]
    figures.save(figure, *paths)
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", paths[1].read_text())
    return np.asarray(Image.open(paths[0]).convert("RGB")), texts


def same_bytes(make, folder):
    (folder / "again").mkdir()
    drawn(make(), folder)
    _, texts = drawn(make(), folder / "again")
    assert not any("$" in text for text in texts)  # of numbers as formulas
    return all(
        (folder / name).read_bytes() == (folder / "again" / name).read_bytes()
        for name in ("figure.png", "figure.svg")
    )


def has_colour(picture, colour):
    rgb = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    return (np.abs(picture.astype(int) - rgb).max(axis=-1) <= 8).any()


def make_accuracies():
    return figures.accuracy_figure(
        {"K = 10, M = 1": [[0.7, 0.8], [0.5, 0.6, 0.65]], "K = 16, M = 1": [[0.9, 0.95]]}
    )


def make_terms():
    steps = np.arange(10, 110, 10)
    return figures.z_prior_curves(1 / steps, np.minimum(steps / 40, 1.6), 1.0, 10, steps)


def make_images():
    rows = np.linspace(0, 1, 3 * 4 * 8 * 8).reshape(3, 4, 8, 8, 1)
    return figures.image_rows([{"title": "samples", "rows": rows, "names": ["0", "1", "2"]}])


def make_arcs():
    split = tf_gmvae.data.load("synthetic").test
    means = np.array([[-1.0, 0], [1, 0], [1, 0]])
    space = LatentSpace("latents", split.examples, means, np.zeros((3, 2)), [[0], [1, 2]])
    grid = np.linspace(-2, 2, 20)
    density = -(grid[:, None] ** 2) - grid**2
    return figures.arcs_figure(
        split.examples, split.labels, grid, {"ours": density, "theirs": density - 1}, [space] * 3
    )


@pytest.mark.parametrize(
    "make", [make_accuracies, make_terms, make_images, pytest.param(make_arcs, marks=pytest.mark.slow)]
)
def test_the_same_arrays_give_the_same_bytes(make, tmp_path):
    assert same_bytes(make, tmp_path)


def test_accuracies_are_drawn_with_the_names_of_their_settings(tmp_path):
    picture, texts = drawn(make_accuracies(), tmp_path)
    assert {"K = 10, M = 1", "K = 16, M = 1", "test accuracy, %", "epoch"} <= set(texts)
    assert has_colour(picture, style.COLOURS[0])
    assert has_colour(picture, style.COLOURS[1])
    assert picture.shape[1] == pytest.approx(300 * style.COLUMN, abs=2)


def test_the_z_prior_term_is_in_nats_and_shows_lambda(tmp_path):
    figure = make_terms()
    _, texts = drawn(figure, tmp_path)
    assert {"minus z-prior term, nats", "threshold: minus λ", "minus log 10", "(b) λ = 1 nats"} <= set(texts)
    first, second = figure.axes
    np.testing.assert_allclose(first.lines[0].get_ydata(), -1 / np.arange(10, 110, 10))
    assert second.lines[0].get_ydata().min() == -1.6
    dotted = [line for line in second.lines if line.get_linestyle() == ":"]
    assert dotted[0].get_ydata()[0] == -1.0
    assert first.get_ylim()[0] < -math.log(10)


def test_steps_are_plain_numbers():
    steps = np.arange(10, 3000, 10)
    for count, last in ((5, "10"), (60, "100"), (len(steps), "1,000")):
        figure = figures.z_prior_curves(np.zeros(count), np.zeros(count), 1.0, 10, steps[:count])
        figure.draw_without_rendering()
        for axes in (*figure.axes, *figure.axes[0].child_axes):
            low, high = axes.get_xlim()
            inside = (axes.get_xticks() >= low) & (axes.get_xticks() <= high)
            assert np.array(axes.get_xticklabels())[inside][-1].get_text() == last
            assert {label.get_text() for label in axes.get_xticklabels(minor=True)} <= {""}


def test_clusters_that_have_not_collapsed_are_not_said_to():
    steps = np.arange(10, 110, 10)
    for last, expected in ((0.05, True), (0.3, False)):
        figure = figures.z_prior_curves([1.0] * 9 + [last], [1.0] * 10, 1.0, 10, steps)
        assert ("clusters collapsed" in [text.get_text() for text in figure.axes[0].texts]) == expected


def test_labels_are_not_written_across_the_curves():
    steps = np.arange(10, 3010, 10)
    for plain, constrained in (
        (np.exp(-steps / 500), np.minimum(1.5, steps / 400)),
        (0.1 / steps, 1.5 + 0.2 * np.exp(-steps / 50)),
    ):
        figure = figures.z_prior_curves(plain, constrained, 1.5, 10, steps)
        figure.draw_without_rendering()
        for axes in figure.axes:
            curve = axes.lines[0].get_path().interpolated(4).transformed(axes.lines[0].get_transform())
            assert len(axes.texts) == 2
            for text in axes.texts:
                assert not text.get_window_extent().count_contains(curve.vertices), text.get_text()


def settings_of(count, epochs, top=1.0):
    """Curves that end near the top, at the bottom of which a legend would lie."""
    rise = top * (1 - np.exp(-np.arange(1, epochs + 1) / 5))
    return {f"GMVAE, K = {k}, M = 1": [rise, rise[:-1] if epochs > 1 else rise] for k in range(count)}


@pytest.mark.parametrize("count", [1, 6, 7, 17, 60])
def test_the_legend_lies_beside_many_curves_and_on_the_page(count):
    figure = figures.accuracy_figure(settings_of(count, 40))
    figure.draw_without_rendering()
    (found,) = figure.legends or [figure.axes[0].get_legend()]
    assert [text.get_text() for text in found.get_texts()] == [f"GMVAE, K = {k}, M = 1" for k in range(count)]
    legend = found.get_window_extent()
    page, axes = figure.bbox, figure.axes[0].get_window_extent()
    assert page.x0 <= legend.x0 and legend.x1 <= page.x1 and page.y0 <= legend.y0 and legend.y1 <= page.y1
    assert bool(figure.legends) == (count > 6)
    if count > 6:
        assert legend.x0 >= axes.x1 and axes.width > 0.3 * page.width
    assert figure.get_size_inches()[0] <= style.PAGE and figure.get_size_inches()[1] <= 9


def test_the_scale_of_accuracies_ends_at_a_hundred():
    for curves in (settings_of(2, 100), {"a": [[1.0], [0.999]]}, {"a": [[1.0, 1.0]]}):
        axes = figures.accuracy_figure(curves).axes[0]
        low, high = axes.get_ylim()
        assert high == 100 and high - low >= 5
    low, high = figures.accuracy_figure({"a": [[0.5, 0.501]]}).axes[0].get_ylim()
    assert low < 50 and 50.1 < high < 100 and high - low == pytest.approx(5)


def test_ticks_are_whole_epochs_and_markers_few():
    for epochs in (1, 2, 3, 100):
        axes = figures.accuracy_figure(settings_of(2, epochs)).axes[0]
        ticks = [tick for tick in axes.get_xticks() if axes.get_xlim()[0] <= tick <= axes.get_xlim()[1]]
        assert ticks and all(tick == round(tick) for tick in ticks)
        mean = next(line for line in axes.lines if line.get_label().startswith("GMVAE"))
        marked = len(mean.get_xdata()[:: mean.get_markevery()])
        assert marked == len(mean.get_xdata()) if epochs <= 20 else 10 <= marked <= 20


def test_seeds_of_one_epoch_are_seen_beside_their_mean():
    axes = figures.accuracy_figure({"a": [[0.6], [0.95], [0.7, 0.8]]}).axes[0]
    seen = [line.get_ydata()[0] for line in axes.lines if len(line.get_xdata()) > 1 or line.get_marker() == "o"]
    np.testing.assert_allclose(seen, [60, 95, 70, 75])


def test_frames_of_pandas_are_drawn_as_arrays():
    pandas = pytest.importorskip("pandas")
    later = {"index": range(5, 15)}
    steps = pandas.Series(range(10, 110, 10), **later)
    term = pandas.Series(np.linspace(2, 1, 10), **later)
    figure = figures.z_prior_curves(term, term, 1.0, 10, steps)
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), -term)
    figure = figures.accuracy_figure({"a": [term / 2, term[:4] / 2]})
    np.testing.assert_allclose(figure.axes[0].lines[-1].get_ydata(), 50 * term[:4])


def test_the_arcs_have_six_panels_in_the_order_of_the_paper(tmp_path):
    figure = make_arcs()
    picture, texts = drawn(figure, tmp_path)
    assert [text for text in texts if text.startswith("(")] == [
        "(a) data, by mode", "(b) ours", "(c) theirs", "(d) latents", "(e) latents", "(f) latents",
    ]  # fmt: skip
    assert "1, 2" in texts
    assert "log density, nats" in texts
    assert all(has_colour(picture, style.colour(arc)) for arc in range(5))
    ellipses = figure.axes[3].patches
    assert [(patch.width, patch.height) for patch in ellipses[:2]] == [(2, 2), (4, 4)]


@pytest.mark.parametrize("channels", [1, 3])
def test_every_image_stands_in_its_row_and_column(channels, tmp_path):
    rows = np.zeros((2, 3, 8, 8, channels))
    rows[1, 2] = 1
    figure = figures.image_rows([{"title": "t", "rows": rows, "names": ["0", "1"], "columns": ["a", "b", "c"]}])
    _, texts = drawn(figure, tmp_path)
    assert texts.count("t") == 1
    assert {"0", "1", "a", "b", "c"} <= set(texts)
    sheet = np.asarray(figure.axes[0].images[0].get_array())
    assert sheet.shape[:2] == (16, 24)
    assert sheet[8:, 16:].all()
    assert sheet.sum() == 64 * channels
    edges = sorted(line.get_xdata()[0] for line in figure.axes[0].lines if len(set(line.get_xdata())) == 1)
    assert edges == [7.5, 15.5]  # a bar through a whole row would be one picture


def sheets(panels):
    return [np.asarray(axes.images[0].get_array()) for axes in figures.image_rows(panels).axes]


def test_images_of_any_range_are_seen_by_one_scale():
    rows = np.linspace(-1, 1, 2 * 3 * 8 * 8).reshape(2, 3, 8, 8, 1)
    panel = {"title": "t", "rows": rows, "names": ["0", "1"]}
    first, second = sheets([panel, {**panel, "rows": rows / 2}])
    assert (first.min(), first.max()) == (0, 1) and len(np.unique(first)) == rows.size
    assert (second.min(), second.max()) == pytest.approx((0.25, 0.75))
    # Those of [0, 1] are what they are, whatever they span.
    (dark,) = sheets([{**panel, "rows": rows / 4 + 0.25}])
    assert (dark.min(), dark.max()) == (0, 0.5)
    (over,) = sheets([{**panel, "rows": 0.5 + 0.52 * rows}])
    assert (over == 0).mean() == pytest.approx(0.02, abs=0.005)
    (stored,) = sheets([{**panel, "rows": np.full(rows.shape, 51, "uint8")}])
    assert stored == pytest.approx(0.2)


@pytest.mark.parametrize("shape", [(2, 3, 8, 8, 2), (2, 3, 8, 8, 4), (2, 3, 8, 8)])
def test_rows_that_are_no_images_are_named(shape):
    with pytest.raises(InputError, match=r"The rows of 'walks' must be images, .* Received: \(2, 3, 8, 8"):
        figures.image_rows([{"title": "walks", "rows": np.zeros(shape), "names": ["0", "1"]}])


def test_samples_of_a_run_on_other_values_are_scaled():
    model = tf_gmvae.GMVAE.from_preset("digits", num_components=2, likelihood="gaussian", seed=0)
    for axes in run_figures.samples_figure(model, 0, walks=True).axes:
        shown = np.asarray(axes.images[0].get_array())
        assert (shown == 0).mean() < 0.05 and (shown == 1).mean() < 0.05


@pytest.mark.parametrize("num_rows", [1, 30, 100])
def test_any_number_of_components_fits_a_page(num_rows):
    rows = np.zeros((num_rows, 10, 8, 8, 1))
    names = [str(row) for row in range(num_rows)]
    figure = figures.image_rows([{"title": "t", "rows": rows, "names": names}] * 2)
    width, height = figure.get_size_inches()
    assert width <= style.PAGE
    assert height <= 9.1


@pytest.mark.parametrize(("num_rows", "shape"), [(60, (8, 8)), (100, (8, 8)), (10, (8, 40)), (10, (40, 8))])
def test_images_of_any_shape_fill_the_page_and_no_text_lies_over_another(num_rows, shape):
    panel = {"title": "(a) samples at w = 0", "names": [str(row) for row in range(num_rows)]}
    walk = {**panel, "title": "(b) walk through w, deviations", "columns": [f"{w:+d}" for w in range(-3, 4)]}
    images = (np.zeros((num_rows, count, *shape, 1)) for count in (10, 7))
    figure = figures.image_rows(
        [{**panel, "rows": rows} for panel, rows in zip((panel, walk), images, strict=True)]
    )
    figure.draw_without_rendering()
    titles = [text.get_window_extent() for text in figure.findobj(Text) if text.get_text().startswith("(")]
    assert titles[0].x1 < titles[1].x0 and titles[1].x1 <= figure.bbox.x1
    for axes in figure.axes:
        assert axes.get_window_extent().height > 0.5 * figure.bbox.height
        for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
            boxes = [label.get_window_extent() for label in labels]
            assert not any(one.overlaps(other) for one, other in itertools.pairwise(boxes))


def test_forty_classes_look_different():
    assert len({(style.colour(index), style.marker(index)) for index in range(64)}) == 64


def test_a_figure_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(OSError):
        figures.save(make_images(), tmp_path / "good.png", tmp_path / "missing" / "bad.svg")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["figure", "figure.", "figure.txt"])
def test_a_figure_of_no_format_is_refused_by_its_name(name, tmp_path):
    with pytest.raises(InputError, match=rf"{name} must end in the name of a format, .png, .svg or .pdf"):
        figures.save(make_images(), tmp_path / "good.png", tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_users_settings_of_matplotlib_change_nothing(tmp_path):
    import matplotlib

    before, _ = drawn(make_images(), tmp_path)
    with matplotlib.rc_context({"font.size": 30, "savefig.dpi": 20}):
        after, _ = drawn(make_images(), tmp_path)
        assert matplotlib.rcParams["font.size"] == 30
    np.testing.assert_array_equal(before, after)


def test_components_that_coincide_are_one():
    means = np.array([[0.0, 0], [5, 0], [0, 0.5], [0, 1.0], [5, 0]])
    log_vars = np.array([[0.0, 0], [0, 0], [0, 0], [0, 0], [4, 4]])
    # 0 and 3 are not close enough themselves, but 2 lies between; 4 has the place of 1, not its width.
    assert diagnostics.merged_components(means, log_vars) == [[0, 2, 3], [1], [4]]
    one = np.linspace(-9, 9, 20001)
    densities = [np.exp(-0.5 * (one - mean) ** 2) / math.sqrt(2 * math.pi) for mean in (0.0, 0.92)]
    overlap = np.sqrt(densities[0] * densities[1]).sum() * (one[1] - one[0])
    assert overlap == pytest.approx(diagnostics.COINCIDING, abs=1e-3)


def command(folder, *arguments):
    return run_warm("-m", "train.figures", *arguments, f"--figures_dir={folder}")


@pytest.mark.slow
def test_lambda_holds_the_components_apart_that_the_plain_elbo_merges():
    """Fig. 2 and 3 in a third of their epochs."""
    dataset = arcs_training.load(seed=0)
    collapsed, cured = (arcs_training.train(dataset, bound, 20, seed=0) for bound in (0.0, 1.5))
    for training in (collapsed, cured):
        assert training.steps.tolist() == list(range(10, 1010, 10))
    assert collapsed.z_prior[-1] < 0.01
    assert collapsed.spread is None
    assert cured.z_prior[0] < 1.5 < cured.z_prior[-1]
    test = dataset.test
    end = arcs_training.snapshot(cured.model, test.examples)
    spread = len(diagnostics.merged_components(*cured.spread[1:]))
    assert len(diagnostics.merged_components(*end[1:])) < spread
    posterior = cured.model.predict(test.examples, verbose=0)
    assert tf_gmvae.evaluation.majority_accuracy(posterior, test.labels) >= 0.95
    merged = arcs_training.snapshot(collapsed.model, test.examples)
    assert diagnostics.merged_components(*merged[1:]) == [list(range(10))]


@pytest.mark.slow
def test_figures_2_and_3_show_what_the_paper_says(tmp_path):
    once, twice = tmp_path / "once", tmp_path / "twice"
    process = command(once, "--figure=2,3")
    assert process.returncode == 0, process.stderr[-3000:]
    record = json.loads((once / "figure2.json").read_text())
    assert record["without_constraint"]["z_prior"] < 0.01
    assert len(record["without_constraint"]["components_that_coincide"]) == 1
    for outcome in (record["with_constraint"], record["with_constraint_and_learned_noise"]):
        assert outcome["accuracy_majority"] >= 0.95
        assert sorted(map(len, outcome["components_that_coincide"])) == [2, 2, 2, 2, 2]
    likelihoods = record["test_log_likelihood"]
    assert likelihoods["gmvae"] > likelihoods["gaussian_mixture_10"] > likelihoods["gaussian_mixture_5"]
    assert json.loads((once / "figure3.json").read_text())["step_at_which_lambda_was_reached"] > 10
    names = {f"figure{number}.{suffix}" for number in (2, 3) for suffix in ("png", "svg", "json")}
    assert {path.name for path in once.iterdir()} == names
    assert command(twice, "--figure=2,3").returncode == 0
    for name in names:
        assert (once / name).read_bytes() == (twice / name).read_bytes(), name


@pytest.mark.slow
def test_components_that_stay_apart_are_not_said_to_merge(tmp_path, monkeypatch):
    monkeypatch.setattr(arcs_figures, "DENSITY_SAMPLES", 100)
    monkeypatch.setattr(arcs_figures, "GRID", arcs_figures.GRID[::20])
    dataset = arcs_training.load(seed=0)
    one, apart = (tf_gmvae.GMVAE.from_preset("synthetic", num_components=10, seed=0) for _ in range(2))
    zeros = np.zeros((10, one.latent_dim))
    spread = 9.0 * np.eye(10, one.latent_dim) * np.arange(1, 11)[:, None]
    for model, means in ((one, zeros), (apart, spread)):
        model.compile("adam")
        model.prior_head.assign_components(
            means, np.zeros((10, model.style_dim, model.latent_dim)), zeros, others=0.0
        )
    for model, expected in ((one, "(d) plain ELBO: merged"), (apart, "(d) plain ELBO")):
        run = arcs_training.ArcsTraining(model, 0.0, np.arange(1, 3), np.zeros(2), None)
        figure, _ = arcs_figures.figure2(dataset, run, run, model, 0)
        assert expected in drawn(figure, tmp_path)[1]


def test_the_density_of_a_gmvae_is_one_in_all():
    dataset = arcs_training.load(seed=0)
    model = tf_gmvae.GMVAE.from_preset("synthetic", seed=0)
    grid = np.linspace(-8, 8, 41, dtype="float32")
    points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    log_density = arcs_figures.log_density(model, points, seed=0)
    assert np.exp(log_density).sum() * (grid[1] - grid[0]) ** 2 == pytest.approx(1, abs=0.01)
    # Importance sampling from q is another way to the same number.
    points = dataset.test.examples[:20] / arcs_training.SCALE
    np.testing.assert_allclose(
        arcs_figures.log_density(model, points, seed=0), model.log_likelihood(points, 5000), atol=0.05
    )


@pytest.fixture
def table1(finished, tmp_path):
    """A table of Table 1 beside its only run."""
    runs = tmp_path / "runs"
    shutil.copytree(finished.run, runs / finished.run.name)
    metrics = json.loads((finished.run / "metrics.json").read_text())
    rows = [table1_report.row(Row("gmvae", 10, 1), [metrics]), table1_report.row(Row("gmvae", 10, 10), [])]
    del rows[0]["method"]  # as tables of earlier versions are
    (runs / "table1.json").write_text(json.dumps({"rows": rows}, indent=2))
    return runs / "table1.json"


def test_figures_of_runs_are_made_and_made_alike(table1, finished, tmp_path):
    run = finished.run
    process = command(tmp_path / "by_command", "--figure=4,5", f"--table1={table1}", f"--run={run}")
    assert process.returncode == 0, process.stderr
    here = tmp_path / "here"
    here.mkdir()
    drawn(figures.accuracy_figure(run_figures.read_curves(table1)), here, "figure4")
    model = run_figures.image_model(run, "5")
    _, texts = drawn(run_figures.samples_figure(model, seed=0, walks=True), here, "figure5")
    assert {
        "(a) samples at w = 0",
        "(b) walk through w, deviations",
        "0",
        "1",
        "9",
        "\N{MINUS SIGN}3",
        "+3",
    } <= set(texts)
    assert "K = 10, M = 1" in (here / "figure4.svg").read_text()
    assert "K = 10, M = 10" not in (here / "figure4.svg").read_text()
    names = {path.name for path in here.iterdir()}
    assert {path.name for path in (tmp_path / "by_command").iterdir()} == names
    for name in names:
        assert (here / name).read_bytes() == (tmp_path / "by_command" / name).read_bytes(), name


def test_walks_through_w_follow_what_moves_a_component():
    model = tf_gmvae.GMVAE.from_preset("digits", num_components=2, seed=0)
    means = np.zeros((2, 32))
    loadings = np.zeros((2, 2, 32))
    loadings[0, 1, 5], loadings[1, 0, 7] = 1, 1  # w_1 moves component 0, w_0 moves component 1
    model.prior_head.assign_components(means, loadings, np.zeros((2, 32)), others=0.0)
    walks = drawing.walks(model, [1, 0], [-1.0, 0, 1], num_lines=2)
    assert walks.shape == (2, 2, 3, 8, 8, 1)
    for k, w in ((0, [0, 1]), (1, [1, 0])):
        x = model.mixture_prior(np.array([w + [0] * 14], "float32"))[0][0, k]
        expected = model.likelihood.mean(model.decode(x[None]))[0]
        np.testing.assert_allclose(walks[1 - k, 0, 2], expected, atol=1e-5)
    planes = drawing.planes(model, [1, 0], [-1.0, 0, 1])
    assert planes.shape == (2, 3, 3, 8, 8, 1)
    np.testing.assert_allclose(planes[:, 1], walks[:, 0], atol=1e-5)  # along the first line
    np.testing.assert_allclose(planes[:, :, 1], walks[:, 1], atol=1e-5)  # and along the second


def test_a_plane_of_styles_of_one_dimension_is_a_line():
    model = tf_gmvae.GMVAE.from_preset("digits", num_components=3, style_dim=1, seed=0)
    places = [-1.0, 0, 1, 2]
    planes = drawing.planes(model, [2], places)
    np.testing.assert_allclose(planes, drawing.walks(model, [2], places), atol=1e-5)


def broken(table1, folder):
    """Cases of misuse, each with a part of the sentence that answers it."""
    (folder / "cut.json").write_text(table1.read_text()[:40])
    (folder / "other.json").write_text("[1]")
    (folder / "empty.json").write_text('{"rows": [{"num_components": 3, "num_samples": 1, "seeds": []}]}')
    shutil.copy(table1, folder / "alone.json")
    (folder / "file").write_text("")
    vectors = folder / "vectors"
    vectors.mkdir()
    (vectors / "run.flags").write_text("--dataset=synthetic\n")
    tf_gmvae.GMVAE.from_preset("synthetic", seed=0).save(vectors / "model.keras")
    unfinished = folder / "unfinished"
    unfinished.mkdir()
    (unfinished / "run.flags").write_text("--dataset=digits\n")
    return {
        ("--figure=7",): "--figure takes 2, 3, 4, 5, 6",
        ("--figure=",): "--figure takes",
        ("--figure=5,6", f"--run={vectors}"): "one at a time",
        ("--figure=4",): "give --table1=",
        ("--figure=4", f"--table1={folder / 'missing.json'}"): "missing.json cannot be read",
        ("--figure=4", f"--table1={folder / 'cut.json'}"): "cut.json is not a table",
        ("--figure=4", f"--table1={folder / 'other.json'}"): "other.json is not a table",
        ("--figure=4", f"--table1={folder / 'empty.json'}"): "no finished run",
        ("--figure=4", f"--table1={folder / 'alone.json'}"): "must lie beside",
        ("--figure=5",): "give --run=",
        ("--figure=5", f"--run={folder / 'nowhere'}"): "is not a run",
        ("--figure=5", f"--run={unfinished}"): "has not finished its first epoch",
        ("--figure=6", f"--run={vectors}"): "examples of shape (2,), and figure 6 shows images",
        ("--figure=2", f"--figures_dir={folder / 'file'}"): "file cannot be written",
    }


def test_bad_input_gets_a_sentence_and_leaves_nothing_behind(table1, tmp_path):
    check_refused("train.figures", broken(table1, tmp_path), tmp_path, f"--figures_dir={tmp_path / 'out'}")
