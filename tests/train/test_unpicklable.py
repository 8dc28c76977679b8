"""Modules that no process can send to another: they are trained where they are, or travel by their class's name."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import aimass
from aimass.core.errors import InputError
from aimass.core.part import resolve
from aimass.models.base import Architecture
from aimass.train import pulse
from aimass.train.step import train
from aimass.train.worker import open_order

QUICK: dict[str, Any] = {"epochs": 2, "batch": 64, "threads": 1, "advise": "off"}
HERE = "tests.train.test_unpicklable"


class WithFunction(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1)
        self.double = lambda x: 2 * x

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.double(self.layer(x))
        return scores


class WithLock(WithFunction):
    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


class WithFile(WithFunction):
    def __init__(self) -> None:
        super().__init__()
        self.file = Path(__file__).open(encoding="utf-8")  # noqa: SIM115


@pytest.mark.parametrize("kind", [WithFunction, WithLock, WithFile])
def test_it_is_trained_and_goes_on_in_this_process(
    kind: type[nn.Module], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "TELL_EVERY", 0.0)
    monkeypatch.setattr(pulse, "SAVE_EVERY", 0.0)
    data, logs = (torch.randn(192, 4), torch.randn(192)), []
    for _ in range(2):
        module = kind()
        logs.append(aimass.fit(module, data, resume=tmp_path, **QUICK).log)
        if isinstance(module, WithFile):
            module.file.close()
    assert logs[0] == [] and logs[1][0].startswith("going on at epoch 2")


def test_one_with_a_function_is_made_anew_by_its_name_wherever_it_is_trained(make_examples, context) -> None:
    examples, made = make_examples("binary", "numbers"), context("a")
    model = Architecture.from_settings(f"{HERE}:WithFunction")
    recipe = resolve("recipe", "gradient").from_settings({"use": "gradient", **QUICK})
    order = json.loads(json.dumps(recipe.order(model, examples, 0, None)))  # what a worker is told
    first, second = (open_order(order, torch.device("cpu")).job.module for _ in range(2))
    assert first.double is not second.double and first.layer.weight.equal(second.layer.weight)
    train.body(made, examples, model=model, recipe=recipe)
    assert (made.folder / "model.onnx").exists()


@pytest.mark.parametrize("kind", ["WithLock", "WithFile"])
def test_what_no_export_can_copy_is_refused_before_it_is_trained(kind: str, make_examples, context) -> None:
    examples, made = make_examples("binary", "numbers"), context("a")
    recipe = resolve("recipe", "gradient").from_settings({"use": "gradient", **QUICK})
    with pytest.raises(InputError, match=f"{kind} cannot be copied, which its export needs") as caught:
        train.body(made, examples, model=Architecture.from_settings(f"{HERE}:{kind}"), recipe=recipe)
    assert caught.value.key == "model" and made.reports == []


def test_an_object_is_refused_where_a_name_is_wanted() -> None:
    with pytest.raises(InputError, match="got WithLock"):
        Architecture.from_settings(WithLock())  # type: ignore[arg-type]
