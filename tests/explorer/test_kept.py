"""Names and marks that the page to explore gives away: commands take them back, or say why not."""

import json

import pytest

from tf_gmvae.errors import InputError
from train.run import cluster_names, kept

GIVEN = {
    "names": [{"cluster": 1, "name": 'a "quoted", name'}, {"cluster": 2, "name": "7"}],
    "marked": [{"id": "x/1.png", "split": "test", "cluster": 0, "name": ""}],
}


def written(tmp_path, content):
    path = tmp_path / "run-explorer.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_the_file_of_the_page_names_clusters(tmp_path):
    named = cluster_names.read(written(tmp_path, GIVEN), 4, {})
    assert named == {"names": ["0", 'a "quoted", name', "7", "3"], "certainty": [None] * 4}


def test_a_name_that_was_taken_off_is_none(tmp_path):
    given = {"names": [{"cluster": 1, "name": ""}, {"cluster": 2, "name": "a"}]}
    assert kept.parse(json.dumps(given))["names"] == given["names"]
    assert cluster_names.read(written(tmp_path, given), 3, {})["names"] == ["0", "1", "a"]


def test_a_long_name_of_a_run_is_kept_and_taken_back_whole(tmp_path):
    long = "customers that buy often and late in the evening, mostly in the north, with codes " + "\U0001f319" * 20
    table = tmp_path / "names.csv"
    table.write_text(f'cluster,name\n0,"{long}"\n', encoding="utf-8")
    names = cluster_names.read(table, 2, {})["names"]
    of_page = {"names": [{"cluster": 0, "name": names[0]}, {"cluster": 1, "name": "others"}]}
    text = kept.as_text(kept.parse(json.dumps(of_page)), 2)
    assert cluster_names.read(written(tmp_path, text), 2, {})["names"] == [long, "others"]


def test_the_csv_of_the_page_names_clusters(tmp_path):
    path = tmp_path / "run-names.csv"
    path.write_text('"cluster","name"\n1,"a ""quoted"", name"\n2,"7"\n')  # as `csv` of elements.js writes it
    assert cluster_names.read(path, 4, {})["names"] == ["0", 'a "quoted", name', "7", "3"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is damaged or not names and marks of an explorer"),
        ("[]", "has no list 'names'"),
        ({"names": [{"cluster": "1", "name": "a"}]}, "an entry lacks one of cluster, name"),
        ({"names": [{"cluster": True, "name": "a"}]}, "an entry lacks one of cluster, name"),
        ({"names": [], "marked": [{"id": "1"}]}, "an entry lacks one of id, split, cluster, name"),
        ({"names": [{"cluster": 1, "name": "a" * 10_001}]}, "a name is longer than 10,000 letters"),
        ({"names": [], "marked": None}, "its 'marked' is no list"),
        ({"names": [], "marked": 5}, "its 'marked' is no list"),
        ({"names": []}, "names no cluster: name one on the page"),
        ({"names": [{"cluster": 1, "name": ""}]}, "names no cluster: name one on the page"),
        ({"names": [{"cluster": 9, "name": "a"}]}, "has the cluster '9', but clusters are 0 to 3"),
    ],
)
def test_what_is_no_such_file_is_told_in_a_sentence(tmp_path, content, says):
    with pytest.raises(InputError, match=says) as caught:
        cluster_names.read(written(tmp_path, content), 4, {})
    assert "run-explorer.json" in str(caught.value)


def test_only_what_is_known_is_kept():
    text = kept.as_text(kept.parse(json.dumps({**GIVEN, "more": "x"})), 3)
    assert json.loads(text) == GIVEN
    with pytest.raises(InputError, match="There is no cluster 2: they are 0 to 1."):
        kept.as_text(kept.parse(json.dumps(GIVEN)), 2)
