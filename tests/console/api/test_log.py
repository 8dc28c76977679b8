"""The log over the API: pages, search, saving, a link to a line."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from aimass.console.access import audit
from aimass.console.place import Place
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


@pytest.mark.parametrize("query", ["of=nobody", "before=AAAA", "line=console:77777777", "line=../x:1", "level=loud"])
def test_what_nobody_has_is_refused(admin: TestClient, query: str) -> None:
    assert admin.get(f"{LOG}?{query}").status_code == 422
