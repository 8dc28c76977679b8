"""A run that is broken off anywhere goes on from its checkpoint and ends with the bytes of one that was not."""

from __future__ import annotations

import json
import math
import random
import resource
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from aimass.core.artifact import Examples, files_of
from aimass.core.errors import Stopped, StoreError
from aimass.core.part import resolve
from aimass.models.base import Architecture
from aimass.train import pulse, rounds
from aimass.train.checkpoint import InMemory, Keeper, OnDisk, staged, write_whole
from aimass.train.optimizer import build_optimizer, export_state, groups_of
from aimass.train.plan import Plan
from aimass.train.state import State
from aimass.train.step import train
from tests.train.child import attempt

ROOT = Path(__file__).parents[2]
GRADIENT = {"use": "gradient", "epochs": 4, "batch": 64, "threads": 1}  # 4 x 7 steps
BOOSTING = {"use": "boosting", "rounds": 60, "segment": 15, "patience": 60, "threads": 2}
CASES: dict[str, tuple[tuple[str, ...], dict[str, Any], dict[str, Any], int]] = {  # tensors, model, recipe, last moment
    "mlp": (("numbers", "categories"), {"use": "mlp", "width": 16}, GRADIENT, 27),
    "convnet": (("image",), {"use": "convnet", "width": 4, "stages": 2}, {**GRADIENT, "threads": 2}, 27),
    "xgboost": (("numbers", "categories"), {"use": "xgboost"}, BOOSTING, 7),
}


def killed_at(moment: int, order: dict[str, Any]) -> int:
    """The return code of an attempt in a process of its own."""
    text = json.dumps({**order, "die_at": moment})
    return subprocess.run([sys.executable, "-m", "tests.train.child", text], cwd=ROOT, timeout=120).returncode


def order_of(case: str, examples: Examples, folder: Path, name: str, resume: str) -> dict[str, Any]:
    _, model, recipe, _ = CASES[case]
    places = {"examples": str(examples.folder), "out": str(folder / name), "resume": str(folder / resume)}
    return {**places, "model": model, "recipe": recipe}


@pytest.mark.parametrize("case", CASES)
def test_a_run_killed_at_random_moments_ends_with_the_bytes_of_an_unbroken_one(
    case: str, make_examples, tmp_path: Path
) -> None:
    kinds, _, settings, last = CASES[case]
    first = 3 if settings is not BOOSTING else 2  # the write of one state is waited for by the next
    examples = make_examples("binary", *kinds)
    whole = attempt(order_of(case, examples, tmp_path, "whole", "resume-whole"))
    moment = random.Random(case).randrange(first, last)
    broken = order_of(case, examples, tmp_path, "broken", "resume")
    assert killed_at(moment, broken) == -signal.SIGKILL
    assert not (tmp_path / "broken" / "model.onnx").exists()
    again = attempt(order_of(case, examples, tmp_path, "again", "resume"))
    assert any("going on at" in line for line in again.lines)
    assert files_of(again.folder) == files_of(whole.folder)


@pytest.mark.parametrize("at", [1, 9, 16, 27])
def test_a_run_stopped_at_any_step_keeps_its_state_and_goes_on(
    at: int, make_examples, context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "TELL_EVERY", 0.0)  # asked after every step; saved only because of the stop
    examples = make_examples("multiclass", "numbers", "categories")
    model = Architecture.from_settings({"use": "mlp", "width": 16})
    recipe = resolve("recipe", "gradient").from_settings(GRADIENT)
    whole = context("whole")
    train.body(whole, examples, model=model, recipe=recipe)
    stopping = context("stopped", resume="shared")
    stopping.on_report = stop_at(at, stopping)
    with pytest.raises(Stopped):
        train.body(stopping, examples, model=model, recipe=recipe)
    again = context("again", resume="shared")
    train.body(again, examples, model=model, recipe=recipe)
    assert len(again.reports) < len(whole.reports)
    assert files_of(again.folder) == files_of(whole.folder)


