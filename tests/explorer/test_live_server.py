"""All examples of a run, served to this machine alone: by real sockets."""

import base64
import http.client
import io
import json
import os
import re
import shutil
import threading
import urllib.parse
from dataclasses import replace

import numpy as np
import pytest
from conftest import run_warm
from PIL import Image

import tf_gmvae
from tf_gmvae.errors import InputError
from train.run import answers, live
from train.run.live import Live
from train.run.live_server import HERE, LiveServer
from train.run.run import Run


@pytest.fixture(scope="module")
def served(finished, tmp_path_factory):
    """A server of the finished run, whose map has 40 of its 1,797 examples."""
    folder = shutil.copytree(finished.run, tmp_path_factory.mktemp("explored") / "run")
    patch = pytest.MonkeyPatch()
    patch.setattr(live, "MOST", 40)
    with LiveServer(0) as server:
        server.live = Live(Run.open(str(folder)))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
    patch.undo()


def ask(server, path, method="GET", body=None, **headers):
    """Status, headers and body of an answer; `path` follows the token, unless it begins with a slash."""
    connection = http.client.HTTPConnection(HERE, server.server_port, timeout=60)
    target = path if path.startswith("/") else f"/{server.token}/{path}"
    connection.putrequest(method, target, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


def asked(server, path):
    status, _, content = ask(server, path)
    assert status == 200, content
    return json.loads(content)


def put(server, content, **headers):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    if "If_Match" not in headers:
        headers["If_Match"] = server.live.revision()  # as a page that has just been loaded
    return ask(server, "kept", "PUT", body, **{"Content_Type": "application/json", **headers})


def test_it_listens_on_this_machine_alone(served):
    assert served.socket.getsockname()[0] == "127.0.0.1"
    assert served.address == f"http://127.0.0.1:{served.server_port}/{served.token}/"
    assert len(served.token) >= 32


@pytest.mark.parametrize(
    "path", ["/", "/find?id=1", "/{other}/", "/{short}/", "/{other}/picture/1", "/{token}x/", "/%00/"]
)
def test_without_the_token_nothing_is_told(served, path):
    token = served.token
    path = path.format(token=token, short=token[:-1], other=token[::-1])
    for method in ("GET", "PUT"):
        status, _, content = ask(served, path, method, b"{}")
        assert status == 403 and token.encode() not in content and b"<" not in content


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", ""]
)
def test_a_name_that_points_here_is_no_way_in(served, host):
    host = host.format(port=served.server_port)
    for method, path in (("GET", ""), ("GET", "find?id=1"), ("PUT", "kept")):
        assert ask(served, path, method, b"{}", Host=host)[0] == 403
    assert ask(served, "find?id=1", Host=f"localhost:{served.server_port}")[0] == 200


def test_the_page_has_its_policy_in_the_answer_too(served):
    status, headers, content = ask(served, "")
    assert status == 200 and headers["Content-Type"].startswith("text/html")
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert "connect-src 'self'" in policy
    assert headers["Referrer-Policy"] == "no-referrer" and headers["X-Content-Type-Options"] == "nosniff"
    assert served.token.encode() not in content
    assert b'"total":1797' in content and b'"count":40' in content


def test_cluster_and_certainty_are_those_of_the_files(served, monkeypatch):
    shared = {"cluster": (served.live.answers["cluster"] + 1) % 10, "probability": np.full(1797, 0.75, "float32")}
    monkeypatch.setattr(served.live, "answers", {**served.live.answers, **shared})
    found = asked(served, "example/7")
    assert (found["cluster"], found["certainty"]) == (shared["cluster"][7], 0.75)
    known = served.live._contents()
    cluster = np.frombuffer(base64.b64decode(known["cluster"]), "<u2")
    np.testing.assert_array_equal(cluster, shared["cluster"][served.live.rows])
    assert {card["certainty"] for card in known["cards"]} <= {0.75, None}


