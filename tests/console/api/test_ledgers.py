"""Ledgers and advice over the API: what was tried, also where nothing came of it, and the pick that is published."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.console import published
from tests.console.api.test_runs import get
from tests.console.conftest import Guest

from aimass.console.access import audit
from aimass.console.jobs.worker import Worker
from aimass.console.place import Place
from aimass.runner.workspace import Workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a workspace with three ledgers, made once."""
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


def test_every_search_is_listed_also_those_that_published_nothing(admin: TestClient, space: Workspace) -> None:
    none, best, quick = get(admin, "/ledgers")["rows"]
    assert (none["met"], none["versions"], none["best"]["candidate"]) == (False, [], "mlp"), "the nearest"
    assert (best["met"], best["best"]["candidate"], best["tried"], best["measured"]) == (True, "mlp", 5, 4)
    assert best["versions"] == [{"name": "flights", "number": 2}] and best["best"]["size_bytes"] == 403_531
    assert quick["best"]["candidate"] == "linear" and quick["run"] < best["run"]


def test_ledgers_come_page_by_page(admin: TestClient, space: Workspace) -> None:
    digests, after = [], ""
    for _ in range(3):
        page = get(admin, "/ledgers", limit=1, after=after)
        digests += [row["digest"] for row in page["rows"]]
        after = page["next"]
    assert len(set(digests)) == 3 and after is None
    assert admin.get("/api/v1/ledgers", params={"after": "x"}).status_code == 422


def test_a_ledger_tells_every_candidate_and_why(admin: TestClient, space: Workspace) -> None:
    digest = get(admin, "/ledgers")["rows"][1]["digest"]
    ledger = get(admin, f"/ledgers/{digest[:12]}")
    rows = {row["candidate"]: row for row in ledger["candidates"]}
    assert (ledger["pick"], ledger["better"], ledger["metric"]) == ("mlp", "higher", "roc_auc")
    assert [rows[name]["status"] for name in ("mlp", "linear", "xgboost + quantize-int8")] == [
        "adopted", "rejected", "not applicable"]  # fmt: skip
    assert rows["linear"]["reason"].endswith("of mlp")
    small = rows["mlp + quantize-int8"]
    assert (small["agreement"], small["baseline"]) == (0.996, rows["mlp"]["model"])
    assert small["size_ratio"] == pytest.approx(125_647 / 403_531)
    assert rows["xgboost + quantize-int8"]["quality"] is None


def test_a_ledger_without_a_pick_says_what_binds_and_what_is_near(admin: TestClient, space: Workspace) -> None:
    ledger = get(admin, f"/ledgers/{get(admin, '/ledgers')['rows'][0]['digest']}")
    assert ledger["pick"] is None and "0.9" in ledger["binding"]
    assert ledger["nearest"][0]["candidate"] == "mlp" and "roc_auc" in ledger["nearest"][0]["summary"]
    done = admin.post(f"/api/v1/ledgers/{ledger['digest']}/publish", json={"name": "flights"})
    assert (done.status_code, done.json()["expected"]) == (409, "a ledger with a pick")


def test_the_pick_of_a_ledger_is_published_by_a_job(guest: Guest, space: Workspace) -> None:
    operator = guest("operator")
    digest = get(operator, "/ledgers")["rows"][1]["digest"]
    job = operator.post(f"/api/v1/ledgers/{digest}/publish", json={"name": "delays", "alias": "trial"})
    assert (job.status_code, job.json()["label"], job.json()["who"]) == (201, "publish delays", "operator")
    worker = Worker(space)
    claimed = worker.jobs.claim(worker.holder)
    assert claimed is not None
    worker.see_through(claimed)
    assert worker.jobs.row(job.json()["id"])["outcome"]["version"] == "delays@1"
    assert get(operator, "/models/delays")["aliases"][0]["alias"] == "trial"
    [entry] = audit.entries(space.catalog, what="models.publish")
    assert (entry["who"], entry["subject"], entry["after"]["ledger"]) == ("operator", "delays@trial", digest)


@pytest.mark.parametrize(
    "body", [{"name": "No Name"}, {"name": ""}, {"name": "a", "alias": "7"}, {"alias": "champion"}, {}]
)
def test_what_cannot_be_a_name_is_refused_before_it_is_a_job(admin: TestClient, space: Workspace, body: dict) -> None:
    digest = get(admin, "/ledgers")["rows"][1]["digest"]
    assert admin.post(f"/api/v1/ledgers/{digest}/publish", json=body).status_code == 422
    assert get(admin, "/jobs")["rows"] == []


def test_what_is_no_ledger_is_not_one(admin: TestClient, space: Workspace) -> None:
    model = space.catalog.artifacts("model")[0]["digest"]
    for digest in (model, "0" * 64, "0" * 8):
        for path in (f"/ledgers/{digest}", f"/ledgers/{digest}/publish"):
            ask = admin.post if path.endswith("publish") else admin.get
            assert (
                ask(f"/api/v1{path}", **({"json": {"name": "a"}} if path.endswith("publish") else {})).status_code
                == 404
            )


def test_a_ledger_whose_bytes_are_gone_hides_no_other(admin: TestClient, space: Workspace) -> None:
    digest = get(admin, "/ledgers")["rows"][0]["digest"]
    space.bytes.discard(digest)
    fresh = type(space)(space.folder)  # nothing is kept in memory of another workspace's
    assert fresh.catalog.artifact(digest)
    assert len(get(admin, "/ledgers")["rows"]) == 3


def test_what_was_advised_is_told_with_what_each_was_worth(admin: TestClient, space: Workspace) -> None:
    rows = get(admin, "/advice")["rows"]
    assert len(rows) == 3 and {row["verdict"] for row in rows} == {"adopted"}
    first = get(admin, "/advice", limit=2)
    assert [row["model"] for row in first["rows"] + get(admin, "/advice", after=first["next"])["rows"]] == [
        row["model"] for row in rows]  # fmt: skip
    advice = get(admin, f"/advice/{rows[0]['model']}")
    assert (advice["changes"], advice["ratio"]["value"], advice["plan"]["precision"]) == (
        {"precision": "bf16"},
        1.42,
        "bf16",
    )
    assert [(row["candidate"], row["decision"]) for row in advice["rows"]] == [
        ("bf16", "adopted"),
        ("compile", "refused"),
    ]
    assert advice["rows"][1]["break_even"] is None, "never"
    ledger = get(admin, "/ledgers")["rows"][0]["digest"]
    assert admin.get(f"/api/v1/advice/{ledger}").status_code == 404
