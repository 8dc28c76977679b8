"""The batches of an epoch: what stands in the order, by any number of ranks, fetched ahead or not, from any step on."""

from __future__ import annotations

import threading
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.train.ahead import AHEAD, ahead
from aimass.train.feed import batches, counts, feed, rows_of_step, turn_of
from aimass.train.order import batch_of, order, steps_of
from aimass.train.plan import Plan
from aimass.train.source import Source
from tests.train.test_source import Operators, images

CPU = torch.device("cpu")


def source_of(rows: int, columns: int = 3) -> Source:
    values = torch.arange(rows * columns, dtype=torch.float32).reshape(rows, columns)
    return Source.of_tensors((values, values[:, 0].int()), torch.arange(rows) % 5, "memory", CPU)


def plan_of(rows: int, batch: int, **more: Any) -> Plan:
    return Plan(rows=rows, batch=batch, epochs=1, steps=steps_of(rows, batch), seed=3, **more)


def place(rank: int = 0, world: int = 1) -> Any:
    return SimpleNamespace(rank=rank, world=world)


def feeding() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "aimass-feed"]


@pytest.mark.parametrize("prefetch", [False, True])
class TestEveryFeed:
    @settings(max_examples=25, deadline=None)
    @given(
        rows=st.integers(2, 400),
        batch=st.integers(1, 60),
        world=st.integers(1, 3),
        chunk=st.sampled_from([0, 500, 3000, 2**18]),
        data=st.data(),
    )
    def test_a_rank_gets_its_share_of_each_batch_of_the_order(
        self, prefetch: bool, rows: int, batch: int, world: int, chunk: int, data: st.DataObject
    ) -> None:
        source, steps, turn = source_of(rows), steps_of(rows, batch), order(0, 0, rows)
        first = data.draw(st.integers(0, steps))
        fed = [list(batches(source, turn, steps, first, rank, world, prefetch=prefetch, chunk=chunk))
               for rank in range(world)]  # fmt: skip
        assert {len(each) for each in fed} == {steps - first}
        for step, shares in enumerate(zip(*fed, strict=True), start=first):
            expected = torch.from_numpy(batch_of(turn, step, steps))
            assert torch.equal(torch.cat([share.rows for share in shares]), expected)
            assert torch.equal(torch.cat([share.target for share in shares]), expected % 5)
            for share in shares:
                assert torch.equal(share.tensors[0][:, 1], share.rows * 3.0 + 1)
                assert torch.equal(share.tensors[1], share.rows.int() * 3)
                assert share.size == len(share.target)

    def test_images_have_the_bits_of_the_graph(self, prefetch: bool) -> None:
        split, expected = images(200)
        turn = order(0, 0, 200)
        fed = list(batches(Source(split, "mapped", CPU), turn, 9, prefetch=prefetch))
        assert torch.cat([batch.tensors[0] for batch in fed]).numpy().tobytes() == expected[turn[:]].tobytes()

    def test_an_error_is_raised_where_its_batch_was_due_and_no_thread_is_left(self, prefetch: bool) -> None:
        class Broken:
            """An order whose fourth batch cannot be had."""

            def __len__(self) -> int:
                return 100

            def __getitem__(self, places: slice) -> np.ndarray:
                if places.start == 30:
                    raise OSError("the disk is gone")
                return np.arange(100)[places]

        seen = []
        with pytest.raises(OSError, match="the disk is gone"):
            for batch in batches(source_of(100), Broken(), 10, prefetch=prefetch, chunk=0):
                seen.append(batch.rows[0].item())
        assert seen == [0, 10, 20]
        assert not feeding()

    def test_no_thread_is_left_when_the_block_is_left_early_or_by_an_error(self, prefetch: bool) -> None:
        source, plan = source_of(50_000), plan_of(50_000, 100, prefetch=prefetch)
        with feed(source, plan, place(), 0, 0) as fed:
            next(fed)
            assert len(feeding()) == prefetch
        assert not feeding()
        with pytest.raises(ZeroDivisionError), feed(source, plan, place(), 0, 0) as fed:
            next(fed)
            raise ZeroDivisionError
        assert not feeding()

    def test_a_feed_goes_on_from_any_step(self, prefetch: bool) -> None:
        source, plan = source_of(1000), plan_of(1000, 30, prefetch=prefetch)
        with feed(source, plan, place(), 2, 0) as fed:
            whole = [(batch.rows.tolist(), count) for batch, count in fed]
        with feed(source, plan, place(), 2, 17) as fed:
            assert [(batch.rows.tolist(), count) for batch, count in fed] == whole[17:]
        assert [rows_of_step(source, plan, 2, step).tolist() for step in range(34)] == [rows for rows, _ in whole]


