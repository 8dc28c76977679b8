"""Data parallel: gradients do not depend on how a batch is cut; hooks keep their bounds; state comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from aimass.core.errors import InputError, TaskFailed
from aimass.train.parallel.comm import wire_bytes
from aimass.train.parallel.ddp import DataParallel, has_other_buffers
from aimass.train.parallel.exposed import Communication
from aimass.train.parallel.single import Single
from tests.train.by_hand import FakeContext
from tests.train.parallel import works
from tests.train.parallel.works import ROWS, SHAPES

CASES = [
    {"parts": 1, "masked": []},
    {"parts": 2, "masked": []},
    {"parts": 4, "masked": list(range(3, 50))},  # the first rank has nearly no row that counts
    {"parts": 3, "masked": list(range(32, 64))},  # the second has none
]
ROUNDED = {"none": 2**-23, "fp16": 2**-10, "bf16": 2**-7}  # of a sum of two rounded numbers, by the largest
RANKS = (0, 1)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What two ranks found."""
    folder = tmp_path_factory.mktemp("gang")
    context = FakeContext(folder / "out", folder / "resume", workers=2)
    return context.gang(works.experiments, folder=str(folder), cases=CASES)


def mean_loss_gradients(masked: list[int]) -> list[float]:
    """torch's own mean over the rows that count, of the whole batch at once."""
    module = works.classifier()
    rows, target = works.batch(masked)
    F.cross_entropy(module(rows), target).backward()
    return works.flat({name: weight.grad for name, weight in module.named_parameters()})


