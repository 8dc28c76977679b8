"""`aimass.fit`: a module and tensors of one's own, and everything that can be wrong with them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import aimass
from aimass.core.errors import InputError, StoreError
from aimass.train import checkpoint, fit, pulse
from aimass.train.augment.flip import Flip
from tests.train.fit_child import CASES, data, fitted, module

ROOT = Path(__file__).parents[2]
QUICK: dict[str, Any] = {"epochs": 2, "batch": 16, "threads": 1, "advise": "off"}


def sha_of(network: nn.Module) -> str:
    return sha256(b"".join(value.numpy().tobytes() for value in network.state_dict().values())).hexdigest()


def test_it_learns_and_tells_how() -> None:
    torch.manual_seed(0)
    X = torch.randn(300, 6)
    y = (X[:, 0] > 0).long()
    result = aimass.fit(nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2)), (X, y), valid=(X[:50], y[:50]),
                        epochs=20, batch=32, learning_rate=0.02, threads=1)  # fmt: skip
    assert (result.module(X).argmax(1) == y).float().mean() > 0.9 and not result.module.training
    assert result.history[-1]["valid_accuracy"] > 0.9
    assert len(result.rows_per_s) == result.facts["epochs"]
    assert result.plan.origins["learning_rate"].kind == "user" and "momentum" not in result.plan.origins


@pytest.mark.parametrize(
    ("scores", "target"),
    [(1, torch.randn(60)), (1, torch.randint(0, 2, (60,))), (3, torch.randint(0, 3, (60,)))],
    ids=["values", "two classes", "three classes"],
)
def test_the_target_says_what_is_learnt(scores: int, target: Tensor) -> None:
    result = aimass.fit(nn.Linear(4, scores), (torch.randn(60, 4), target), **QUICK)
    assert result.facts["stopped"] == "all epochs done"


def test_masked_places_of_a_sequence_do_not_count() -> None:
    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.scores = nn.Embedding(10, 8), nn.Linear(8, 3)

        def forward(self, words: Tensor) -> Tensor:
            scores: Tensor = self.scores(self.words(words)).transpose(1, 2)
            return scores

    words = torch.randint(1, 10, (64, 7))
    tags = words % 3
    hidden = tags.clone()
    hidden[::2, 3:] = -100
    result = aimass.fit(Tagger(), (words, hidden), epochs=30, batch=16, learning_rate=0.05, threads=1)
    assert (result.module(words).argmax(1) == tags).float().mean() > 0.95


def test_a_loss_of_ones_own_is_minimised() -> None:
    X = torch.randn(200, 3)
    y = X[:, 0] * 2

    def distance(scores: Tensor, target: Tensor) -> Tensor:
        return (scores[:, 0] - target).abs()

    result = aimass.fit(nn.Linear(3, 1), (X, y), loss=distance, epochs=30, batch=20, learning_rate=0.05, threads=1)
    assert result.history[-1]["loss"] < 0.2


def differences(scores: Tensor, target: Tensor) -> Tensor:
    return (scores - target).square()


@pytest.mark.parametrize(
    ("loss", "masked"),
    [(differences, False), (nn.CrossEntropyLoss(), True), (nn.CrossEntropyLoss(reduction="none"), True)],
    ids=["several a row", "a mean of what counts", "one a row"],
)
def test_a_loss_of_ones_own_is_the_same_in_micro_batches(loss: Any, masked: bool) -> None:
    torch.manual_seed(0)
    X = torch.randn(64, 4)
    target = torch.where(torch.arange(64) % 5 > 2, -100, torch.arange(64) % 3) if masked else X[:, :3]
    found = []
    for parts in (1, 4):
        torch.manual_seed(0)
        given = {**QUICK, "accumulate": parts, "clip": 0.0, "optimizer": "sgd", "learning_rate": 0.1}
        result = aimass.fit(nn.Linear(4, 3), (X, target), loss=loss, **given)
        found.append([result.history[-1]["loss"], *result.module.parameters()])
    for whole, in_parts in zip(*found, strict=True):
        torch.testing.assert_close(whole, in_parts, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ((torch.randn(5, 3),), "data has 1 part"),
        ((torch.randn(5, 3), torch.zeros(4).long()), "data has parts of 5, 4 rows"),
        ((torch.randn(0, 3), torch.zeros(0).long()), "data has parts of 0, 0 rows"),
        ((torch.randn(5, 3), torch.tensor([0, 1, 2, 0, 7])), "row 4 has the class 7, and the module knows 3"),
        ((torch.randn(5, 3), torch.tensor([0, -1, 2, 0, 1])), "row 1 has the class -1"),
        ((torch.randn(5, 4), torch.zeros(5).long()), "the module refuses two rows"),
    ],
    ids=["no target", "lengths", "nothing", "a class too high", "a class below none", "another width"],
)
def test_data_that_do_not_fit_are_refused_with_the_row(data: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        aimass.fit(nn.Linear(3, 3), data, **QUICK)


def test_a_setting_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="learning_rat"):
        aimass.fit(nn.Linear(3, 3), (torch.randn(9, 3), torch.arange(9) % 3), learning_rat=0.1)


def test_fewer_rows_than_a_batch_are_one_step() -> None:
    result = aimass.fit(nn.Linear(3, 3), (torch.randn(9, 3), torch.arange(9) % 3), **{**QUICK, "batch": 256})
    assert (result.plan.batch, result.plan.steps) == (9, 1)


class Hungry(nn.Module):
    """Cannot hold more than so many rows."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most, self.scores = most, nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        if self.training and len(x) > self.most:
            raise torch.OutOfMemoryError("no room")
        scores: Tensor = self.scores(x)
        return scores


