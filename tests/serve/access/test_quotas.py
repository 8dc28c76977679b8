"""Quotas: counted in calendar windows, and a restart, another server or a damaged file forgets as little as can be."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.serve.access.quotas import Quotas, Used, label_of, merged, number_of, window
from aimass.serve.access.tally import Tallies


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.jsonl.used"


@given(moment=st.floats(0, 4e9), per=st.sampled_from(["day", "month"]))
@settings(deadline=None)
def test_a_window_ends_where_the_next_begins(moment: float, per: str) -> None:
    label, until = window(per, moment)
    assert datetime.fromtimestamp(moment, UTC).isoformat().startswith(label)
    assert until > moment and window(per, until - 0.5)[0] == label and window(per, until)[0] > label


def used_of(per: str) -> Used:
    return Used(per, Tallies().of("a"))


def counted(quotas: Quotas, id: str, per: str = "day") -> int:
    return quotas.of(id, per).look(time.time())


def add(quotas: Quotas, id: str, rows: int, per: str = "day") -> None:
    counted(quotas, id, per)
    quotas.of(id, per).add(rows)


@given(moment=st.floats(0, 4e9), per=st.sampled_from(["day", "month"]))
@settings(deadline=None)
def test_a_window_is_a_number_and_the_other_way_round(moment: float, per: str) -> None:
    label, until = window(per, moment)
    assert label_of(number_of(label)) == label and number_of(window(per, until)[0]) > number_of(label)


def test_a_new_window_begins_with_nothing() -> None:
    used = used_of("day")
    noon = datetime(2026, 2, 28, 12, tzinfo=UTC).timestamp()
    assert used.look(noon) == 0
    used.add(5)
    assert used.look(noon + 11 * 3600) == 5 and used.look(noon + 13 * 3600) == 0
    assert used.label == "2026-03-01"


def test_a_clock_that_goes_back_forgets_nothing_nor_does_another_one_that_is_behind() -> None:
    tallies = Tallies()
    used = Used("day", tallies.of("a"))
    used.look(1e9)
    used.add(5)
    assert used.look(1e9 - 86400 * 3) == 5
    assert Used("day", tallies.of("a")).look(1e9 - 86400) == 5


def test_a_window_of_another_kind_begins_anew() -> None:
    tallies = Tallies()
    used = Used("day", tallies.of("a"))
    used.look(1e9)
    used.add(5)
    assert Used("month", tallies.of("a"), lambda label: 70).look(1e9) == 70


def test_a_restart_forgets_nothing(path: Path) -> None:
    quotas = Quotas(path)
    add(quotas, "a", 7)
    add(quotas, "b", 9, "month")
    quotas.save()
    again = Quotas(path)
    assert counted(again, "a") == 7 and counted(again, "b", "month") == 9
    assert counted(again, "c") == 0 and not again.news()


def test_several_servers_add_up(path: Path) -> None:
    one, two = Quotas(path), Quotas(path)
    for quotas, rows in ((one, 5), (two, 7), (one, 11)):
        add(quotas, "a", rows)
        quotas.save()
    assert counted(one, "a") == 23 and counted(two, "a") == 12
    add(two, "a", 1)
    two.save()
    assert counted(two, "a") == 24 == counted(Quotas(path), "a")


def test_what_is_counted_while_it_is_saved_is_saved_the_next_time(path: Path) -> None:
    quotas = Quotas(path)
    add(quotas, "a", 5)
    news = quotas.news()
    add(quotas, "a", 2)
    quotas.write(news)
    quotas.settle(news)
    assert counted(quotas, "a") == 7 and quotas.news() == {"a": (window("day", time.time())[0], 2)}
    quotas.save()
    assert counted(Quotas(path), "a") == 7


def test_nothing_counted_writes_nothing(path: Path) -> None:
    quotas = Quotas(path)
    counted(quotas, "a")
    quotas.save()
    assert not path.exists()


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b"[1]", b'{"a": 1}', b'{"a": {"rows": 1}}', b"\xff", b"[" * 10**5])
def test_a_damaged_file_is_told_and_counting_goes_on(path: Path, junk: bytes) -> None:
    path.write_bytes(junk)
    quotas = Quotas(path)
    assert "is damaged" in quotas.lost
    add(quotas, "a", 3)
    quotas.save()
    assert counted(Quotas(path), "a") == 3


def test_a_disk_that_cannot_be_written_is_told_and_nothing_is_lost(path: Path) -> None:
    quotas = Quotas(path.parent / "file" / "used")
    (path.parent / "file").write_text("")
    add(quotas, "a", 3)
    quotas.save()
    assert quotas.error and quotas.news()["a"][1] == 3
    (path.parent / "file").unlink()
    quotas.save()
    assert not quotas.error and json.loads(quotas.path.read_text())["a"]["rows"] == 3


def test_a_window_that_is_over_is_not_added_to_a_newer_one() -> None:
    saved = {"a": {"window": "2026-03-02", "rows": 5}}
    assert merged(saved, {"a": ("2026-03-01", 9)}) == saved
    assert merged(saved, {"a": ("2026-03-02", 9)})["a"]["rows"] == 14
    assert merged(saved, {"a": ("2026-03-03", 9)})["a"] == {"window": "2026-03-03", "rows": 9}
    assert merged(saved, {"a": ("2026-03", 9)})["a"] == {"window": "2026-03", "rows": 9}
