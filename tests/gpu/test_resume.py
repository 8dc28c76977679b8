"""A run on a CUDA device that is broken off ends with the bits of one that was not, or says what cannot be repeated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor, nn

import aimass
from aimass.core.errors import InputError, Stopped
from aimass.train import pulse
from aimass.train.augment.flip import Flip
from tests.train.test_step import CLASSES, images, network


def trained(
    folder: Path, on_report: Callable[[dict[str, float]], None] | None = None
) -> tuple[dict[str, Tensor], list[str]]:
    """Weights and the log of a small network, trained for 120 steps."""
    module = network(norm=True, dropout=0.1)
    result = aimass.fit(
        module, images(), epochs=40, batch=32, patience=40, precision="bf16", layout="channels-last", augment=[Flip()],
        advise="off", device="cuda", resume=folder, on_report=on_report,
    )  # fmt: skip
    return {name: value.cpu() for name, value in module.state_dict().items()}, result.log


def test_a_run_that_was_stopped_ends_with_the_bits_of_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "TELL_EVERY", 0.0)  # asked after every step

    def stop(report: dict[str, float]) -> None:
        if report["at"] > 3:
            raise Stopped("enough")

    whole, _ = trained(tmp_path / "whole")
    with pytest.raises(Stopped):
        trained(tmp_path / "broken", stop)
    again, log = trained(tmp_path / "broken")
    assert any("going on at" in line for line in log)
    assert [name for name, value in whole.items() if not value.equal(again[name])] == []


def test_an_operation_that_cannot_be_repeated_on_a_gpu_is_named() -> None:
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, CLASSES))
    with pytest.raises(InputError, match="adaptive_avg_pool2d_backward") as caught:
        aimass.fit(module, images(), epochs=1, batch=32, advise="off", device="cuda")
    assert caught.value.key == "model"