def test_a_batch_that_does_not_fit_is_done_in_parts_with_the_same_weights() -> None:
    found = []
    for most in (1000, 5):
        torch.manual_seed(0)
        X, y = torch.randn(64, 3), torch.arange(64) % 3
        found.append(aimass.fit(Hungry(most), (X, y), **QUICK))
    roomy, tight = found
    assert tight.plan.accumulate == 4 and tight.plan.origins["accumulate"].kind == "measured"
    assert tight.log[-1] == "a step of 16 rows does not fit in memory: now in 4 parts"
    for name, value in roomy.module.state_dict().items():
        torch.testing.assert_close(value, tight.module.state_dict()[name])


def test_a_network_that_holds_no_single_row_is_an_error() -> None:
    with pytest.raises(InputError, match="not even row by row"):
        aimass.fit(Hungry(0), (torch.randn(64, 3), torch.arange(64) % 3), **QUICK)


def test_the_batch_that_is_found_has_been_run() -> None:
    result = aimass.fit(Hungry(100), (torch.randn(2000, 3), torch.arange(2000) % 3), **{**QUICK, "batch": "find"})
    assert result.plan.batch in (32, 64) and result.plan.origins["batch"].kind == "measured"
    assert result.plan.accumulate == 1


def test_an_exploding_loss_names_the_learning_rate() -> None:
    X = torch.randn(200, 3) * 1e6
    settings = {"optimizer": "sgd", "learning_rate": 10.0, "schedule": "constant", "clip": 0.0, "epochs": 9}
    with pytest.raises(InputError, match=r"the loss is .* and stays so") as caught:
        aimass.fit(nn.Linear(3, 1), (X, X[:, 0] * 1e3), **{**QUICK, **settings})
    assert caught.value.key == "learning_rate"


def test_a_full_disk_is_an_error_and_the_last_state_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "TELL_EVERY", 0.0)
    monkeypatch.setattr(pulse, "SAVE_EVERY", 0.0)
    inner, writes = checkpoint.os.fsync, iter(range(1000))

    def full(file: int) -> None:
        if next(writes) >= 6:  # three states and their pointers
            raise OSError(28, "No space left on device")
        inner(file)

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    given = {**QUICK, "epochs": 4, "resume": tmp_path}
    with pytest.raises(StoreError, match="No space left on device"):
        fitted("everything", **given)
    assert not list(tmp_path.rglob("*.part"))
    monkeypatch.undo()
    assert checkpoint.OnDisk(tmp_path / "gradient").load()[1]["step"] == 3
    again = fitted("everything", **given)
    assert again.log[0].startswith("going on at epoch 1, step 4")
    assert sha_of(again.module) == sha_of(fitted("everything", **{**QUICK, "epochs": 4}).module)


@pytest.mark.parametrize(
    ("case", "moment"), [("everything", 9), ("everything", 16), *((case, 5 + i) for i, case in enumerate(CASES))]
)
def test_killed_at_any_moment_it_ends_with_the_same_bits(case: str, moment: int, tmp_path: Path) -> None:
    order = {"case": case, "resume": str(tmp_path), "die_at": moment}
    ran = subprocess.run([sys.executable, "-m", "tests.train.fit_child", json.dumps(order)], cwd=ROOT, timeout=120)
    assert ran.returncode == -signal.SIGKILL
    again = fitted(case, resume=tmp_path)
    assert any(line.startswith("going on at") for line in again.log)
    assert sha_of(again.module) == sha_of(fitted(case).module)


