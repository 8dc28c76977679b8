"""The registry over the API: names, versions, aliases that people move, cards, graphs and files."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import onnx
import pytest
from starlette.testclient import TestClient
from tests.console import published
from tests.console.api.test_runs import get
from tests.console.conftest import Guest

from aimass.console.access import audit
from aimass.console.looks import ask
from aimass.console.once import Once
from aimass.console.place import Place
from aimass.runner.workspace import Workspace

NOWHERE = ["/models/none", "/models/flights/99", "/models/flights/99/graph", "/models/..%2f..%2fetc/1", "/models/%25/1"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a workspace with releases, made once."""
    space = Workspace(tmp_path_factory.mktemp("made") / "space")
    published.registry(space)
    space.catalog.engine.dispose()
    return space.folder


@pytest.fixture(autouse=True)
def copied(made: Path, tmp_path: Path) -> None:
    """Before the console opens it."""
    shutil.copytree(made, tmp_path / "space")


@pytest.fixture
def space(place: Place) -> Workspace:
    return place.workspace


def test_the_registry_says_what_is_in_use_and_how_good_it_is(admin: TestClient, space: Workspace) -> None:
    [row] = get(admin, "/models")["rows"]
    assert (row["name"], row["versions"], row["newest"], row["used"]) == ("flights", 2, 2, 2)
    assert [(one["alias"], one["number"]) for one in row["aliases"]] == [("champion", 2)]
    assert row["figures"]["metric"] == "roc_auc" and row["figures"]["size_bytes"] == 403_531
    assert row["figures"]["quality"]["low"] < row["figures"]["quality"]["value"] < row["figures"]["quality"]["high"]


def test_names_come_page_by_page_and_by_text(admin: TestClient, space: Workspace) -> None:
    for name in ("reviews", "fl_ghts"):
        space.catalog.add_version(name, "a" * 64)
    first = get(admin, "/models", limit=1)
    rest = get(admin, "/models", limit=5, after=first["next"])
    assert [row["name"] for row in first["rows"] + rest["rows"]] == ["fl_ghts", "flights", "reviews"]
    assert rest["next"] is None and rest["rows"][1]["figures"] is None, "its bytes are not there"
    assert [row["name"] for row in get(admin, "/models", text="L_G")["rows"]] == ["fl_ghts"]


def test_a_version_has_a_card_with_all_that_argues_for_it(admin: TestClient, space: Workspace) -> None:
    card = get(admin, "/models/flights/2")
    assert (card["candidate"], card["metric"], card["target"], card["aliases"]) == (
        "mlp",
        "roc_auc",
        "late",
        ["champion"],
    )
    assert (card["previous"], card["next"], card["classes"]) == (1, None, ["false", "true"])
    assert [gate["gate"] for gate in card["gates"]] == ["budgets"] and card["gates"][0]["passed"]
    assert [(line["budget"], line["met"]) for line in card["goal"]] == [
        ("floor", True),
        ("p99_ms", True),
        ("size_mb", True),
    ]
    assert card["figures"]["p99_ms"]["value"] == 2.2 and card["machine"]["cores"] == 2
    assert [node["step"] for node in card["data"]] == ["collect"] and card["run"] > 0
    assert {file["name"] for file in card["files"]} >= {"model.onnx", "ledger.json", "release.json"}
    assert card["columns"][1] == {"name": "distance", "dtype": "float64", "kind": "number", "sent": "number",
                                  "unit": "miles", "values": []}  # fmt: skip


def test_an_imported_model_without_a_ledger_has_a_card_too(admin: TestClient, place: Place) -> None:
    files = {"release.json": '{"name": "old", "model": "m", "ledger": null, "gates": []}', "model.onnx": b"no graph"}
    place.catalog.add_version("old", published.by_hand(place.workspace, "release", "publish", files, []).digest)
    card = get(admin, "/models/old/1")
    assert (card["figures"], card["ledger"], card["data"], card["engine"]) == (None, None, [], {"use": "onnxruntime"})
    assert admin.get("/api/v1/models/old/1/report").status_code == 200
    done = admin.get("/api/v1/models/old/1/graph")
    assert (done.status_code, done.json()["expected"]) == (503, "model.onnx"), "and it is said why"