def test_every_example_is_told_of(served):
    model, digits = served.live.run.model, tf_gmvae.data.load("digits")
    for row, split, number in ((0, digits.train, 0), (1437, digits.train, 1437), (1438, digits.test, 0)):
        found = asked(served, f"example/{row}")
        example = split.take(np.array([number]))
        posterior = model.predict(example.examples, verbose=0)[0]
        assert (found["row"], found["id"], found["part"]) == (row, str(number), "train" if row < 1438 else "test")
        assert found["cluster"] == posterior.argmax() and found["label"] == str(example.labels[0])
        for k, p in found["posterior"]:
            assert p == pytest.approx(posterior[k], abs=1e-5)
        distance = ((served.live.findings.x - model.embed(example.examples).x) ** 2).sum(axis=1)
        nearest = [r for r in served.live.rows[np.argsort(distance)] if r != row][:12]
        assert [near["row"] for near in found["neighbours"]] == nearest
        wanted = {"picture": example.examples, "reconstruction": model.reconstruct(example.examples)}
        for kind, images in wanted.items():
            status, headers, content = ask(served, f"{kind}/{row}")
            assert status == 200 and headers["Content-Type"] == "image/png"
            np.testing.assert_allclose(Image.open(io.BytesIO(content)), 255 * images[0, :, :, 0], atol=1)


def test_members_and_ids_are_those_of_all_examples(served):
    told = served.live.answers
    counts = np.bincount(told["cluster"], minlength=10)
    k = int(counts.argmax())
    whole = asked(served, f"members/{k}?from=0&size=500")
    assert whole["count"] == len(whole["members"]) == counts[k]
    certainty = [member["certainty"] for member in whole["members"]]
    assert certainty == sorted(certainty, reverse=True)
    assert {member["row"] for member in whole["members"]} == set(np.flatnonzero(told["cluster"] == k))
    assert asked(served, f"members/{k}?from=3&size=2")["members"] == whole["members"][3:5]
    assert [(each["part"], each["row"]) for each in asked(served, "find?id=7")] == [("train", 7), ("test", 1445)]
    assert asked(served, f"find?id={urllib.parse.quote('<b>')}") == []


@pytest.mark.parametrize(
    "path",
    [
        "example/1797",
        "example/-1",
        "example/x",
        "example/1/2",
        "members/10",
        "../run.flags",
        "picture/",
        "kept",
        "x",
    ],
)
def test_what_is_not_there_is_not_found(served, path):
    assert ask(served, path)[0] == 404


def test_names_and_marks_are_kept_with_the_run(served):
    file = served.live.run.folder.kept
    assert not file.exists()
    marked = [{"id": "3", "split": "test", "cluster": 1, "name": ""}]
    content = {"names": [{"cluster": 1, "name": "\u00e9ins"}], "marked": marked}
    for origin in ({}, {"Origin": f"http://127.0.0.1:{served.server_port}"}):
        assert put(served, content, **origin)[0] == 200
        assert json.loads(file.read_text(encoding="utf-8")) == content
    assert b"\\u00e9ins" in ask(served, "")[2]  # there again when the page is opened again
    before = file.read_bytes()
    for status, answer in (
        (403, put(served, content, Origin="http://evil.example")),
        (403, put(served, content, Origin="null")),
        (400, put(served, b"{")),
        (400, put(served, b"[" * 10**5)),
        (400, put(served, {"names": [{"cluster": 10, "name": "x"}]})),
        (400, put(served, content, Content_Type="text/plain")),
        (400, ask(served, "other", "PUT", b"{}", Content_Type="application/json")),
        (400, ask(served, "kept", "PUT", None, Content_Type="application/json", Content_Length=str(2**40))),
    ):
        assert answer[0] == status
    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.glob("explorer*")) == ["explorer.html", "explorer.json"]