def test_a_column_of_values_is_learnt_as_a_row_of_them_is() -> None:
    X = torch.randn(60, 4)
    shas = {sha_of(aimass.fit(module_of_one(), (X, y), **QUICK).module) for y in (X[:, 0], X[:, :1])}
    assert len(shas) == 1
    with pytest.raises(InputError, match=r"the target of data is \[60, 2\]"):
        aimass.fit(module_of_one(), (X, X[:, :2]), **QUICK)
    with pytest.raises(InputError, match="the module gives 3 columns for a value"):
        aimass.fit(nn.Linear(4, 3), (X, X[:, 0]), **QUICK)


def module_of_one() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(4, 1)


def test_classes_of_validation_rows_are_looked_at_too() -> None:
    X, y = torch.randn(9, 3), torch.arange(9) % 3
    with pytest.raises(InputError, match="row 2 has the class 5") as caught:
        aimass.fit(nn.Linear(3, 3), (X, y), valid=(X[:3], torch.tensor([0, 1, 5])), **QUICK)
    assert caught.value.key == "valid"
    with pytest.raises(InputError, match="row 0 has the class -100"):  # two classes know no masks
        aimass.fit(nn.Linear(3, 1), (X, torch.tensor([-100, *[0, 1] * 4])), **QUICK)


def test_what_a_listener_raises_ends_the_run() -> None:
    def listener(row: dict[str, float]) -> None:
        raise KeyError("not there")

    with pytest.raises(KeyError, match="not there"):
        aimass.fit(nn.Linear(3, 3), (torch.randn(9, 3), torch.arange(9) % 3), on_report=listener, **QUICK)


def test_a_folder_of_another_call_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "TELL_EVERY", 0.0)
    monkeypatch.setattr(pulse, "SAVE_EVERY", 0.0)
    X, y = torch.randn(60, 3), torch.arange(60) % 3

    def again(**given: Any) -> bool:
        target = given.pop("y", y)
        result = aimass.fit(nn.Linear(3, 3), (X, target), resume=tmp_path, **QUICK, **given)
        return any(line.startswith("going on") for line in result.log)

    def doubled(scores: Tensor, target: Tensor) -> Tensor:
        return 2 * nn.functional.cross_entropy(scores, target, reduction="none")

    assert [again(), again(), again(y=(y + 1) % 3)] == [False, True, False]
    assert [again(loss=doubled), again(loss=doubled)] == [False, True]
    assert [again(rates={"weight": 0.5}), again(freeze=["bias"]), again(valid=(X, y))] == [False, False, False]


class Held(nn.Module):
    """Prints an address."""

    def __init__(self) -> None:
        super().__init__()
        self.held = object()

    def extra_repr(self) -> str:
        return f"held={self.held}"

    def forward(self, x: Tensor) -> Tensor:
        return x


def test_another_network_of_the_same_weights_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "TELL_EVERY", 0.0)
    monkeypatch.setattr(pulse, "SAVE_EVERY", 0.0)
    kept = []  # so that no two are at the same address

    def again(*inner: nn.Module, **given: Any) -> bool:
        network = nn.Sequential(nn.Linear(3, 8), *inner, nn.Linear(8, 3))
        kept.append(network)
        result = aimass.fit(network, (torch.ones(60, 3), torch.arange(60) % 3), resume=tmp_path, **QUICK, **given)
        return any(line.startswith("going on") for line in result.log)

    assert [again(nn.ReLU(), nn.Dropout(0.1)) for _ in range(2)] == [False, True]
    assert [again(nn.ReLU(), nn.Dropout(0.2)), again(nn.Tanh(), nn.Dropout(0.2))] == [False, False]
    assert [again(Held()) for _ in range(2)] == [False, True]
    assert [again(nn.ReLU(), lora={"rank": 1}) for _ in range(2)] == [False, True]


def test_without_a_folder_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "TELL_EVERY", 0.0)
    monkeypatch.setattr(pulse, "SAVE_EVERY", 0.0)
    for place, name in ((tempfile, "mkdtemp"), (checkpoint, "replacing"), (checkpoint, "staged")):
        monkeypatch.setattr(place, name, lambda *given, **named: pytest.fail("kept"))
    aimass.fit(nn.Linear(3, 3), (torch.randn(60, 3), torch.arange(60) % 3), **QUICK)


class Fragile(nn.Module):
    """Gives no numbers, after so many batches laid out by channels."""

    def __init__(self, laid: torch.memory_format) -> None:
        super().__init__()
        self.image, self.scores = nn.Conv2d(2, 4, 3), nn.Linear(4, 3)
        self.to(memory_format=laid)  # type: ignore[call-overload]
        self.seen: dict[bool, int] = {False: 0, True: 0}

    def forward(self, image: Tensor) -> Tensor:
        last = not image.is_contiguous()
        if self.training:
            self.seen[last] += 1
            assert last == (not self.image.weight.is_contiguous()), "the weights lie as the rows do"
        scores: Tensor = self.scores(self.image(image).mean((2, 3)))
        return scores * torch.nan if last and self.seen[True] > 30 else scores


