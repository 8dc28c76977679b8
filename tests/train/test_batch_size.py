"""The batch that is found by trying, on one rank and for several."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import aimass
from aimass.core.errors import InputError
from aimass.train import batch_size
from aimass.train.batch_size import find_batch
from aimass.train.job import Job
from aimass.train.parallel.single import Single
from aimass.train.plan import Plan
from aimass.train.source import Source
from tests.train.test_step import CPU, IMAGES

ROWS = 8192


def found(monkeypatch: pytest.MonkeyPatch, most: int, ranks: int) -> tuple[int, list[int]]:
    """The batch for so many RANKS that hold MOST rows each, and the batches that one of them ran."""
    ran: list[int] = []

    def rows_per_s(job: Job, plan: Plan, placement: Single) -> float:
        ran.append(plan.batch)
        if plan.batch > most:
            raise torch.OutOfMemoryError("no room")
        return float(plan.batch)

    def plan_of(batch: int) -> Plan:
        return Plan(rows=ROWS, batch=batch, epochs=1, steps=ROWS // batch, seed=0)

    monkeypatch.setattr(batch_size, "rows_per_s", rows_per_s)
    source = Source.of_tensors([torch.zeros(ROWS, 1)], torch.zeros(ROWS).long(), "memory", CPU)
    return find_batch(Job(nn.Linear(1, 3), IMAGES, source, source, CPU), plan_of, Single(CPU), ranks), ran


def test_what_one_rank_holds_is_found_for_each_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, 100, 1) == (64, [32, 64, 128])
    assert found(monkeypatch, 100, 4) == (4 * 64, [32, 64, 128])


def test_an_epoch_keeps_eight_steps_of_all_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [found(monkeypatch, ROWS, ranks)[0] for ranks in (1, 2, 4)] == [ROWS // 8] * 3


def test_too_little_memory_for_the_smallest_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="not even 32 rows fit"):
        found(monkeypatch, 31, 2)


def test_a_run_that_was_broken_off_goes_on_with_the_batch_it_had_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = iter([64, 32])  # another measurement, another answer
    monkeypatch.setattr("aimass.train.worker.find_batch", lambda *_: next(found))
    monkeypatch.setattr("aimass.train.pulse.TELL_EVERY", 0.0)  # keeps a state at its first look
    data = torch.randn(128, 3), torch.arange(128) % 3
    first, again = (
        aimass.fit(nn.Linear(3, 3), data, batch="find", epochs=2, resume=tmp_path, advise="off") for _ in range(2)
    )
    assert first.plan.batch == again.plan.batch == 64
    assert any("going on" in line for line in again.log)


def test_other_rows_find_another_batch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = iter([64, 32])
    monkeypatch.setattr("aimass.train.worker.find_batch", lambda *_: next(found))
    plans = [
        aimass.fit(nn.Linear(3, 3), (torch.randn(rows, 3), torch.arange(rows) % 3), batch="find", epochs=1,
                   resume=tmp_path, advise="off").plan
        for rows in (128, 256)
    ]  # fmt: skip
    assert [plan.batch for plan in plans] == [64, 32]
