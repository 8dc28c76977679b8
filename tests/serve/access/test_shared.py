"""Tallies that processes share: exact whoever asks, whole whoever is killed, and nobody waits for who stands still."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimass.core.errors import InputError
from aimass.serve.access import shared
from aimass.serve.access.clients import Client
from aimass.serve.access.keys import new_key
from aimass.serve.access.quotas import Quotas
from aimass.serve.access.rates import Bucket
from aimass.serve.access.shared import Shared, shared_tallies
from aimass.serve.access.tally import NEVER, REQUESTS, ROWS, TAKEN, WINDOW
from aimass.serve.batch.base import Spent

FORK = multiprocessing.get_context("fork")
KEY, _ = new_key("some", ("predict",), requests=0.001, burst=500_000.0, quota=10**9)


@pytest.fixture
def number(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(shared, "PATIENCE", 30.0)  # how busy this machine is, is not asked
    found = shared_tallies()
    yield found
    os.close(found)


def knocks(number: int, path: Path, times: int) -> int:
    """How often a worker lets the holder of KEY in."""
    client = Client(KEY, Quotas(path, Shared(number)))
    return sum(client.knock() is None for _ in range(times))


def worker(number: int, path: Path, times: int) -> None:
    os._exit(knocks(number, path, times))


def test_a_rate_and_its_burst_are_those_of_all_processes_together(number: int, tmp_path: Path) -> None:
    here = [FORK.Process(target=worker, args=(number, tmp_path / "used", 200)) for _ in range(4)]
    for one in here:
        one.start()
    for one in here:
        one.join()
    assert sum(one.exitcode or 0 for one in here) == 500
    assert knocks(number, tmp_path / "used", 10) == 0


def spends(number: int, path: Path) -> None:
    client = Client(KEY, Quotas(path, Shared(number)))
    while True:
        client.check(1)
        client.take(1)


def test_whoever_is_killed_at_whatever_moment_leaves_whole_numbers_and_no_lock(number: int, tmp_path: Path) -> None:
    client, before = Client(KEY, Quotas(tmp_path / "used", Shared(number))), 0.0
    for i in range(40):
        one = FORK.Process(target=spends, args=(number, tmp_path / "used"))
        one.start()
        while client.tally[TAKEN] == before:
            time.sleep(0.0001)
        time.sleep(i * 0.0001)
        os.kill(one.pid or 0, signal.SIGKILL)
        one.join()
        taken = client.tally[TAKEN]
        assert taken > before and taken == int(taken)
        with client.tally:
            assert client.tally.held  # type: ignore[attr-defined]  # nobody else does
        client.check(1)
        client.take(1)
        assert client.tally[TAKEN] == taken + 1
        before = taken + 1


def test_what_is_added_by_several_at_once_is_added_up(number: int, tmp_path: Path) -> None:
    def adds() -> None:
        client = Client(KEY, Quotas(tmp_path / "used", Shared(number)))
        for _ in range(1000):
            client.check(2)
            client.take(2)

    here = [FORK.Process(target=adds) for _ in range(3)]
    for one in here:
        one.start()
    for one in here:
        one.join()
    quotas = Quotas(tmp_path / "used", Shared(number))
    assert [rows for _, rows in quotas.news().values()] == [6000]
    quotas.save()
    assert not quotas.news() and quotas.of(KEY.id, "day").look(time.time()) == 6000


def test_who_stands_still_in_the_middle_of_a_change_keeps_nobody_waiting_for_long(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "PATIENCE", 0.01)
    ready, _ = pipe = FORK.Pipe()

    def stands() -> None:
        with Client(KEY, Quotas(tmp_path / "used", Shared(number))).tally:
            pipe[1].send("here")
            time.sleep(60)

    one = FORK.Process(target=stands)
    one.start()
    ready.recv()
    memory = Shared(number)
    client = Client(KEY, Quotas(tmp_path / "used", memory))
    assert sum(client.knock() is None for _ in range(1000)) == 500 and memory.stuck > NEVER
    one.kill()
    one.join()


def test_a_key_has_the_same_numbers_in_every_process_whoever_meets_it_first(number: int) -> None:
    one, two = Shared(number), Shared(number)
    ids = [f"{i:012x}" for i in (0, 1, 2**48 - 1)]
    for id in ids:
        one.of(id)
    for id in reversed(ids):
        assert two.of(id).at == one.of(id).at
    two.of("00000000ffff")
    assert one.of("00000000ffff").at == two.of("00000000ffff").at
    assert dict(one.all()).keys() == {*ids, "00000000ffff"}
    for which in (REQUESTS, ROWS):
        assert Bucket(0.001, 5000, two.of(ids[1]), which).left(time.perf_counter()) == 5


def test_a_record_that_was_not_finished_is_nobodys(number: int) -> None:
    one = Shared(number)
    one.words[shared.RECORD] = 7.0  # killed before it counted
    assert dict(one.all()) == {} and one.of("00000000ffff").at == shared.RECORD + 1
    assert [id for id, _ in Shared(number).all()] == ["00000000ffff"]


def test_a_window_that_was_being_made_is_made_anew(number: int, tmp_path: Path) -> None:
    used = Quotas(tmp_path / "used", Shared(number)).of(KEY.id, "day")
    used.look(time.time())
    used.add(5)
    used.tally[WINDOW] = 0  # killed here, with what was before
    assert Quotas(tmp_path / "used", Shared(number)).of(KEY.id, "day").look(time.time()) == 0


def test_more_keys_than_there_is_room_for_are_refused(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "MOST", 3)
    tallies = Shared(number)
    for i in range(2):
        tallies.of(f"{i:012x}")
    with pytest.raises(InputError, match="3 keys"):
        tallies.of("00000000ffff")
    assert tallies.of("000000000001")


def test_rows_beyond_a_quota_are_refused_by_whoever_is_asked(number: int, tmp_path: Path) -> None:
    key, _ = new_key("few", ("predict",), quota=5)
    one, two = (Client(key, Quotas(tmp_path / "used", Shared(number))) for _ in range(2))
    one.check(3)
    one.take(3)
    two.check(2)
    two.take(2)
    for client in (one, two):
        with pytest.raises(Spent, match="0 rows are left"):
            client.check(1)
