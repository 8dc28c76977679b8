"""The training step: what it never does, and gradients that know neither micro-batches nor ranks."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import aimass
from aimass.core.errors import InputError
from aimass.core.signature import Field, Signature
from aimass.train.augment.compose import compose
from aimass.train.augment.flip import Flip
from aimass.train.batch import Batch
from aimass.train.checkpoint import Keeper
from aimass.train.feed import feed
from aimass.train.here import Here
from aimass.train.job import Job
from aimass.train.loop import Going
from aimass.train.losses import loss_of
from aimass.train.optimizer import export_state
from aimass.train.parallel.base import Placement
from aimass.train.parallel.single import Single
from aimass.train.plan import Plan
from aimass.train.ready import Ready, graphed_of, in_halves, make_ready
from aimass.train.recompute import remember_blocks
from aimass.train.reproducible import reproducible
from aimass.train.source import Source
from aimass.train.state import check_losses

ROWS, SIDE, CLASSES = 96, 8, 3
CPU = torch.device("cpu")
LABEL = Field("label", "string", values=("a", "b", "c"))
IMAGES = Signature("multiclass", "y", (), (Field("x.image.x", "float32", (1, SIDE, SIDE)),), (LABEL,))
SYNCS = ("_local_scalar_dense", "nonzero", "masked_select")


def images(rows: int = ROWS) -> tuple[Tensor, Tensor]:
    chance = torch.Generator().manual_seed(1)
    return torch.randn(rows, 1, SIDE, SIDE, generator=chance), torch.randint(0, CLASSES, (rows,), generator=chance)


def network(*, norm: bool = False, dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(0)
    middle = [nn.BatchNorm2d(4)] if norm else []
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), *middle, nn.ReLU(), nn.Flatten(), nn.Dropout(dropout), nn.Linear(4 * 36, CLASSES)
    )


def plan_of(**given: Any) -> Plan:
    usual: dict[str, Any] = {"rows": ROWS, "batch": 32, "epochs": 5, "steps": 3, "seed": 0, "threads": 1, "clip": 0.0}
    return Plan(**{**usual, **given})


def ready_of(
    module: nn.Module,
    plan: Plan,
    data: tuple[Tensor, Tensor] | None = None,
    placement: Placement | None = None,
    **given: Any,
) -> tuple[Job, Ready]:
    tensors, target = data or images()
    source = Source.of_tensors([tensors], target, "memory", CPU)
    job = Job(module, IMAGES, source, source, CPU, **given)
    module.train()
    return job, make_ready(job, plan, placement or Single(CPU))


def run(job: Job, ready: Ready, epochs: int = 1) -> None:
    state = ready.state
    for _ in range(epochs):
        with feed(job.train, state.plan, ready.placement, state.epoch, state.step) as batches:
            for batch, count in batches:
                ready.step(batch, count)
        state.epoch, state.step = state.epoch + 1, 0
        state.losses.begin()


class NoQuestions(TorchDispatchMode):
    """Fails where the host asks the device for a value."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert not any(name in str(func) for name in SYNCS), f"{func} waits for the device"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "given",
    [{}, {"clip": 1.0}, {"precision": "bf16"}, {"precision": "fp16"}, {"accumulate": 4}, {"average": "ema"}],
    ids=["plain", "clipped", "bf16", "fp16", "accumulated", "averaged"],
)
def test_a_steady_step_never_asks_the_device(given: dict[str, Any]) -> None:
    vary = compose([Flip()], IMAGES)
    job, ready = ready_of(network(norm=True, dropout=0.1), plan_of(**given), vary=vary)
    run(job, ready)
    with feed(job.train, ready.plan, ready.placement, 1, 0) as batches:
        ready_batches = list(batches)
    with NoQuestions():
        for batch, count in ready_batches:
            ready.step(batch, count)


def test_two_hundred_steps_allocate_no_more_than_twenty() -> None:
    job, ready = ready_of(network(norm=True), plan_of(average="ema", clip=1.0))

    def tensors() -> int:
        gc.collect()
        return sum(isinstance(thing, Tensor) for thing in gc.get_objects())

    run(job, ready, 7)
    before = tensors()
    run(job, ready, 67)
    assert tensors() <= before + 2


@contextmanager
def kept_gradients(ready: Ready) -> Iterator[dict[str, Tensor]]:
    """The gradients of the next step, by name."""
    found: dict[str, Tensor] = {}
    inner = ready.state.optimizer.step

    def step(bad: Tensor) -> None:
        found.update({name: weight.grad.clone() for name, weight in ready.state.module.named_parameters()})
        inner(bad)

    ready.state.optimizer.step = step  # type: ignore[method-assign]
    yield found