def test_boosting_stopped_in_a_segment_keeps_those_before_it(
    make_examples, context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "TELL_EVERY", 0.0)
    examples = make_examples("regression", "numbers")
    model, recipe = Architecture.from_settings("xgboost"), resolve("recipe", "boosting").from_settings(BOOSTING)
    whole = context("whole")
    train.body(whole, examples, model=model, recipe=recipe)
    for number, at in enumerate((20, 50, 20)):  # 20 and 70 rounds into choosing them, 20 more into the refit
        stopping = context(f"stopped-{number}", resume="shared")
        stopping.on_report = stop_at(at, stopping)
        with pytest.raises(Stopped):
            train.body(stopping, examples, model=model, recipe=recipe)
    again = context("again", resume="shared")
    train.body(again, examples, model=model, recipe=recipe)
    assert again.lines == ["refit: going on at round 16"]
    assert files_of(again.folder) == files_of(whole.folder)


def test_a_checkpoint_of_other_settings_is_not_used(make_examples, context) -> None:
    examples = make_examples("binary", "numbers")
    for model, recipe, other in (
        ("mlp", GRADIENT, {"learning_rate": 0.002}),
        ("xgboost", BOOSTING, {"segment": 20}),
    ):
        architecture = Architecture.from_settings(model)
        kind = resolve("recipe", recipe["use"])
        train.body(context(f"{model}-1", resume=model), examples, model=architecture, recipe=kind.from_settings(recipe))
        changed = kind.from_settings({**recipe, **other})
        again, fresh = context(f"{model}-2", resume=model), context(f"{model}-3")
        train.body(again, examples, model=architecture, recipe=changed)
        train.body(fresh, examples, model=architecture, recipe=changed)
        assert again.lines == []
        assert files_of(again.folder) == files_of(fresh.folder)


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_whole(path, b"whole")
    (tmp_path / "state.part").mkdir()  # stands where the new one would be written
    with pytest.raises(StoreError, match="cannot be written"):
        write_whole(path, b"half")
    assert path.read_bytes() == b"whole"


class Tied(nn.Module):
    """One weight under two names, and another that is laid out by channels."""

    def __init__(self) -> None:
        super().__init__()
        self.image = nn.Conv2d(2, 2, 3).to(memory_format=torch.channels_last)
        self.first = nn.Linear(2, 2)
        self.second = nn.Linear(2, 2)
        self.second.weight = self.first.weight

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.second(self.first(self.image(image).mean((2, 3))))
        return scores


def state_of(plan: Plan) -> State:
    module = Tied()
    usual = {"momentum": 0.0, "nesterov": False, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "update": "fused"}
    optimizer = build_optimizer("adamw", groups_of(module, 0.1), **usual)
    return State(module, plan, optimizer, torch.device("cpu"))


def test_a_state_comes_back_bit_for_bit_from_a_file_that_holds_tensors_and_json_only(tmp_path: Path) -> None:
    recipe = resolve("recipe", "gradient").from_settings({**GRADIENT, "average": "ema"})
    plan = recipe.plan(400, 0)
    torch.manual_seed(0)
    states = [state_of(plan) for _ in range(2)]
    for _ in range(2):
        states[0].module(torch.randn(4, 2, 5, 5)).sum().backward()
        states[0].optimizer.step()
        states[0].average.update()
    states[0].step, states[0].seconds = 1, 0.1 + 0.2
    states[0].losses.note(torch.tensor(0.3))
    keeper = OnDisk(tmp_path)
    keeper.save(states[0].tensors(), states[0].facts())
    keeper.wait()
    told, facts = keeper.load()
    states[1].restore(told, facts)
    assert {v.data_ptr() for v in states[1].best.values()}.isdisjoint(v.data_ptr() for v in told.values()), "a file's"
    before, after = (state.tensors() for state in states)
    assert before.keys() == after.keys() and {"optimizer.image.weight/exp_avg", "average.first.weight"} <= before.keys()
    for name, value in before.items():
        assert value.equal(after[name]) or name == "losses", name
    assert before["losses"].nan_to_num().equal(after["losses"].nan_to_num())
    moments = [export_state(state.optimizer, state.module)["image.weight/exp_avg"].stride() for state in states]
    assert moments == [(18, 1, 6, 2)] * 2
    assert (states[1].step, states[1].seconds, states[1].best_loss) == (1, 0.1 + 0.2, math.inf)
    (file,) = tmp_path.glob("state-*")
    with safe_open(file, framework="numpy") as opened:
        assert json.loads(opened.metadata()["facts"])["step"] == 1


