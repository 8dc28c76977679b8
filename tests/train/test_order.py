"""The order of rows: each once an epoch, whatever the number of ranks, and worked out anew wherever it is looked at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.train import order as module
from aimass.train.order import LARGE, WINDOW, Blocks, Feistel, batch_of, block_of, order, part_of, steps_of

ROWS = st.integers(1, 3000)
SEEDS = st.integers(0, 2**62)
MAKERS = {
    "whole": lambda seed, epoch, rows: order(seed, epoch, rows),
    "blocks": lambda seed, epoch, rows: order(seed, epoch, rows, block=7),
    "cipher": lambda seed, epoch, rows: Feistel(rows, module.stream("order", seed, epoch)),
}


@pytest.mark.parametrize("kind", MAKERS)
class TestEveryOrder:
    @settings(max_examples=40, deadline=None)
    @given(seed=SEEDS, epoch=st.integers(0, 10**6), rows=ROWS)
    def test_each_row_comes_once_an_epoch(self, kind: str, seed: int, epoch: int, rows: int) -> None:
        turn = MAKERS[kind](seed, epoch, rows)
        assert len(turn) == rows
        assert turn[:].dtype == np.int64
        assert np.array_equal(np.sort(turn[:]), np.arange(rows))

    @settings(max_examples=40, deadline=None)
    @given(seed=SEEDS, rows=ROWS, data=st.data())
    def test_a_slice_is_the_slice_of_the_whole(self, kind: str, seed: int, rows: int, data: st.DataObject) -> None:
        begin, end = sorted(data.draw(st.tuples(st.integers(0, rows), st.integers(0, rows))))
        whole = MAKERS[kind](seed, 3, rows)[:]
        assert np.array_equal(MAKERS[kind](seed, 3, rows)[begin:end], whole[begin:end])

    def test_another_epoch_or_seed_has_another_order(self, kind: str) -> None:
        orders = [MAKERS[kind](seed, epoch, 500)[:].tolist() for seed, epoch in ((0, 0), (0, 1), (1, 0), (0, 0))]
        assert orders[0] == orders[3]
        assert orders[0] != orders[1] != orders[2] != orders[0]

    def test_every_place_is_as_likely_for_a_row(self, kind: str) -> None:
        """Chi-squared with 9 degrees of freedom: above 27.9 once in a thousand."""
        places = [int(np.flatnonzero(MAKERS[kind](seed, 0, 1000)[:] == 421)[0]) for seed in range(500)]
        counts = np.histogram(places, bins=10, range=(0, 1000))[0]
        assert ((counts - 50) ** 2 / 50).sum() < 27.9

    @settings(max_examples=40, deadline=None)
    @given(seed=SEEDS, rows=st.integers(2, 600), batch=st.integers(1, 90), accumulate=st.integers(1, 4))
    def test_any_number_of_ranks_sees_the_same_batches(
        self, kind: str, seed: int, rows: int, batch: int, accumulate: int
    ) -> None:
        turn, steps = MAKERS[kind](seed, 1, rows), steps_of(rows, batch)
        whole = [batch_of(turn, step, steps).tolist() for step in range(steps)]
        assert [row for rows_ in whole for row in rows_] == turn[:].tolist()
        assert max(map(len, whole)) - min(map(len, whole)) <= 1
        assert max(map(len, whole)) <= batch
        for world in (1, 2, 3):
            for step in range(steps):
                shares = [part_of(batch_of(turn, step, steps), rank, world) for rank in range(world)]
                micro = [part_of(share, i, accumulate) for share in shares for i in range(accumulate)]
                assert np.concatenate(micro).tolist() == whole[step]
                assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_more_rows_than_are_held_are_enciphered() -> None:
    rows = 3 * 10**9
    turn = order(0, 0, rows)
    assert isinstance(turn, Feistel)
    some = np.concatenate([turn[:5000], turn[rows - 5000 :]])
    assert len(set(some.tolist())) == 10_000
    assert some.min() >= 0
    assert some.max() < rows
    steps = np.abs(np.diff(some.astype(np.float64))) / rows  # of two places by chance: a third on the average
    assert abs(steps.mean() - 1 / 3) < 0.02


def test_a_slice_of_a_window_comes_from_so_many_blocks_only() -> None:
    turn = Blocks(0, 0, rows=1000 * 128 - 60, block=128)
    for step in range(100):
        blocks = set((batch_of(turn, step, 100) // 128).tolist())
        assert len(blocks) <= 2 * WINDOW  # a batch lies in two windows at most


def test_neighbours_on_disk_are_torn_apart_inside_a_window() -> None:
    """Rows that are sorted by class: in blocks, the classes of neighbours in the order are nearly independent."""
    rows = 200_000
    target = np.arange(rows) * 10 // rows
    classes = target[Blocks(0, 0, rows, block=100)[:]].astype(float)
    correlation = np.corrcoef(classes[:-1], classes[1:])[0, 1]
    assert abs(np.corrcoef(target[:-1], target[1:])[0, 1] - 1) < 0.01
    assert abs(correlation) < 0.05


def test_blocks_are_asked_for_by_size_alone() -> None:
    assert block_of(10**6, LARGE - 1) == 0
    assert block_of(LARGE // 784 + 1, LARGE) == 256
    assert block_of(LARGE // 3072, LARGE) == 85
    assert block_of(LARGE // 150_528, LARGE) == 64
