"""The page to explore in a real browser; `make test-browser` runs these, with Chromium on the machine."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, run_warm
from support.chromium import CONTRAST, OVERFLOW
from test_explorer_page import HOSTILE, Read, exploration, images, numbers

from tf_gmvae.explorer import render

pytestmark = pytest.mark.browser

TABS = ("Clusters", "Example", "Group", "Styles", "Take away")
# Every control has a name for those who hear the page.
NAMELESS = """[...document.querySelectorAll('button, input, select, canvas[role], img')].filter(each =>
  each.offsetParent && !(each.ariaLabel || each.textContent.trim() || each.alt || each.labels?.length))
  .map(each => each.outerHTML.slice(0, 90))"""

# The picture of an example is more than black.
DRAWN = """() => {
  const canvas = document.querySelector('#panel-example canvas[role=img]');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, i) => i % 4 < 3 && value > 0);
}"""


@pytest.fixture
def opened(browser, tmp_path):
    """Function that opens a page or an address, and a list of what went wrong in the pages."""
    wrong, contexts = [], []

    def open_(page_or_address, width=1280, scheme="light"):
        address = str(page_or_address)
        if not address.startswith("http"):
            path = page_or_address
            if not os.path.isfile(path):
                path = tmp_path / "made.html"
                path.write_text(page_or_address, encoding="utf-8")
            address = path.as_uri()
        size = {"width": width, "height": 844}
        context = browser.new_context(viewport=size, color_scheme=scheme, has_touch=width < 500)
        contexts.append(context)
        page = context.new_page()
        own = ("data:", "blob:", address)
        page.on("request", lambda sent: None if sent.url.startswith(own) else wrong.append(sent.url))
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address)
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def run(finished, tmp_path):
    """A copy of the finished run."""
    return shutil.copytree(finished.run, tmp_path / "run")


def table(count=80):
    rows = np.random.default_rng(0).normal(size=(count, 3)).astype("float32")
    names = [("a column with quite a long name", ()), ("kind", ("red", "green")), ("weight", ())]
    return render(exploration(rows, num_components=4, columns=names)).html


def tab(page, name):
    page.get_by_role("tab", name=name).click()


def lasso(page, *corners):
    """Draws around a part of the map, whose corners are shares of its width and height."""
    page.get_by_text("draw a lasso", exact=True).first.click()
    box = page.locator("#map").bounding_box()
    places = [(box["x"] + left * box["width"], box["y"] + top * box["height"]) for left, top in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def saved(page, name, folder):
    """The file that a button of "Take away" gives."""
    tab(page, "Take away")
    with page.expect_download() as download:
        page.locator(f"[data-file='{name}']").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("kind", ["digits", "table"])
def test_every_part_opens_cleanly(opened, finished, kind, width, scheme):
    page = opened(finished.run / "explorer.html" if kind == "digits" else table(), width, scheme)
    for name in TABS:
        if name == "Example":
            page.locator("#map").focus()
            page.keyboard.press("ArrowRight")
            page.wait_for_selector("#panel-example h2")
        if name == "Group":
            tab(page, name)
            page.locator("#panel-group button").first.click()
        tab(page, name)
        assert page.evaluate(OVERFLOW) <= 0, name
        assert page.evaluate(CONTRAST) >= 4.5, name
        assert page.evaluate(NAMELESS) == [], name
    tab(page, "Clusters")
    page.locator("[data-cluster]").first.click()
    assert page.evaluate(OVERFLOW) <= 0
    dark = sum(map(int, page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)"))) < 200
    assert dark == (scheme == "dark")


def test_a_point_is_told_of_and_leads_to_its_neighbours(opened, finished):
    page = opened(finished.run / "explorer.html")
    known = Read((finished.run / "explorer.html").read_text(encoding="utf-8")).known
    page.locator("#map").focus()
    page.keyboard.press("ArrowDown")
    panel = page.locator("#panel-example")
    first = panel.locator("h2").text_content()
    number = known["ids"].index(first)
    near = numbers(known["near"], "uint32").reshape(known["count"], -1)[number]
    told = [int(each.get_attribute("data-row")) for each in panel.locator("[data-row]").all()]
    assert told == near.tolist()
    cluster = numbers(known["cluster"], "uint16")[number]
    assert panel.locator("dd").first.text_content() == f"Cluster {cluster}"
    assert panel.locator(".bars .what").first.text_content() == f"Cluster {cluster}"
    assert panel.get_by_label(f"Reconstruction of example {first}").is_visible()
    panel.locator("[data-row]").first.click()
    assert panel.locator("h2").text_content() == known["ids"][near[0]]
    # The picture is that of the example, drawn from its sheet.
    page.wait_for_function(DRAWN)
    panel.locator("dd button").click()
    assert page.locator("#cluster-title").text_content().startswith("Cluster ")
    page.get_by_role("button", name="All clusters").click()
    page.locator("#certainty-low").fill("0.9")
    sure = int((numbers(known["certainty"], "float32") >= np.float32(0.9)).sum())
    assert page.locator("#counted").text_content() == f"{sure} of {known['count']} are on the map."
    page.get_by_role("button", name="Show none").click()
    assert page.locator("#empty").is_visible()


def test_names_and_marks_are_taken_away_and_taken_back(opened, run, tmp_path):
    page = opened(run / "explorer.html")
    known = Read((run / "explorer.html").read_text(encoding="utf-8")).known
    name = 'a "quoted", <b>name</b>'
    for k, text in ((2, name), (4, "four"), (5, "four")):
        page.locator(f"[data-cluster='{k}']").click()
        page.locator("#cluster-name").fill(text)
        page.get_by_role("button", name="Set").click()
        page.get_by_role("button", name="All clusters").click()
    lasso(page, (0.005, 0.005), (0.5, 0.005), (0.5, 0.995), (0.005, 0.995))
    page.get_by_label("What they should be called").fill("left")
    page.get_by_role("button", name="Mark as wrong").click()
    with saved(page, "marked.csv", tmp_path).open(newline="", encoding="utf-8") as file:
        marked = list(csv.DictReader(file))
    assert list(marked[0]) == ["id", "split", "cluster", "name"]
    assert {(row["split"], row["name"]) for row in marked} == {("test", "left")}
    ids, x = [row["id"] for row in marked], numbers(known["x"], "uint16")
    inside = np.isin(known["ids"], ids)
    assert 0 < inside.sum() < known["count"] and x[inside].max() < x[~inside].min()
    for form in ("names.csv", "explorer.json"):
        file = saved(page, form, tmp_path)
        assert file.name == f"k10-m1-seed0-{form}"
        (run / "clusters.json").unlink()
        process = run_warm("-m", "train.evaluate", f"--run={run}", f"--names={file}", "--nofloors")
        assert process.returncode == 0, process.stderr
        names = json.loads((run / "clusters.json").read_text())["names"]
        assert names == ["0", "1", name, "3", "four", "four", "6", "7", "8", "9"]
    other = opened(run / "explorer.html")
    tab(other, "Take away")
    other.locator("#take-back").set_input_files(tmp_path / "k10-m1-seed0-explorer.json")
    other.get_by_text(f"Marked as wrong: {len(marked)}").wait_for()
    assert json.loads(saved(other, "explorer.json", tmp_path).read_text()) == json.loads(file.read_text())


def test_the_hostile_are_shown_and_harm_nothing(opened):
    ids = np.array([f"{text} {i}" for i in range(10) for text in HOSTILE])
    made = exploration(images(40), num_components=4, ids=ids, names=HOSTILE, total=90_000)
    object.__setattr__(made.findings, "class_names", HOSTILE[:2])
    page = opened(render(made).html)
    assert "40 of 90,000 examples, drawn," in page.locator("#about").text_content()
    page.locator("#map").focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#panel-example h2").text_content() in ids
    for name in TABS:
        tab(page, name)
    page.get_by_text("label", exact=True).first.click()
    tab(page, "Clusters")
    page.locator("[data-cluster]").first.click()
    page.locator("#cluster-name").fill(HOSTILE[1])
    page.keyboard.press("Enter")
    assert page.locator("#cluster-title").text_content().startswith(HOSTILE[1])
    assert page.evaluate("window.harmed") is None
    assert page.evaluate("document.querySelectorAll('script').length") == 2


def test_the_policy_stops_what_is_not_its_own(browser, tmp_path):
    """If a text did become markup, it would not run all the same."""
    path = tmp_path / "broken.html"
    added = f"<main>{HOSTILE[1]}<script>window.harmed=1</script>"
    path.write_text(render(exploration(images(20))).html.replace("<main>", added))
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    page.wait_for_timeout(300)
    assert page.evaluate("window.harmed") is None
    page.close()


def test_a_run_is_explored_live_by_the_real_command(opened, run):
    command = [sys.executable, "-m", "train.explore", f"--run={run}"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = next(line for line in process.stdout if line.startswith("Open "))
        page = opened(said.removeprefix("Open ").strip())
        assert "1,797 examples of digits (test and train)" in page.locator("#about").text_content()
        tab(page, "Example")
        page.locator("#find").fill("7")
        page.keyboard.press("Enter")
        page.locator("#panel-example [data-row='7']").click()
        page.get_by_role("button", name="Mark as wrong").click()
        decoded = page.get_by_alt_text("Reconstruction of example 7")
        assert decoded.evaluate("each => each.decode().then(() => each.naturalWidth)") == 8
        tab(page, "Clusters")
        page.locator("[data-cluster='3']").click()
        page.locator("#cluster-name").fill("three")
        page.keyboard.press("Enter")
        page.get_by_text("Kept in the folder of the run.").wait_for()
        page.close()  # pictures that are still to come would be errors in it
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and errors.strip() == "Stopped."
    kept = json.loads((run / "explorer.json").read_text())
    assert kept["names"] == [{"cluster": 3, "name": "three"}]
    assert [(mark["id"], mark["split"]) for mark in kept["marked"]] == [("7", "train")]