def test_a_ledger_that_says_little_hides_no_card(admin: TestClient, place: Place) -> None:
    files = {"ledger.json": '{"goal": [{"what": "p99", "asked": 5, "measured": 6.25}], "candidates": [{}]}'}
    place.catalog.add_version("brief", published.by_hand(place.workspace, "release", "publish", files, []).digest)
    [line] = get(admin, "/models/brief/1")["goal"]
    assert (line["what"], line["measured"], line["met"], line["interval"]) == ("p99", 6.25, None, None)
    assert admin.get("/api/v1/models/brief/1/report").status_code == 200


@pytest.mark.parametrize("path", NOWHERE)
def test_what_is_not_published_is_not_there(admin: TestClient, space: Workspace, path: str) -> None:
    assert admin.get(f"/api/v1{path}").status_code == 404


def test_a_graph_is_read_once_by_a_process_that_may_die(
    admin: TestClient, space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "seen", Once(4, ""))
    with monkeypatch.context() as patched:
        patched.setattr(ask, "MEMORY", 64 << 20)  # too little even to begin
        for _ in range(2):
            done = admin.get("/api/v1/models/flights/1/graph")
            assert done.status_code == 422 and done.json()["error"].endswith("broke its reader")
    begun, run = list[Any](), subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *words, **more: begun.append(words) or run(*words, **more))
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: get(admin, "/models/flights/2/graph"), range(4)))
    assert told == told[:1] * 4 and len(begun) == 1


def test_a_graph_is_told_as_a_table(admin: TestClient, space: Workspace) -> None:
    graph = get(admin, "/models/flights/2/graph")
    assert (graph["count"], graph["parameters"], graph["drawn"]) == (6, 3 * 64, True)
    assert graph["operators"] == [
        {"name": "MatMul", "nodes": 3, "parameters": 192},
        {"name": "Relu", "nodes": 3, "parameters": 0},
    ]
    assert graph["groups"] == [{"name": "mlp", "nodes": 6, "parameters": 192}]
    assert graph["nodes"][0] == {
        "name": "mlp/0/MatMul",
        "operator": "MatMul",
        "parameters": 64,
        "shapes": ["8 × 8"],
        "output": "",
    }
    assert graph["outputs"] == [{"name": "mlp/2/out", "shape": "N × 8"}]


def test_the_file_of_a_version_is_its_model_and_who_took_it_is_written_down_once(
    admin: TestClient, guest: Guest, space: Workspace
) -> None:
    done = admin.get("/api/v1/models/flights/2/file")
    assert onnx.load(io.BytesIO(done.content)).graph.name == "mlp"
    assert done.headers["content-disposition"] == 'attachment; filename="flights-2.onnx"'
    for part in ("bytes=0-9", "bytes=10-19", "bytes=-5"):
        assert admin.get("/api/v1/models/flights/2/file", headers={"range": part}).status_code == 206
    assert admin.head("/api/v1/models/flights/2/file").status_code in (404, 405)
    assert guest("viewer").get("/api/v1/models/flights/2/file", headers={"range": "bytes=9-"}).status_code == 206
    told = audit.entries(space.catalog, what="models.download")
    assert [(one["who"], one["subject"]) for one in told] == [("viewer", "flights@2"), ("ada", "flights@2")]
    assert told[0]["after"] == {"sha256": sha256(done.content).hexdigest()}


def test_what_explains_a_model_is_found_with_its_pictures(admin: TestClient, space: Workspace) -> None:
    [report] = get(admin, "/models/flights/1/explanations")["reports"]
    assert [one["columns"] for one in report["importance"]] == [["distance"], ["carrier"]] and report["like"] == 0.97
    first, second = report["rows"]
    assert first["pictures"][0].startswith("data:image/png;base64,") and second["pictures"] == []
    assert first["attributions"][1]["value"] == "<b>UA</b>", "as it is: pages write it as text"
    assert get(admin, "/models/flights/2/explanations") == {"reports": []}


