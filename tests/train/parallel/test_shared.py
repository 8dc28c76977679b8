"""Ranks of one machine add up in memory: right sums, the same bits for all, and sockets where they see none."""

from __future__ import annotations

import os
import secrets
import threading
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.train.parallel import shared
from aimass.train.parallel.shared import TURNS, Shared
from tests.train.by_hand import FakeContext
from tests.train.parallel import shared_work

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="memory without a name is Linux's"),
]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What three ranks found."""
    folder = tmp_path_factory.mktemp("gang")
    return FakeContext(folder / "out", folder / "resume", workers=3).gang(shared_work.sums)


def test_three_processes_read_the_sum_of_what_they_handed_over(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        assert answer["used"] and answer["strided"]
        assert answer["right"] == {str(kind): True for kind in shared_work.KINDS}


def test_the_gradients_of_a_network_are_the_mean_through_memory(answers: list[dict[str, Any]]) -> None:
    assert [answer["gradients"] for answer in answers] == [{"hook": "Whole", "error": [0.0, 0.0], "used": True}] * 3


def test_ranks_that_cannot_all_see_one_memory_share_none(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        assert answer["others"] == {"two machines": False, "none made": False, "one blind": False}


def test_nothing_is_left_of_the_memory(answers: list[dict[str, Any]]) -> None:
    assert [answer["left"] for answer in answers] == [[]] * 3


class Threads(Shared):
    """Ranks that are threads, of which some read late what others are already done with."""

    gate: threading.Barrier

    def _meet(self) -> None:
        self.gate.wait(10)
        time.sleep(0.001 * (self.rank % 2))


@given(
    world=st.integers(2, 5),
    lengths=st.lists(st.integers(0, 70), min_size=1, max_size=6),
    scale=st.sampled_from([1, 0.25]),
)
@settings(max_examples=25, deadline=None)
def test_every_rank_reads_the_same_bits_however_long_the_numbers_are(
    world: int, lengths: list[int], scale: float
) -> None:
    chance = torch.Generator().manual_seed(world)
    given = [[torch.randn(length, generator=chance) for length in lengths] for _ in range(world)]
    found = [[values.clone() for values in mine] for mine in given]
    with patch.object(shared, "SLOT", 64):  # 16 numbers
        memory, gate = torch.zeros(TURNS * world * 64, dtype=torch.uint8), threading.Barrier(world)

        def work(rank: int) -> None:
            place = Threads(memory, rank, world)
            place.gate = gate
            for values in found[rank]:
                place.add_up(values, scale)

        ranks = [threading.Thread(target=work, args=(rank,)) for rank in range(world)]
        for thread in ranks:
            thread.start()
        for thread in ranks:
            thread.join()
    for i in range(len(lengths)):
        torch.testing.assert_close(found[0][i], scale * sum(mine[i] for mine in given))
        assert all(torch.equal(mine[i], found[0][i]) for mine in found)


def test_another_file_under_the_same_number_is_not_taken_for_the_memory(tmp_path: Path) -> None:
    size, token = 1 << 16, secrets.token_bytes(8)
    told = int.from_bytes(token, "little", signed=True)
    made, other = shared._made(size, token), shared._made(size, secrets.token_bytes(8))
    pipe = os.pipe()
    file = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    try:
        assert shared._mapped(os.getpid(), made, told, size) is not None
        assert shared._mapped(os.getpid(), made, told, 2 * size) is None
        for number in (other, *pipe, file):
            assert shared._mapped(os.getpid(), number, told, size) is None
    finally:
        for number in (made, other, *pipe, file):
            os.close(number)
    assert shared._mapped(os.getpid(), made, told, size) is None


@pytest.mark.parametrize(
    ("call", "error"),
    [("os.posix_fallocate", OSError(28, "No space left on device")), ("os.memfd_create", PermissionError(13, "no"))],
)
def test_a_machine_that_has_none_or_forbids_it_gives_none(call: str, error: OSError) -> None:
    with patch(call, side_effect=error):
        assert shared._made(1 << 16, secrets.token_bytes(8)) == -1