def test_what_another_page_has_kept_is_not_written_over(served):
    file, run = served.live.run.folder.kept, served.live.run.folder
    shown = re.search(rb'"revision": ?"(\w+)"', ask(served, "")[2]).group(1).decode()
    assert shown == served.live.revision()
    first, second = ({"names": [{"cluster": k, "name": f"of page {k}"}], "marked": []} for k in (2, 3))
    status, _, told = put(served, first, If_Match=shown)
    assert status == 200
    assert put(served, second, If_Match=shown)[::2] == (
        409,
        b"Another page has kept names or marks since: load this page again.\n",
    )
    assert json.loads(file.read_text()) == first
    # The page that kept them goes on, and so does one that is loaded again.
    assert put(served, second, If_Match=json.loads(told)["revision"])[0] == 200
    assert json.loads(file.read_text()) == second
    # A run in its place, whose clusters are others.
    before = run.clusters_parquet.stat()
    run.clusters_parquet.touch()
    answer = put(served, first)
    os.utime(run.clusters_parquet, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert answer[::2] == (409, b"The run has been written anew: start train.explore again.\n")
    assert json.loads(file.read_text()) == second
    assert put(served, first)[0] == 200


def test_members_are_asked_for_by_whole_numbers(served):
    for query in ("from=x&size=2", "from=0&size=-1", "from=0&size=²", "from=0&size=" + "9" * 20):
        assert ask(served, f"members/1?{urllib.parse.quote(query, safe='=&')}")[0] == 400


def test_a_port_that_is_taken_is_told(served):
    taken = f"--port={served.server_port} cannot be had .*: give another, or leave it out"
    with pytest.raises(InputError, match=taken):
        LiveServer(served.server_port)


def test_answers_of_other_data_are_told(served, tmp_path):
    folder = shutil.copytree(served.live.run.folder.path, tmp_path / "run")
    run = Run.open(str(folder))
    written = {name: values[:7] for name, values in served.live.answers.items()}
    answers.write([written], folder / "clusters.parquet")
    with pytest.raises(InputError, match="has 7 rows, but there are 1,797 examples"):
        Live(run)
    (folder / "clusters.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"is damaged .*train\.evaluate --run=.*anew"):
        Live(run)
    (folder / "clusters.parquet").unlink()
    with pytest.raises(InputError, match=r"is missing, .*train\.evaluate --run="):
        Live(run)


def test_what_is_no_run_ends_in_a_sentence(tmp_path):
    process = run_warm("-m", "train.explore", f"--run={tmp_path}")
    assert process.returncode == 1
    assert process.stderr.strip().endswith(f"error: {tmp_path} is not a run: it has no run.flags.")


def test_odd_requests_are_answered(served):
    for content in ({"names": [], "marked": None}, {"names": [], "marked": 5}):
        status, _, told = put(served, content)
        assert status == 400 and told == b"These are no names and marks (its 'marked' is no list).\n"
    status, _, told = ask(served, f"/{served.token}///[")
    assert status == 400 and told.startswith(b"This is no address (")
    status, headers, _ = ask(served, f"/{served.token}")  # whose relative addresses would be others
    assert (status, headers["Location"]) == (301, f"/{served.token}/")


def test_one_part_may_have_labels_and_the_other_none(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(live, "MOST", 40)
    run = Run.open(str(shutil.copytree(finished.run, tmp_path / "run")))
    run = replace(run, dataset=replace(run.dataset, test=replace(run.dataset.test, labels=None)))
    explored = Live(run)
    assert explored.page().html
    first = run.dataset.train.num_examples
    assert [explored.example(row)["label"] for row in (0, first)] == [str(run.dataset.train.labels[0]), None]


def test_answers_of_other_examples_are_not_shown(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(live, "MOST", 40)
    shutil.copytree(finished.run, tmp_path / "run")
    (tmp_path / "run" / "examples.json").unlink()  # which runs of earlier versions do not have
    run = Run.open(str(tmp_path / "run"))
    train = run.dataset.train
    ids = np.arange(train.num_examples).astype(str)
    ids[[3, 7]] = ids[[7, 3]]
    sorted_anew = replace(run, dataset=replace(run.dataset, train=replace(train, ids=ids)))
    parts_exchanged = replace(
        run, dataset=replace(run.dataset, train=run.dataset.test, test=train), model=run.model
    )
    for other in (sorted_anew, parts_exchanged):
        with pytest.raises(InputError, match="is of other examples than the data hold now, or in another order"):
            Live(other)