@pytest.mark.parametrize("prefetch", [False, True])
def test_a_batch_stands_in_memory_where_its_number_says_wherever_the_run_began(prefetch: bool) -> None:
    """What a processor adds up may depend on where numbers lie: a resumed run must not see another alignment."""
    source, turn = source_of(5000, columns=13), order(0, 0, 5000)
    whole = list(batches(source, turn, 49))
    resumed = list(batches(source, turn, 49, 20, prefetch=prefetch))
    for one, other in zip(whole[20:], resumed, strict=True):
        for a, b in zip((*one.tensors, one.target), (*other.tensors, other.target), strict=True):
            assert a.storage_offset() == b.storage_offset()
            assert a.data_ptr() % 64 == b.data_ptr() % 64 == 0


def test_an_epoch_gathers_each_tensor_once_a_batch_at_most() -> None:
    source, turn = Source(images(600)[0], "memory", CPU), order(0, 0, 600)
    for chunk, most in ((0, 20), (2**20, 1)):
        with Operators() as seen:
            assert len(list(batches(source, turn, 20, chunk=chunk))) == 20
        assert seen.counts["index_select"] == 2 * most  # the image and the target


def test_the_reader_is_never_more_than_its_buffers_ahead() -> None:
    begun: list[int] = []

    def do(job: int) -> int:
        begun.append(job)
        return job

    results = ahead(do, range(100))
    for taken, result in enumerate(results):
        time.sleep(0.002)
        assert result == taken
        assert len(begun) <= taken + 1 + AHEAD
        if taken == 20:
            break
    results.close()
    assert not feeding()


def test_the_count_of_a_batch_is_that_of_the_rows_of_all_ranks_that_count() -> None:
    target = torch.arange(60) % 4
    target[::3] = -100
    source = Source.of_tensors((torch.zeros(60, 1),), target, "memory", CPU)
    turn = order(0, 0, 60)
    expected = [int((target[torch.from_numpy(batch_of(turn, step, 7))] >= 0).sum()) for step in range(7)]
    assert list(counts(source, turn, 7)) == expected
    assert list(counts(source, turn, 7, first=4)) == expected[4:]
    with feed(source, plan_of(60, 9, prefetch=False), place(1, 2), 0, 0) as fed:
        assert [count for _, count in fed] == [
            int((target[torch.from_numpy(rows_of_step(source, plan_of(60, 9), 0, step))] >= 0).sum())
            for step in range(7)
        ]


def test_places_of_a_sequence_count_one_by_one() -> None:
    target = torch.tensor([[1, 2, -100], [3, -100, -100], [1, 1, 1]])
    source = Source.of_tensors((torch.zeros(3, 1),), target, "memory", CPU)
    assert list(counts(source, np.array([0, 1, 2]), 3)) == [2, 1, 3]


def test_without_masked_rows_the_count_is_the_size_of_the_batch() -> None:
    for target in (torch.arange(10) % 2, torch.rand(10)):
        source = Source.of_tensors((torch.zeros(10, 1),), target, "memory", CPU)
        assert list(counts(source, order(0, 0, 10), 3)) == [3, 3, 4]


@pytest.mark.parametrize("prefetch", [False, True])
def test_a_balanced_epoch_has_as_many_rows_of_each_class_and_copies_are_told_apart(prefetch: bool) -> None:
    target = torch.tensor([0] * 90 + [1] * 10)
    source = Source.of_tensors((torch.arange(100.0),), target, "memory", CPU)
    plan = plan_of(100, 10, sampling="balanced", prefetch=prefetch)
    with feed(source, plan, place(), 0, 0) as fed:
        batches_ = [batch for batch, _ in fed]
    keys = torch.cat([batch.rows for batch in batches_])
    assert Counter(torch.cat([batch.target for batch in batches_]).tolist()) == {0: 50, 1: 50}
    assert torch.equal(torch.cat([batch.tensors[0] for batch in batches_]), keys % 100.0)
    assert len(set(keys.tolist())) == 100
    assert not np.array_equal(turn_of(source, plan, 0)[:], turn_of(source, plan, 1)[:])