def reckless(*given: Any) -> Callable[..., Any]:
    """An advisor that likes another layout."""
    return lambda job, plan, placement: (plan.having(layout="channels-last"), {"rows": []})


@pytest.mark.parametrize("laid", [torch.contiguous_format, torch.channels_last], ids=["by rows", "by channels"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_plan_that_is_given_up_leaves_neither_its_layout_nor_its_bad_steps(
    laid: torch.memory_format, resume: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "TELL_EVERY", 0.0)
    monkeypatch.setattr(pulse, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(fit, "advised", reckless)
    module, rows = Fragile(laid), torch.randn(320, 2, 6, 6)
    before = [weight.stride() for weight in module.parameters()]
    given = {**QUICK, "epochs": 3, "resume": tmp_path if resume else None}
    result = aimass.fit(module, (rows, torch.arange(320) % 3), **given)  # 3 x 20 steps
    assert "the advised plan is given up" in result.log[-1] and result.plan.layout == "contiguous"
    assert module.seen[False] == 30, "those that the advised plan had not done"
    assert [weight.stride() for weight in module.parameters()] == before


@pytest.mark.parametrize("laid", [torch.contiguous_format, torch.channels_last], ids=["by rows", "by channels"])
@pytest.mark.parametrize("layout", ["contiguous", "channels-last"])
def test_a_module_comes_back_laid_out_as_it_was_given(layout: str, laid: torch.memory_format) -> None:
    module = Fragile(laid)
    before = [weight.stride() for weight in module.parameters()]
    result = aimass.fit(module, (torch.randn(32, 2, 6, 6), torch.arange(32) % 3), layout=layout, **QUICK)
    assert result.module is module and [weight.stride() for weight in module.parameters()] == before
    assert module.seen == {layout != "contiguous": 4, layout == "contiguous": 0}


def test_another_seed_is_another_run() -> None:
    shas = {sha_of(aimass.fit(module(), data(), augment=[Flip()], seed=seed, **QUICK).module) for seed in (0, 0, 1)}
    assert len(shas) == 2


def test_a_run_that_was_broken_off_goes_on_in_smaller_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aimass.train.pulse.TELL_EVERY", 0.0)  # keeps a state at its first look
    data = torch.randn(64, 3), torch.arange(64) % 3
    given: dict[str, Any] = {**QUICK, "batch": 32, "resume": tmp_path}
    aimass.fit(nn.Linear(3, 3), data, **given)
    again = aimass.fit(nn.Linear(3, 3), data, **given, accumulate=4)
    assert again.plan.accumulate == 4 and any("going on" in line for line in again.log)


class Placed(nn.Module):
    """A map of its own beside the images, kept as a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.scores = nn.Conv2d(2, 4, 3, padding=1), nn.Linear(4, 3)
        self.register_buffer("place", torch.randn(1, 2, 5, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.scores(self.conv(x + self.place).mean((2, 3)))
        return found


def test_buffers_come_back_as_they_lay_too() -> None:
    module = Placed()
    before = {name: (value.stride(), value.clone()) for name, value in module.named_buffers()}
    aimass.fit(module, (torch.randn(24, 2, 5, 5), torch.arange(24) % 3), **QUICK, layout="channels-last")
    assert {name: value.stride() for name, value in module.named_buffers()} == {n: s for n, (s, _) in before.items()}
    assert all(value.equal(before[name][1]) for name, value in module.named_buffers())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"graphs": True}, "graphs exist on CUDA only"),
        ({"hook": "fp16", "precision": "fp16"}, "gradients scaled for fp16 overflow when halved again"),
    ],
)
def test_settings_that_exclude_each_other_are_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        aimass.fit(nn.Linear(3, 3), (torch.randn(9, 3), torch.arange(9) % 3), device="cpu", **QUICK, **given)


def test_another_body_of_a_loss_is_another_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aimass.train.pulse.TELL_EVERY", 0.0)  # keeps a state at its first look
    data = torch.randn(64, 3), torch.randn(64, 3)
    losses = [lambda s, t: (s - t).square().mean(1), lambda s, t: (s - t).abs().mean(1)]
    logs = [aimass.fit(nn.Linear(3, 3), data, loss=loss, resume=tmp_path, **QUICK).log
            for loss in (losses[0], losses[0], losses[1])]  # fmt: skip
    assert [any("going on" in line for line in log) for log in logs] == [False, True, False]
