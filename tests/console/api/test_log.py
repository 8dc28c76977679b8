"""The log over the API: pages, search, saving, a link to a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from anyio import from_thread
from anyio.to_thread import current_default_thread_limiter
from starlette.testclient import TestClient

from aimass.console.access import audit
from aimass.console.api import log
from aimass.console.logs import stream
from aimass.console.place import Place
from aimass.console.turn import Turn
from aimass.store.catalog import Catalog

LOG = "/api/v1/log"


@pytest.fixture
def said(place: Place) -> Path:
    """A console that has said 100,000 lines."""
    folder = place.workspace.folder / "up"
    folder.mkdir()
    lines = (f"2026-11-22T02:{n // 6000:02}:{n // 100 % 60:02}.{n % 100:02}0Z line {n}\n" for n in range(100_000))
    (folder / "console.log").write_text("".join(lines))
    return folder


def test_a_hundred_thousand_lines_are_paged_searched_and_linked_to(admin: TestClient, said: Path) -> None:
    page = admin.get(f"{LOG}?limit=2").json()
    assert [line["text"] for line in page["lines"]] == ["line 99998", "line 99999"]
    older = admin.get(f"{LOG}?limit=2&before={page['older']}").json()
    assert [line["text"] for line in older["lines"]] == ["line 99996", "line 99997"]
    (said / "jobs-1.log").write_text("2026-11-22T02:59:00.000Z a worker failed\n")
    fresh = admin.get(f"{LOG}?after={page['newer']}").json()
    assert [(line["of"], line["level"], line["text"]) for line in fresh["lines"]] == [
        ("workers", "error", "a worker failed")
    ]
    found = admin.get(f"{LOG}?text=LINE%2077&limit=5000").json()["lines"]
    assert len(found) == 1111 and found[0]["text"] == "line 77"
    around = admin.get(f"{LOG}?line={found[1]['id']}&limit=3").json()["lines"]
    assert [line["text"] for line in around] == ["line 769", "line 770", "line 771"]


def test_all_is_saved_as_text_and_who_did_is_written_down(admin: TestClient, said: Path, catalog: Catalog) -> None:
    done = admin.get(f"{LOG}/text?text=line%209999&of=console")
    assert done.headers["content-type"].startswith("text/plain") and "attachment" in done.headers["content-disposition"]
    assert [line.rpartition(" ")[2] for line in done.text.splitlines()] == ["9999", *map(str, range(99990, 100000))]
    [entry] = audit.entries(catalog, what="log.")
    assert (entry["who"], entry["what"], entry["subject"]) == ("ada", "log.download", "console")
    assert entry["after"] == {"level": "info", "text": "line 9999"}


@pytest.mark.parametrize("search", ["text=77", "level=error"])
def test_a_few_search_at_once_and_whoever_only_reads_waits_for_none_of_them(
    admin: TestClient, said: Path, monkeypatch: pytest.MonkeyPatch, search: str
) -> None:
    monkeypatch.setattr(log, "_turn", Turn("others search the logs", waiting=0))
    with log._turn:
        refused = admin.get(f"{LOG}?{search}")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert admin.get(f"{LOG}?limit=1").json()["lines"][0]["text"] == "line 99999"
    assert admin.get(f"{LOG}?{search}").status_code == 200


def test_a_log_that_is_saved_takes_no_thread_of_other_requests(
    admin: TestClient, said: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer, busy = stream.newer, set[tuple[float, float]]()

    def watched(*args: Any) -> stream.Page:
        limits = place.saving, from_thread.run_sync(current_default_thread_limiter)
        busy.add((limits[0].borrowed_tokens, limits[1].borrowed_tokens))
        return newer(*args)

    monkeypatch.setattr(stream, "newer", watched)
    assert admin.get(f"{LOG}/text?text=line%209999&of=console").text.count("\n") == 11
    assert busy == {(1, 0)}


@pytest.mark.parametrize("query", ["of=nobody", "before=AAAA", "line=console:77777777", "line=../x:1", "level=loud"])
def test_what_nobody_has_is_refused(admin: TestClient, query: str) -> None:
    assert admin.get(f"{LOG}?{query}").status_code == 422
