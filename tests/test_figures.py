"""The paper's figures: what is drawn, that it is drawn alike every time, and the command."""

import math
import re

import numpy as np
import pytest
from PIL import Image

import tf_gmvae
from tf_gmvae import diagnostics, figures
from tf_gmvae.figures import style
from tf_gmvae.figures.arcs import LatentSpace


def drawn(figure, folder, name="figure"):
    """PNG as an array (H, W, 3) and the texts of the SVG."""
    paths = [folder / f"{name}.{suffix}" for suffix in ("png", "svg")]
    figures.save(figure, *paths)
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", paths[1].read_text())
    return np.asarray(Image.open(paths[0]).convert("RGB")), texts


def same_bytes(make, folder):
    (folder / "again").mkdir()
    drawn(make(), folder)
    drawn(make(), folder / "again")
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
    return figures.five_arcs(
        split.examples, split.labels, grid, {"ours": density, "theirs": density - 1}, [space] * 3
    )


@pytest.mark.parametrize("make", [make_accuracies, make_terms, make_images, make_arcs])
def test_the_same_arrays_give_the_same_bytes(make, tmp_path):
    assert same_bytes(make, tmp_path)


def test_accuracies_are_drawn_with_the_names_of_their_settings(tmp_path):
    picture, texts = drawn(make_accuracies(), tmp_path)
    assert {"K = 10, M = 1", "K = 16, M = 1", "test accuracy, %", "epoch after the start"} <= set(texts)
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


@pytest.mark.parametrize("num_rows", [1, 30, 100])
def test_any_number_of_components_fits_a_page(num_rows):
    rows = np.zeros((num_rows, 10, 8, 8, 1))
    names = [str(row) for row in range(num_rows)]
    figure = figures.image_rows([{"title": "t", "rows": rows, "names": names}] * 2)
    width, height = figure.get_size_inches()
    assert width <= style.PAGE
    assert height <= 9.1


def test_forty_classes_look_different():
    assert len({(style.colour(index), style.marker(index)) for index in range(64)}) == 64


def test_a_figure_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(OSError):
        figures.save(make_images(), tmp_path / "good.png", tmp_path / "missing" / "bad.svg")
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