@given(parts=st.integers(1, 9), masked=st.sets(st.integers(0, ROWS - 1), max_size=ROWS - 1))
@settings(max_examples=25, deadline=None)
def test_gradients_do_not_depend_on_micro_batches(parts: int, masked: set[int]) -> None:
    found = works.gradients(Single(torch.device("cpu")), parts, sorted(masked))
    np.testing.assert_allclose(works.flat(found), mean_loss_gradients(sorted(masked)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_gradients_do_not_depend_on_the_number_of_ranks(answers: list[dict[str, Any]], case: int) -> None:
    expected = mean_loss_gradients(CASES[case]["masked"])
    for answer in answers:
        np.testing.assert_allclose(answer["gradients"][case], expected, rtol=1e-4, atol=1e-6)


def test_gradients_are_the_same_bits_on_every_rank(answers: list[dict[str, Any]]) -> None:
    assert answers[0]["gradients"] == answers[1]["gradients"]


def test_a_micro_batch_that_is_not_the_last_exchanges_nothing(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        assert answer["local"]["alone"] and answer["local"]["error"] < 1e-6


def test_ranks_begin_with_the_weights_of_rank_0(answers: list[dict[str, Any]]) -> None:
    assert [answer["replicas"]["begun"] for answer in answers] == [[[1.0] * 4] * 3] * 2


def test_running_statistics_are_those_of_rank_0_once_the_state_is_gathered(answers: list[dict[str, Any]]) -> None:
    first, second = (answer["replicas"] for answer in answers)
    assert first["apart"] != second["apart"]
    assert first["after"] == second["after"] == first["apart"]


def test_buffers_of_all_types_are_those_of_rank_0_after_one_message(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        found = answer["buffers"]
        assert found["same"] == [True] * (3 + len(works.KINDS) + 1)
        assert found["messages"] == [found["bytes"]]


def test_names_in_a_state_know_no_wrapper(answers: list[dict[str, Any]]) -> None:
    plain = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    for answer in answers:
        assert answer["replicas"]["keys"] == sorted(plain.state_dict())


def test_only_buffers_that_may_enter_a_step_are_sent_before_it() -> None:
    assert not has_other_buffers(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
    module = nn.Linear(2, 2)
    module.register_buffer("code", torch.zeros(2))
    assert has_other_buffers(nn.Sequential(module))


@pytest.mark.parametrize("hook", ROUNDED)
@pytest.mark.parametrize("scale", ["1e-09", "0.001", "1.0", "1000000.0"])
def test_a_rounding_hook_keeps_its_bound_whatever_the_size_of_the_gradients(
    answers: list[dict[str, Any]], hook: str, scale: str
) -> None:
    for answer in answers:
        assert answer["rounded"][hook][scale] <= ROUNDED[hook]


def test_finite_gradients_never_become_infinite_and_infinite_ones_are_seen_by_every_rank(
    answers: list[dict[str, Any]],
) -> None:
    for answer in answers:
        assert answer["infinite"]["bad"] and answer["infinite"]["large"]
        assert answer["infinite"]["after"] < 2e-3, "a bad step must not spoil the next one"


def test_what_powersgd_leaves_out_is_sent_later(answers: list[dict[str, Any]]) -> None:
    """The sum of the gradients got and the mean of the errors left is the sum of those asked for, exactly."""
    for answer in answers:
        found = answer["feedback"]
        for name in SHAPES:
            asked, got = (np.array(found[key][name]) for key in ("asked", "got"))
            left = np.array(found["left"].get(name, 0.0))
            np.testing.assert_allclose(got + left.reshape(left.shape and asked.shape), asked, atol=2e-4)
    assert set(answers[0]["feedback"]["left"]) == {"matrix", "wide", "kernel"}


def test_a_gradient_that_is_not_finite_is_seen_and_not_remembered_by_powersgd(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        assert answer["feedback"]["seen"] and answer["feedback"]["kept"]


def test_powersgd_gives_what_torchs_own_gives(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        ours, theirs = (np.array(value) for value in answer["reference"])
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
        assert np.linalg.matrix_rank(ours, tol=1e-3) == 3


@pytest.mark.parametrize("hook", ["fp16", "powersgd"])
def test_a_resumed_hook_goes_on_bit_for_bit(answers: list[dict[str, Any]], hook: str) -> None:
    assert [answer["resumed"][hook]["same"] for answer in answers] == [[True] * 3] * 2
    first, second = (answer["resumed"][hook]["keys"] for answer in answers)
    assert all(key.startswith("hook.") for key in first) and second == []


def test_another_number_of_ranks_goes_on_from_the_mean_of_the_errors() -> None:
    placement = DataParallel.__new__(DataParallel)
    placement.rank, placement.world = 1, 3
    found = placement._share_of({0: torch.tensor([1.0]), 1: torch.tensor([3.0])})
    assert found.tolist() == [2.0]
    placement.world = 2
    assert placement._share_of({0: torch.tensor([1.0]), 1: torch.tensor([3.0])}).tolist() == [3.0]


def test_hooks_count_the_bytes_they_send(answers: list[dict[str, Any]]) -> None:
    numbers = sum(int(np.prod(shape)) for shape in SHAPES.values())
    thin = sum(n + m for n, m in ((24, 30), (20, 40), (16, 108))) + 12 + 11
    for answer in answers:
        assert answer["bytes"] == {"fp16": 2 * numbers, "bf16": 2 * numbers, "powersgd": 4 * thin}
    assert [wire_bytes(100, world) for world in (1, 2, 4)] == [0, 100, 150]


def test_exposed_communication_is_what_the_exchange_adds_to_a_step(answers: list[dict[str, Any]]) -> None:
    found = Communication(step=3.0, local=1.0, alone=4.0)
    assert (found.exposed, found.share) == (2.0, 0.5)
    assert all(value > 0 for answer in answers for value in answer["seconds"])


@pytest.mark.parametrize("by", ["norm", "value"])
@pytest.mark.parametrize("limit", [0.0, 0.5, 100.0])
def test_clipping_bounds_the_gradients_and_tells_their_length(by: str, limit: float) -> None:
    module = works.classifier()
    found = works.gradients(Single(torch.device("cpu")), 1, [], module)
    before = {name: 10 * value for name, value in found.items()}
    for name, weight in module.named_parameters():
        weight.grad = before[name].clone()
    whole = torch.cat([value.flatten() for value in before.values()])
    told = Single(torch.device("cpu")).clip(list(module.parameters()), limit, by)
    after = torch.cat([weight.grad.flatten() for weight in module.parameters()])
    torch.testing.assert_close(told, whole.norm())
    if not limit:
        expected = whole
    else:
        expected = (
            whole.clamp(-limit, limit) if by == "value" else whole * min(1.0, limit / (float(whole.norm()) + 1e-6))
        )
    torch.testing.assert_close(after, expected)


def test_an_unknown_hook_suggests_the_nearest() -> None:
    placement = DataParallel.__new__(DataParallel)
    with pytest.raises(InputError, match="did you mean 'fp16'"):
        placement._hook("fp61", {})


def test_a_rank_killed_in_the_middle_of_an_exchange_is_a_failed_task(tmp_path: Path) -> None:
    context = FakeContext(tmp_path / "out", tmp_path / "resume", workers=2)
    with pytest.raises(TaskFailed, match="rank 1 of 2 was killed by SIGKILL"):
        context.gang(works.dies)