@pytest.mark.parametrize("accumulate", [2, 4, 5, 64])
@pytest.mark.parametrize("masked", [0, 7], ids=["whole", "ragged masks"])
def test_a_batch_and_its_micro_batches_have_the_same_gradient(accumulate: int, masked: int) -> None:
    tensors, target = images(64)
    target[1 : 1 + masked] = -100
    found = []
    for parts in (1, accumulate):
        _, ready = ready_of(network(), plan_of(rows=64, batch=64, steps=1, accumulate=parts), (tensors, target))
        with kept_gradients(ready) as gradients:
            ready.step(Batch((tensors,), target, torch.arange(64)), 64 - masked)
        found.append((gradients, ready.state.losses.settle().clone()))
    (whole, loss), (parts_of_it, same) = found
    torch.testing.assert_close(loss, same)
    for name, gradient in whole.items():
        torch.testing.assert_close(gradient, parts_of_it[name], rtol=1e-5, atol=1e-6)


def test_a_batch_of_nothing_but_masks_is_skipped() -> None:
    tensors, target = images()
    job, ready = ready_of(network(), plan_of(), (tensors, torch.full_like(target, -100)))
    before = {name: value.clone() for name, value in ready.state.module.state_dict().items()}
    ready.step(job.train.fetch(torch.arange(32)), 0)
    assert all(value.equal(before[name]) for name, value in ready.state.module.state_dict().items())


def test_a_batch_of_nothing_but_masks_is_skipped_in_parts_too() -> None:
    tensors, target = images()
    job, ready = ready_of(network(), plan_of(accumulate=2), (tensors, torch.full_like(target, -100)))
    before = {name: value.clone() for name, value in ready.state.module.state_dict().items()}
    ready.step(job.train.fetch(torch.arange(32)), 0)
    assert all(value.equal(before[name]) for name, value in ready.state.module.state_dict().items())


def test_a_gradient_that_is_not_finite_makes_a_bad_step_though_the_loss_is_finite() -> None:
    def make(*_: object) -> Any:
        return lambda scores, target: (scores.square().sum() * 0).sqrt()  # the slope of a root at 0 is infinite

    job, ready = ready_of(network(), plan_of(clip=1.0), loss=make)
    for _ in range(3):
        ready.step(job.train.fetch(torch.arange(32)), 32)
    assert ready.state.losses.settle().isnan().all()
    with pytest.raises(InputError, match="and stays so"):
        check_losses(ready.state.losses.settle(), 0, "", ready.plan)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_a_bad_step_changes_neither_weights_nor_moments_nor_statistics(precision: str, clip: float) -> None:
    job, ready = ready_of(network(norm=True), plan_of(precision=precision, clip=clip))
    run(job, ready)
    state = ready.state

    def everything() -> dict[str, Tensor]:
        found = {**state.module.state_dict(), **export_state(state.optimizer, state.module)}
        return {name: value.clone() for name, value in found.items() if not name.endswith("num_batches_tracked")}

    before, batch = everything(), job.train.fetch(torch.arange(32))
    bad = batch._replace(tensors=(batch.tensors[0].clone().index_fill_(0, torch.tensor([3]), torch.inf),))
    ready.step(bad, 32)
    after = everything()
    assert [name for name, value in before.items() if not value.equal(after[name])] == []
    ready.step(batch, 32)
    assert not everything()["0.weight"].equal(before["0.weight"])


def test_activations_that_are_computed_again_change_no_bit() -> None:
    class Blocks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            block = [nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3))]
            self.blocks = nn.Sequential(nn.Conv2d(1, 4, 3), *block, *block[:0])
            self.head = nn.Linear(4 * 36, CLASSES)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.blocks(x).flatten(1))

    states = []
    for recompute in (False, True):
        module = Blocks()
        run(*ready_of(module, plan_of(recompute=recompute)), epochs=2)
        assert any("forward" in vars(child) for child in module.modules()) is recompute
        remember_blocks(module)
        assert not any("forward" in vars(child) for child in module.modules())
        states.append(module.state_dict())
    assert all(value.equal(states[1][name]) for name, value in states[0].items())


def test_a_step_that_does_not_fit_in_memory_is_halved_until_single_rows() -> None:
    job, ready = ready_of(network(), plan_of())
    halves = in_halves(ready, job, 32, torch.OutOfMemoryError("no room"))
    assert halves.plan.accumulate == halves.state.plan.accumulate == 2
    assert halves.plan.origins["accumulate"].reason == "a step of 32 rows did not fit in memory"
    with pytest.raises(InputError, match="not even row by row: no room"):
        for _ in range(6):
            halves = in_halves(halves, job, 32, torch.OutOfMemoryError("no room"))


