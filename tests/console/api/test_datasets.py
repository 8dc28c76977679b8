"""Sources and datasets over the API: what was collected from where, what is in it, what differs, and out as a file."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.console import flights
from tests.console.conftest import Guest

import aimass
from aimass.collect.base import MALFORMED, RAW
from aimass.console import exports
from aimass.console.access import audit
from aimass.console.place import Place
from aimass.core.artifact import Dataset
from aimass.core.task import Task
from aimass.store.catalog import Catalog

PATIENCE = 20.0  # seconds


@pytest.fixture
def raw(place: Place, tmp_path: Path) -> list[Dataset]:
    folder = tmp_path / "in"
    folder.mkdir()
    return flights.collected(place.workspace, folder)


@pytest.fixture
def both(place: Place, raw: list[Dataset]) -> list[Dataset]:
    return flights.cleaned(place.workspace, raw)


def get(client: TestClient, path: str, **params: Any) -> Any:
    done = client.get(f"/api/v1{path}", params=params)
    assert done.status_code == 200, done.text
    return done.json()


def test_the_list_has_each_version_with_its_rows_size_quality_and_uses(
    admin: TestClient, raw: list[Dataset], both: list[Dataset]
) -> None:
    found = get(admin, "/datasets")
    assert (found["total"], found["next"]) == (4, None)
    assert [row["digest"] for row in found["rows"]] == [one.digest for one in (*both[::-1], *raw[::-1])], "newest first"
    newest, collected = found["rows"][0], found["rows"][2]
    assert (newest["name"], newest["step"], newest["rows"], newest["version"]) == ("flights/clean", "clean", 450, None)
    assert newest["quality"] == {"state": "good", "bad": 2, "share": 2 / 452}
    assert (collected["name"], collected["version"], collected["rows"]) == ("flights/flights", 1, 452)
    assert (collected["quality"]["bad"], collected["used"]) == (1, 1)
    assert collected["size"] > 1000, "of the files of the lake, not of what points to them"
    assert found["rows"][3]["used"] == 2, "cleaned, and collected on"


def test_a_list_is_read_page_by_page_and_filtered(admin: TestClient, both: list[Dataset], raw: list[Dataset]) -> None:
    seen, after = [], None
    for _ in range(4):
        page = get(admin, "/datasets", limit=1, **({"after": after} if after else {}))
        seen, after = [*seen, page["rows"][0]["digest"]], page["next"]
    assert after is None and len(set(seen)) == 4
    assert get(admin, "/datasets", step="clean")["total"] == 2
    assert get(admin, "/datasets", text="FLIGHTS/")["total"] == 2
    assert get(admin, "/datasets", text=raw[0].digest[:12])["total"] == 1
    assert get(admin, "/datasets", text="100%")["total"] == 0
    assert admin.get("/api/v1/datasets", params={"after": "x"}).status_code == 422


def test_a_dataset_is_told_with_its_columns_contract_versions_and_lineage(
    admin: TestClient, raw: list[Dataset], both: list[Dataset]
) -> None:
    found = get(admin, f"/datasets/{both[1].digest}")
    assert [(one["name"], one["type"]) for one in found["columns"]][:2] == [
        ("distance", "integer"),
        ("carrier", "text"),
    ]
    assert found["contract"]["flights"]["distance"]["min"] == 0.0
    [source] = found["sources"]
    assert (source["read"], source["accepted"], sum(source["reasons"].values())) == (452, 450, 2)
    assert [one["digest"] for one in found["versions"]] == [one.digest for one in both[::-1]]
    assert found["previous"] == both[0].digest
    assert get(admin, f"/datasets/{raw[0].digest}")["previous"] is None
    near = {one["digest"]: one["label"] for one in get(admin, f"/artifacts/{both[1].digest}")["nodes"]}
    assert (near[raw[1].digest], near[both[1].digest]) == ("flights/flights", "flights/clean"), "by their names"


def test_rows_are_read_from_anywhere_in_cells_that_a_page_can_draw(
    admin: TestClient, place: Place, tmp_path: Path
) -> None:
    pixels = bytes(range(12))
    fields = [pa.field("image", pa.binary(), metadata={"shape": "[2, 2, 3]"})]
    facts = {"n": [1 << 60, 7], "x": [float("nan"), 0.5], "text": ["y" * 1000, None], "raw": [b"abc", None]}
    images = pa.table([[pixels, pixels]], schema=pa.schema(fields))
    table = pa.table({**facts, "image": images["image"]}, schema=pa.schema([
        ("n", pa.int64()), ("x", pa.float64()), ("text", pa.string()), ("raw", pa.binary()), fields[0]]))  # fmt: skip
    pq.write_table(table, tmp_path / "odd.parquet")
    with place.workspace:
        dataset = aimass.collect(name="odd", source={"use": "parquet", "path": str(tmp_path / "odd.parquet")})
    found = get(admin, f"/datasets/{dataset.digest}/rows")
    assert found["total"] == 2 and found["rows"][1][:4] == [7, 0.5, None, None]
    whole, nan, text, raw, picture = found["rows"][0]
    assert (whole, nan, len(text), raw) == (str(1 << 60), "nan", 501, {"bytes": 3})
    assert picture["picture"].startswith("data:image/png;base64,")
    last = get(admin, f"/datasets/{dataset.digest}/rows", start=1, limit=5, first=4)
    assert (len(last["rows"]), last["columns"][0]["name"], last["first"], last["width"]) == (1, "image", 4, 5)
    assert get(admin, f"/datasets/{dataset.digest}/rows", start=10**15)["rows"] == []
    assert admin.get(f"/api/v1/datasets/{dataset.digest}/rows", params={"first": 5}).status_code == 422


def test_a_profile_is_made_once_and_kept(admin: TestClient, place: Place, raw: list[Dataset]) -> None:
    path = f"/datasets/{raw[0].digest}/profile"
    found = get(admin, path)
    assert (found["total"], found["rows"], found["malformed"], found["exact"]) == (302, 301, 1, True)
    distance = found["columns"][0]
    assert (distance["name"], distance["type"], distance["wrong"], distance["example"]) == (
        "distance",
        "integer",
        1,
        "far",
    )
    [kept] = (place.workspace.folder / "profiles").iterdir()
    kept.write_text(kept.read_text().replace('"total": 302', '"total": 303'))
    assert get(admin, path)["total"] == 303
    kept.write_text("cut sho")
    assert get(admin, path)["total"] == 302, "what was cut short is made again"


def test_quarantine_is_read_by_reason(admin: TestClient, raw: list[Dataset], both: list[Dataset]) -> None:
    path = f"/datasets/{both[0].digest}/quarantine"
    found = get(admin, path)
    assert found["next"] is None
    by = {row["reason"]: row for row in found["rows"]}
    assert json.loads(by["distance: not a whole number"]["row"])["note"] == flights.HOSTILE
    assert [row["source"] for row in found["rows"]] == ["flights", "flights"]
    [one] = get(admin, path, reason="distance: not a whole number")["rows"]
    assert one == by["distance: not a whole number"]
    first = get(admin, path, limit=1)
    assert get(admin, path, limit=1, after=first["next"])["rows"] == found["rows"][1:]
    [unreadable] = get(admin, f"/datasets/{raw[0].digest}/quarantine")["rows"]
    assert unreadable["row"] == "one cell too few" and unreadable["source"] == "flights/flights"


def test_a_difference_says_what_moved(admin: TestClient, raw: list[Dataset], both: list[Dataset]) -> None:
    found = get(admin, f"/datasets/{both[1].digest}/difference", against=both[0].digest)
    assert (found["rows_before"], found["rows_after"], found["added"]) == (300, 450, False)
    assert found["columns"][0]["name"] == "distance" and found["columns"][0]["verdict"] == "strong"
    grown = get(admin, f"/datasets/{raw[1].digest}/difference", against=raw[0].digest)
    assert grown["added"] and grown["columns"][0]["drift"] > found["columns"][0]["drift"], "the new rows by themselves"


def test_a_dataset_that_is_not_there_is_said_to_be(admin: TestClient) -> None:
    for path in ("", "/rows", "/profile", "/quarantine", "/exports", f"/difference?against={'a' * 64}"):
        done = admin.get(f"/api/v1/datasets/{'a' * 64}{path}")
        assert (done.status_code, done.json()["error"]) == (404, "there is no dataset aaaaaaaaaaaa")
        for odd in ("..%2f..%2fetc", "A" * 64, "a" * 63, "x"):
            assert admin.get(f"/api/v1/datasets/{odd}{path}").status_code in (404, 422)


def test_a_dataset_whose_bytes_are_gone_is_no_server_error(admin: TestClient, both: list[Dataset]) -> None:
    (both[0].folder / "manifest.json").unlink()
    done = admin.get(f"/api/v1/datasets/{both[0].digest}")
    assert done.status_code == 503 and done.json()["to_do"]
    assert get(admin, "/datasets")["total"] == 4, "the list needs only the catalog"


# -- sources ----------------------------------------------------------------------------------------------------


def test_a_source_is_told_with_where_it_is_and_each_fetch(
    admin: TestClient, catalog: Catalog, raw: list[Dataset]
) -> None:
    [row] = get(admin, "/sources")["rows"]
    assert (row["name"], row["collector"], row["rows"], row["malformed"]) == ("flights/flights", "csv", 452, 1)
    assert row["where"] == "in/*.csv" and row["dataset"] == raw[1].digest and row["terms"] == {}
    found = get(admin, "/sources/flights%2Fflights")
    assert [(one["rows"], one["change"], one["version"]) for one in found["history"]] == [(452, 150, 1), (302, 302, 0)]
    older = get(admin, "/sources/flights/flights", limit=1)
    assert older["next"] and [
        one["rows"] for one in get(admin, "/sources/flights/flights", before=older["next"])["history"]
    ] == [302]


def test_a_fetch_that_failed_is_seen_and_the_last_good_one_stays(
    admin: TestClient, catalog: Catalog, raw: list[Dataset]
) -> None:
    source = {"use": "csv", "path": "gone.csv", "licence": "CC0"}
    run = catalog.start_run(Task("collect", 1, {"name": "flights/flights", "source": source}, {"previous": None}))
    catalog.end_run(run, "failed", error={"error": "no file at gone.csv"})
    [row] = get(admin, "/sources")["rows"]
    assert (row["state"], row["fetches"], row["dataset"]) == ("failed", 3, raw[1].digest)
    assert row["error"]["error"] == "no file at gone.csv" and row["terms"] == {"licence": "CC0"}
    assert get(admin, "/sources/flights/flights")["history"][0]["rows"] is None


def test_sources_are_read_page_by_page_and_unknown_ones_are_said_to_be(admin: TestClient, catalog: Catalog) -> None:
    for name in ("b", "a", "c", "a"):
        catalog.start_run(
            Task("collect", 1, {"name": name, "source": {"use": "sql", "url": f"postgresql://{name}"}}, {})
        )
    first = get(admin, "/sources", limit=2)
    assert [(row["name"], row["fetches"]) for row in first["rows"]] == [("a", 2), ("b", 1)]
    assert [row["name"] for row in get(admin, "/sources", after=first["next"])["rows"]] == ["c"]
    for name in ("d", "..%2f..%2fetc%2fpasswd", "x" * 2000, "%25"):
        assert admin.get(f"/api/v1/sources/{name}").status_code == 404


# -- out as a file ----------------------------------------------------------------------------------------------


def exported(client: TestClient, digest: str, kind: str) -> dict[str, Any]:
    """The export of DIGEST as KIND, once it is ready."""
    done = client.post(f"/api/v1/datasets/{digest}/exports", json={"format": kind})
    assert done.status_code == 202, done.text
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = next(row for row in get(client, f"/datasets/{digest}/exports")["rows"] if row["format"] == kind)
        if found["state"] in ("ready", "failed"):
            return dict(found)
        time.sleep(0.02)
    raise AssertionError("it is still written")


def test_a_dataset_goes_out_as_csv_with_its_checksum(guest: Guest, catalog: Catalog, both: list[Dataset]) -> None:
    operator, digest = guest("operator"), both[0].digest
    assert operator.get(f"/api/v1/datasets/{digest}/exports/csv").status_code == 404, "nobody asked for it yet"
    ready = exported(operator, digest, "csv")
    done = operator.get(f"/api/v1/datasets/{digest}/exports/csv", headers={"accept-encoding": "gzip"})
    assert sha256(done.content).hexdigest() == ready["sha256"] and len(done.content) == ready["size"]
    assert int(done.headers["content-length"]) == ready["size"]
    assert base64.b64decode(done.headers["repr-digest"].split(":")[1]).hex() == ready["sha256"]
    assert f'filename="flights-{digest[:10]}.csv"' in done.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(done.text)))
    assert len(rows) == ready["rows"] == 300 and rows[0].keys() == {"distance", "carrier", "late", "note"}
    part = operator.get(f"/api/v1/datasets/{digest}/exports/csv", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, done.content[10:20]), "a download that broke goes on"
    assert operator.head(f"/api/v1/datasets/{digest}/exports/csv").status_code in (404, 405)
    [download] = audit.entries(catalog, what="datasets.download")
    assert (download["who"], download["subject"], download["after"]["format"]) == ("operator", digest, "csv")
    assert audit.entries(catalog, what="datasets.export")[0]["who"] == "operator"


def test_what_is_one_parquet_file_already_goes_out_as_it_is(admin: TestClient, both: list[Dataset]) -> None:
    ready = exported(admin, both[0].digest, "parquet")
    assert ready["sha256"] == both[0].manifest.files["rows.parquet"]
    done = admin.get(f"/api/v1/datasets/{both[0].digest}/exports/parquet")
    assert pq.read_table(io.BytesIO(done.content)).num_rows == 300


def test_two_who_ask_at_once_get_one_file(place: Place, raw: list[Dataset]) -> None:
    made, space = place.exports, place.workspace
    with made.turn, ThreadPoolExecutor(4) as pool:  # it cannot begin to write yet
        told = list(pool.map(lambda _: made.ask(space, raw[0], "csv"), range(4)))
        assert [one["state"] for one in told] == ["making"] * 4 and len(made.going) == 1
    end = time.monotonic() + PATIENCE
    while made.going and time.monotonic() < end:
        time.sleep(0.01)
    assert [one["state"] for one in made.known(space, raw[0])] == ["ready", "none"]


def test_an_export_that_fails_in_any_way_is_told_to_have_failed(
    admin: TestClient, both: list[Dataset], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(exports, "export", lambda *_: {}["nothing"])  # nobody thought of that
        failed = exported(admin, both[0].digest, "csv")
    assert failed["state"] == "failed" and "nothing" in failed["error"]["error"]
    id = re.findall(r"look for (\w+) in the log", failed["error"]["to_do"])
    assert id and any(id[0] in line for line in caplog.messages)
    assert exported(admin, both[0].digest, "csv")["state"] == "ready", "and it may be asked for again"


def test_an_export_for_which_there_is_no_room_is_not_begun(
    admin: TestClient, both: list[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    free = shutil.disk_usage("/")._replace(free=exports.SPARE + 10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    failed = exported(admin, both[0].digest, "csv")
    assert failed["state"] == "failed" and "bytes, 10 are free for it" in failed["error"]["error"]
    assert failed["error"]["to_do"] == "free some space, export it again"


def test_what_was_made_a_day_ago_is_gone_when_a_console_begins(app: FastAPI, place: Place) -> None:
    folder = place.workspace.folder / "exports"
    folder.mkdir()
    (folder / "old.csv").write_text("x")
    (folder / "new.csv").write_text("x")
    os.utime(folder / "old.csv", (time.time() - exports.KEPT - 1,) * 2)
    with TestClient(app):
        end = time.monotonic() + PATIENCE
        while (folder / "old.csv").exists() and time.monotonic() < end:
            time.sleep(0.01)
    assert [path.name for path in folder.iterdir()] == ["new.csv"]


def test_a_snapshot_of_the_lake_goes_out_as_one_file(admin: TestClient, raw: list[Dataset]) -> None:
    ready = exported(admin, raw[1].digest, "parquet")
    done = admin.get(f"/api/v1/datasets/{raw[1].digest}/exports/parquet")
    assert sha256(done.content).hexdigest() == ready["sha256"]
    whole = pq.read_table(io.BytesIO(done.content))
    assert whole.num_rows == ready["rows"] == 452
    odd = [row for row in whole.to_pylist() if row[MALFORMED]]
    assert [row[RAW] for row in odd] == ["one cell too few"], "what could not be read goes out as it came"
    shown = get(admin, f"/datasets/{raw[1].digest}/rows", limit=500)
    assert [one["name"] for one in shown["columns"]][-2:] == [MALFORMED, RAW]
    assert [row[-1] for row in shown["rows"] if row[-1]] == ["one cell too few"]


def test_times_go_out_in_words_that_any_reader_knows_and_bytes_not_at_all(
    admin: TestClient, place: Place, tmp_path: Path
) -> None:
    moment = pa.array([0, None], pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"at": moment, "say": ['a "b"\n', None]}), tmp_path / "t.parquet")
    pq.write_table(pa.table({"raw": [b"x"]}), tmp_path / "b.parquet")
    with place.workspace:
        made = [
            aimass.collect(name=name, source={"use": "parquet", "path": f"{tmp_path}/{name}.parquet"}) for name in "tb"
        ]
    exported(admin, made[0].digest, "csv")
    [first, _] = csv.DictReader(
        io.StringIO(admin.get(f"/api/v1/datasets/{made[0].digest}/exports/csv").text, newline="")
    )
    assert first["at"].startswith("1970-01-01T00:00:00") and first["at"].endswith("Z") and first["say"] == 'a "b"\n'
    done = admin.post(f"/api/v1/datasets/{made[1].digest}/exports", json={"format": "csv"})
    assert done.status_code == 422 and "Parquet" in done.json()["to_do"]


def test_who_may_only_see_takes_nothing_out(guest: Guest, both: list[Dataset]) -> None:
    viewer = guest("viewer")
    assert get(viewer, f"/datasets/{both[0].digest}/rows")["total"] == 300
    assert viewer.post(f"/api/v1/datasets/{both[0].digest}/exports", json={"format": "csv"}).status_code == 403
    assert viewer.get(f"/api/v1/datasets/{both[0].digest}/exports/parquet").status_code == 403