def test_an_operator_moves_an_alias_and_it_is_told_who_and_why(
    guest: Guest, admin: TestClient, space: Workspace
) -> None:
    operator = guest("operator")
    body = {"version": 1, "why": "2 <b>drifts</b>", "was": 2}
    done = operator.put("/api/v1/models/flights/aliases/champion", json=body)
    assert (done.status_code, done.json()["number"]) == (200, 1)
    assert space.resolve("flights@champion") == space.resolve("flights@1")
    found = get(admin, "/models/flights")
    [change] = found["changes"]
    assert [change[key] for key in ("who", "alias", "before", "after", "why")] == [
        "operator",
        "champion",
        2,
        1,
        "2 <b>drifts</b>",
    ]
    assert [(one["number"], one["aliases"]) for one in found["versions"]] == [(2, []), (1, ["champion"])]
    [entry] = audit.entries(space.catalog, what="models.alias")
    assert (entry["subject"], entry["before"]["version"], entry["after"]["version"]) == ("flights@champion", 2, 1)


def test_an_alias_that_was_moved_meanwhile_stays(admin: TestClient, space: Workspace) -> None:
    path = "/api/v1/models/flights/aliases/champion"
    done = admin.put(path, json={"version": 1, "was": 1})
    assert (done.status_code, done.json()["error"]) == (409, "flights@champion points to version 2 by now")
    assert admin.delete(path, params={"was": 1}).status_code == 409
    assert space.resolve("flights@champion") == space.resolve("flights@2")
    assert audit.entries(space.catalog, what="models.") == []


def test_an_alias_is_made_and_forgotten_again(admin: TestClient, space: Workspace) -> None:
    path = "/api/v1/models/flights/aliases/trial"
    assert admin.put(path, json={"version": 1, "was": 0}).json()["number"] == 1
    assert [one["alias"] for one in admin.delete(path, params={"was": 1}).json()["aliases"]] == ["champion"]
    assert admin.delete(path).status_code == 404
    changes = [(one["alias"], one["before"], one["after"]) for one in get(admin, "/models/flights")["changes"]]
    assert changes == [("trial", 1, None), ("trial", None, 1)]


@pytest.mark.parametrize(("alias", "body", "status"), [
    ("3", {"version": 1}, 422), ("Champion", {"version": 1}, 422), ("champion", {"version": 9}, 404),
    ("champion", {"version": 0}, 422), ("champion", {"version": 1, "because": 1}, 422), ("a" * 101, {"version": 1}, 422)
])  # fmt: skip
def test_a_move_that_cannot_be_is_refused(
    admin: TestClient, space: Workspace, alias: str, body: dict, status: int
) -> None:
    done = admin.put(f"/api/v1/models/flights/aliases/{alias}", json=body)
    assert (done.status_code, bool(done.json()["error"])) == (status, True)


def test_an_alias_of_what_was_never_published_is_told_as_such(admin: TestClient, space: Workspace) -> None:
    space.catalog.set_name("flights@lost", "0" * 64)
    lost = next(one for one in get(admin, "/models/flights")["aliases"] if one["alias"] == "lost")
    assert lost["number"] is None
    assert admin.put("/api/v1/models/flights/aliases/lost", json={"version": 1}).json()["number"] == 1


def test_a_release_whose_bytes_are_gone_is_said_to_be(admin: TestClient, space: Workspace) -> None:
    space.bytes.discard(space.resolve("flights@2"))
    assert admin.get("/api/v1/models/flights/2").status_code == 503
    assert get(admin, "/models/flights")["versions"][1]["figures"], "and the others are as before"


def test_torch_is_not_needed_for_any_of_it(tmp_path: Path) -> None:
    code = "import sys; import aimass.console.app, aimass.publish.step; from aimass.console.tried import found_in;" \
           "assert found_in('roc_auc') == 'higher'; assert 'torch' not in sys.modules"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, timeout=60).returncode == 0