class Copies(TorchDispatchMode):
    """Counts the bytes of new tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = function(*args, **(kwargs or {}))
        given = {value.untyped_storage().data_ptr() for value in args if isinstance(value, Tensor)}
        if made.untyped_storage().data_ptr() not in given:
            self.bytes += made.untyped_storage().nbytes()
        return made


def test_each_tensor_is_copied_once_to_be_kept_however_it_lies() -> None:
    image = torch.randn(2, 3, 4, 4)
    given = {"rows": image, "last": image.to(memory_format=torch.channels_last), "columns": torch.randn(3, 4).t(),
             "cut": torch.randn(5, 6)[:, 1:3], "count": torch.tensor(3)}  # fmt: skip
    with Copies() as copies:
        kept = staged(given)
    assert copies.bytes == sum(value.nbytes for value in given.values())
    for name, value in given.items():
        assert kept[name].equal(value) and kept[name].is_contiguous()


def test_a_state_is_written_and_read_without_another_copy_of_it(tmp_path: Path) -> None:
    keeper = OnDisk(tmp_path)
    weight = torch.randn(1 << 20)
    tracemalloc.start()  # sees bytes, not tensors
    try:
        keeper.save({"weight": weight}, {"step": 1})
        keeper.wait()
        tensors, _ = keeper.load()
        assert tracemalloc.get_traced_memory()[1] < weight.nbytes / 4
    finally:
        tracemalloc.stop()
    assert tensors["weight"].equal(weight)


def test_a_disk_that_fills_up_in_the_middle_of_a_state_leaves_the_last_one_and_no_half(tmp_path: Path) -> None:
    keeper, weight = OnDisk(tmp_path), torch.zeros(1 << 16)
    keeper.save({"weight": weight}, {"step": 1})
    keeper.wait()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (weight.nbytes // 2, before[1]))
    try:
        keeper.save({"weight": weight + 1}, {"step": 2})
        with pytest.raises(StoreError, match="cannot be written"):
            keeper.wait()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest.json", "state-1.safetensors"]
    assert keeper.load()[1] == {"step": 1}


def test_what_a_killed_attempt_was_writing_is_taken_away_by_the_next(tmp_path: Path) -> None:
    for name in (".tmpAbC123", "state-7.safetensors.part", "advice.json"):
        (tmp_path / name).write_bytes(b"half")
    keeper = OnDisk(tmp_path)
    keeper.save({"weight": torch.zeros(2)}, {})
    keeper.wait()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["advice.json", "latest.json", "state-1.safetensors"]


def test_a_state_in_memory_is_what_it_was_and_the_callers_once_it_is_asked_for() -> None:
    weight, keeper = torch.zeros(3), InMemory()
    keeper.save({"weight": weight}, {"step": 1})
    weight += 1
    tensors, facts = keeper.load()
    assert tensors["weight"].tolist() == [0.0] * 3 and facts == {"step": 1}
    assert keeper.load() is None and Keeper().load() is None


def test_a_state_that_was_damaged_later_costs_the_steps_since_the_one_before(tmp_path: Path) -> None:
    keeper = OnDisk(tmp_path)
    for step in (1, 2, 3):
        keeper.save({"weight": torch.full((3,), float(step))}, {"step": step})
    keeper.wait()
    newest = tmp_path / "state-3.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1] + b"x")
    tensors, facts = keeper.load()
    assert facts == {"step": 2} and tensors["weight"].tolist() == [2.0] * 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest.json", "state-2.safetensors", newest.name]


def stop_at(count: int, context: Any) -> Any:
    def on_report(_: float) -> None:
        if len(context.reports) == count:
            raise Stopped("asked to stop")

    return on_report
