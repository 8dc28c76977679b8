"""The loss of mixed rows: a mean over the rows that count, in one batch, in micro-batches and over ranks."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from aimass.core.errors import InputError
from aimass.train.augment.base import branch
from aimass.train.augment.compose import compose
from aimass.train.augment.mixing import own_share
from aimass.train.batch import Batch
from aimass.train.losses import MASKED, loss_of
from aimass.train.parallel.single import Single
from aimass.train.rng import Chance
from tests.train.augment.by_hand import batch_of, chance_of, part, signature_of
from tests.train.test_step import CLASSES, CPU, IMAGES, images, kept_gradients, network, plan_of, ready_of

ROWS = 64
RAGGED = [0, 3, 4, 5, 17, 31, 40, 41, 63]  # neighbours, both ends of the batch, and both sides of its middle
MIXUP = {"share": 0.9, "concentration": 1.0}


class Half(Single):
    """One of two ranks, without the exchange: what it would send lies in the gradients."""

    def __init__(self) -> None:
        super().__init__(CPU)
        self.world = 2


def rows_of(masked: list[int]) -> tuple[Tensor, Tensor]:
    tensors, target = images(ROWS)
    target[masked] = MASKED
    return tensors, target


def batch(tensors: Tensor, target: Tensor, rows: slice = slice(None)) -> Batch:
    return Batch((tensors[rows],), target[rows], torch.arange(ROWS)[rows])


def by_hand(module: nn.Module, whole: Batch, parts: list[slice], smoothing: float) -> dict[str, Tensor]:
    """Gradients of the mean over the rows that count, of mixup among the rows of each of PARTS, row by row."""
    own = own_share(branch(Chance(0, 0, whole.rows), 0), MIXUP["share"], MIXUP["concentration"])
    total = torch.zeros(())
    for rows in parts:
        some = range(ROWS)[rows]
        for place, n in enumerate(some):
            other = some[place - 1]
            if whole.target[n] == MASKED:
                continue
            met = [(n, own[n]), (other, 1 - own[n])] if whole.target[other] != MASKED else [(n, torch.tensor(1.0))]
            logs = module(sum(share * whole.tensors[0][m] for m, share in met)[None]).log_softmax(1)[0]
            said = sum(share * logs[whole.target[m]] for m, share in met)
            total = total - (1 - smoothing) * said - smoothing * logs.mean()
    module.zero_grad()
    (total / int((whole.target != MASKED).sum())).backward()
    return {name: weight.grad.clone() for name, weight in module.named_parameters()}


def found(whole: Batch, parts: list[slice], placement: Single, **given: Any) -> dict[str, Tensor]:
    """The mean over ranks of the gradients that the step leaves for PARTS, one a rank."""
    sums: dict[str, Tensor] = {}
    for rows in parts:
        plan = plan_of(rows=ROWS, batch=ROWS, steps=1, **given)
        mixup = compose([part("mixup", **MIXUP)], IMAGES)
        _, ready = ready_of(network(), plan, (whole.tensors[0], whole.target), placement=placement, vary=mixup)
        with kept_gradients(ready) as gradients:
            ready.step(batch(whole.tensors[0], whole.target, rows), int((whole.target != MASKED).sum()))
        for name, gradient in gradients.items():
            sums[name] = sums.get(name, 0) + gradient / len(parts)
    return sums


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("masked", [[], RAGGED], ids=["whole", "ragged masks"])
@pytest.mark.parametrize(
    ("parts", "accumulate"),
    [([slice(None)], 1), ([slice(None)], 4), ([slice(0, 32), slice(32, None)], 1)],
    ids=["1 x 64", "4 x 16", "2 ranks x 32"],
)
def test_mixed_rows_are_a_mean_over_those_that_count_however_the_batch_is_cut(
    parts: list[slice], accumulate: int, masked: list[int], smoothing: float
) -> None:
    whole = batch(*rows_of(masked))
    placement = Single(CPU) if len(parts) == 1 else Half()
    gradients = found(whole, parts, placement, accumulate=accumulate, smoothing=smoothing)
    expected = by_hand(network(), whole, parts, smoothing)
    for name, gradient in expected.items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_a_row_beside_a_masked_one_stays_as_it_is_and_as_many_rows_count_as_before(name: str) -> None:
    signature = signature_of("image")
    given = batch_of(signature, 12)
    given = given._replace(target=given.target.index_fill(0, torch.tensor([4, 5, 11]), MASKED))
    mixed = part(name, share=1.0, concentration=1.0).ready(signature)
    once = mixed(given, chance_of(given))
    twice = mixed(once, branch(chance_of(given), "again"))
    alone = [0, 4, 5, 6, 11]  # masked, or after a masked one
    for varied in (once, twice):
        assert torch.equal(varied.tensors[0][alone], given.tensors[0][alone])
        counted = (given.target != MASKED).float()
        torch.testing.assert_close(varied.target.sum(1), counted)
    assert not torch.equal(once.tensors[0][[1, 2, 3]], given.tensors[0][[1, 2, 3]])


def test_smoothing_gives_a_masked_row_no_share() -> None:
    scores = torch.randn(3, CLASSES, generator=torch.Generator().manual_seed(0))
    shares = torch.tensor([[1.0, 0, 0], [0, 0.5, 0.5], [0, 0, 0]])
    loss = loss_of(IMAGES, 0.3, "sum")
    torch.testing.assert_close(loss(scores, shares), loss(scores[:2], shares[:2]))
    classes = torch.tensor([0, 2, 1])  # torch's own way, of the same rows
    torch.testing.assert_close(loss(scores, torch.eye(3)[classes]), loss(scores, classes))


def test_rows_with_an_answer_for_each_place_are_not_mixed() -> None:
    signature = signature_of("numbers")
    given = batch_of(signature, 8)
    with pytest.raises(InputError, match="for each of their places cannot be mixed"):
        part("mixup").ready(signature)(given._replace(target=given.target[:, None].repeat(1, 2)), chance_of(given))


def test_values_of_several_columns_are_mixed_by_the_share_of_their_row() -> None:
    signature = signature_of("numbers", task="regression")
    given = batch_of(signature, 8)
    values = torch.stack([given.target, 2 * given.target], 1)
    mixed = part("mixup", **MIXUP).ready(signature)
    one, two = (mixed(given._replace(target=target), chance_of(given)).target for target in (given.target, values))
    torch.testing.assert_close(two, torch.stack([one, 2 * one], 1))
