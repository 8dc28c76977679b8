"""What the loop does beside its steps, counted and not timed: calls of Python, and operations of torch.

A call costs 0.05 to 0.5 microseconds and an operation of torch one at least, so the counts bound the tax on
any machine, however busy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from aimass.train import loop, pulse
from aimass.train.batch import Batch
from aimass.train.checkpoint import Keeper
from aimass.train.here import Here
from aimass.train.loop import Going
from aimass.train.ready import Ready
from tests.train.test_step import images, network, plan_of, ready_of

STEPS = 48  # of an epoch: all are gathered at once
FIRST = 2  # steps that gather, and open what is opened once
# The loop's: `one_step`, `due` and the clock; the reader's: a generator of batches, one of counts with two lengths.
# And two of this test: the stub of a step, and a list that it appends to.  A single hook would be one too many.
CALLS = 9
# Beside forward, loss, backward and update, a built step detaches the loss, asks in three operations whether it is
# finite, and takes back the count of a bad step: one for each of the two groups of weights.
OPERATIONS = 6


class Counted(TorchDispatchMode):
    """Counts operations of torch."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


class Calls:
    """Counts calls of Python and of C while it is entered."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Calls:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *raised: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: Any, event: str, argument: Any) -> None:
        self.count += event in ("call", "c_call")


def around_steps(counter: Calls | Counted, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What COUNTER counts from the end of each step of an epoch to the beginning of the next, in the real loop."""
    monkeypatch.setattr(pulse, "TELL_EVERY", 1e9)
    rows = 2 * STEPS
    job, ready = ready_of(network(), plan_of(rows=rows, batch=2, steps=STEPS, epochs=1), images(rows))
    begins, ends = [], []

    def step(batch: Batch, count: int) -> None:
        begins.append(counter.count)
        ready.state.losses.note(torch.zeros(()))
        ready.state.step += 1
        ends.append(counter.count)

    with counter:
        loop.run(Here(Path(), 0, None, []), job, replace(ready, step=step), Keeper(), "")
    return [begin - end for begin, end in zip(begins[1:], ends, strict=False)][FIRST:]


def test_between_two_steps_the_loop_makes_a_handful_of_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    found = around_steps(Calls(), monkeypatch)
    assert len(found) == STEPS - 1 - FIRST and len(set(found)) == 1
    assert found[0] <= CALLS


def test_between_two_steps_torch_is_asked_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(around_steps(Counted(), monkeypatch)) == {0}


def reporting(going: Going) -> Callable[..., None]:
    def one_step(batch: Batch, count: int) -> None:
        Going.one_step(going, batch, count)
        going.tell(0.0, dict)

    return one_step


def hooked(going: Going) -> Callable[..., None]:
    hooks = [lambda: None]

    def one_step(batch: Batch, count: int) -> None:
        Going.one_step(going, batch, count)
        for hook in hooks:
            hook()

    return one_step


@pytest.mark.parametrize("habit", [reporting, hooked])
def test_a_report_or_a_list_of_hooks_in_each_step_would_be_seen(
    habit: Callable[[Going], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = Going.__enter__

    def enter(going: Going) -> Going:
        going.one_step = habit(going)  # type: ignore[method-assign]
        return inner(going)

    monkeypatch.setattr(Going, "__enter__", enter)
    assert min(around_steps(Calls(), monkeypatch)) > CALLS + 1  # the wrapper's own


def bare(ready: Ready) -> Callable[[Batch], None]:
    """The step as one writes it by hand."""
    module, state = ready.state.module, ready.state

    def step(batch: Batch) -> None:
        F.cross_entropy(module(*batch.tensors), batch.target).backward()
        state.optimizer.step(None)
        for weight in module.parameters():
            weight.grad = None

    return step


def test_a_built_step_does_what_one_written_by_hand_does_and_asks_whether_the_loss_is_finite() -> None:
    found = []
    for by_hand in (True, False):
        job, ready = ready_of(network(), plan_of())
        batch = job.train.fetch(torch.arange(32))
        step = bare(ready)
        counts = []
        for _ in range(10):
            with Counted() as counted:
                step(batch) if by_hand else ready.step(batch, 32)
            counts.append(counted.count)
        assert len(set(counts[FIRST:])) == 1
        found.append(counts[-1])
    assert found[1] <= found[0] + OPERATIONS