def test_on_several_ranks_a_step_that_does_not_fit_ends_the_run_and_says_what_to_do() -> None:
    """Done again in parts, it would wait for an exchange that the others have behind them."""
    placement = Single(CPU)
    job, ready = ready_of(network(), plan_of(accumulate=2), placement=placement)
    placement.rank, placement.world = 1, 2
    calls: list[int] = []

    def no_room(batch: Batch, count: int) -> None:
        calls.append(batch.size)
        raise torch.OutOfMemoryError("no room")

    context = Here(Path(), 0, None, [])
    going = Going(context, job, replace(ready, step=no_room), Keeper(), "")
    with pytest.raises(InputError, match="a step of 16 rows does not fit in memory on rank 1: no room") as caught:
        going.one_step(job.train.fetch(torch.arange(16)), 32)
    going.reporter.close()
    assert caught.value.key == "accumulate" and "accumulate = 4" in caught.value.todo
    assert calls == [16] and ready.state.plan.accumulate == 2 and context.lines == []


@pytest.mark.parametrize(
    ("scores", "target", "expected"),
    [
        ((8, 3), torch.zeros(8, 1).long(), r"class numbers, int64 \[8\]: one a row"),
        ((8, 3), torch.zeros(8), r"class numbers, int64 \[8\]: one a row"),
        ((8, 3), torch.zeros(8, 3).long(), r"class numbers, int64 \[8\]: one a row"),
        ((8, 3, 5), torch.zeros(8).long(), r"class numbers, int64 \[8, 5\]"),
    ],
    ids=["column", "floats", "one hot", "sequence"],
)
def test_classes_of_another_shape_are_an_error_that_says_the_right_one(
    scores: tuple[int, ...], target: Tensor, expected: str
) -> None:
    with pytest.raises(InputError, match=re.escape(f"{target.dtype} {list(target.shape)}")) as caught:
        loss_of(IMAGES)(torch.zeros(scores), target)
    assert re.search(expected, str(caught.value)) and caught.value.key == "data"


def test_what_else_goes_wrong_in_a_loss_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object, **__: object) -> Tensor:
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr("torch.nn.functional.cross_entropy", no_room)
    with pytest.raises(torch.OutOfMemoryError, match="no room"):
        loss_of(IMAGES)(torch.zeros(8, 3), torch.zeros(8).long())


def test_an_operation_that_cannot_be_repeated_is_named() -> None:
    class Puts(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            scores: Tensor = super().forward(x)
            return scores + torch.zeros(3).put_(torch.tensor([1]), torch.tensor([1.0]))  # refused on a processor, too

    X, y = torch.randn(16, 2), torch.arange(16) % 3
    with pytest.raises(InputError, match="put_ adds up in another order") as caught:
        aimass.fit(Puts(2, 3), (X, y), epochs=1, batch=8, threads=1, advise="off")
    assert caught.value.key == "model" and "replace it" in caught.value.todo
    with pytest.raises(RuntimeError, match="something else"), reproducible(1, 0):
        raise RuntimeError("something else")
    assert not torch.are_deterministic_algorithms_enabled()


def test_compiling_once_is_enough_for_all_batches() -> None:
    torch._dynamo.reset()
    counted = torch._dynamo.utils.counters
    job, ready = ready_of(network(), plan_of(rows=95, compile="default"))  # batches of 31 and 32 rows
    run(job, ready, 2)
    compiled = counted["stats"]["unique_graphs"]
    run(job, ready, 5)
    assert compiled and counted["stats"]["unique_graphs"] == compiled


def test_graphs_are_captured_as_the_network_trains_and_leave_its_statistics_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: dict[str, object] = {}

    def captured(module: nn.Module, tensors: tuple[Tensor, ...]) -> nn.Module:
        seen.update(training=module.training, cast=torch.is_autocast_enabled("cpu"), rows=len(tensors[0]))
        seen["cached"] = torch.is_autocast_cache_enabled()
        module(*tensors)  # as its warm-up does
        return module

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", captured)
    plan = plan_of(precision="bf16", graphs=True, accumulate=2)
    job, _ = ready_of(network(norm=True), plan_of())
    job.module.eval()
    before = [buffer.clone() for buffer in job.module.buffers()]
    assert graphed_of(job.module, plan, job) is job.module
    assert seen == {"training": True, "cast": True, "rows": ROWS // plan.steps // 2, "cached": False}
    assert all(value.equal(old) for value, old in zip(job.module.buffers(), before, strict=True))
