"""Averages against torch's AveragedModel and against formulas by hand."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from aimass.core.errors import InputError
from aimass.train.average import Average, recompute

KINDS = ("ema", "swa")


pytestmark = pytest.mark.usefixtures("one_thread")


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2))


def move(module: nn.Module, seed: int) -> None:
    """A step of training, as far as averages are concerned."""
    torch.manual_seed(seed)
    with torch.no_grad():
        module(torch.randn(5, 1, 6, 6))
        for weight in module.parameters():
            weight.add_(torch.randn_like(weight))


def copies(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("kind", KINDS)
class TestEveryAverage:
    def test_it_equals_torchs_own(self, kind: str) -> None:
        module = network()
        average = Average(module, kind, decay=0.9, buffers="copy")
        own = AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(0.9) if kind == "ema" else None)
        for step in range(20):
            move(module, step)
            average.update()
            own.update_parameters(module)
        expected = {name.removeprefix("module."): weight.detach() for name, weight in own.named_parameters()}
        torch.testing.assert_close(average.shadow, expected)

    def test_swapped_in_and_out_the_weights_are_what_they_were_bit_for_bit(self, kind: str) -> None:
        module = network().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        average = Average(module, kind)
        for step in range(3):
            move(module, step)
            average.update()
        before, places = copies(module), [weight.data_ptr() for weight in module.parameters()]
        shadow = {name: value.clone() for name, value in average.shadow.items()}
        with average.swapped():
            assert all(torch.equal(weight, shadow[name]) for name, weight in module.named_parameters())
            recompute(module, [(torch.randn(5, 1, 6, 6),)])
        assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items() if "num" not in name)
        assert places == [weight.data_ptr() for weight in module.parameters()]
        assert kind == "ema" or all(torch.equal(average.shadow[name], shadow[name]) for name in shadow)

    def test_what_fails_inside_leaves_the_own_weights_behind(self, kind: str) -> None:
        module = network()
        average = Average(module, kind)
        move(module, 0)
        average.update()
        move(module, 1)
        before = copies(module)
        with pytest.raises(ZeroDivisionError), average.swapped():
            _ = 1 / 0
        assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())

    def test_before_the_first_update_the_module_stands_for_itself(self, kind: str) -> None:
        module = network()
        average = Average(module, kind)
        move(module, 0)
        before = copies(module)
        with average.swapped():
            assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())

    @pytest.mark.parametrize("every", [1, 3])
    def test_a_run_that_was_broken_off_ends_with_the_same_average(self, kind: str, every: int) -> None:
        module = network()
        whole = Average(module, kind, 0.9, every)
        for step in range(10):
            move(module, step)
            whole.update()
            if step == 4:
                saved, weights = {k: v.clone() for k, v in whole.state_dict().items()}, copies(module)
        resumed = Average(other := network(1), kind, 0.9, every)
        other.load_state_dict(weights)
        resumed.load_state_dict(saved)
        for step in range(5, 10):
            move(other, step)
            resumed.update()
        assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in whole.state_dict().items())

    def test_its_names_are_those_of_the_bare_module(self, kind: str) -> None:
        module = network()
        compiled = torch.compile(module, backend="eager")
        wrapped = Average(compiled, kind)  # type: ignore[arg-type]
        assert wrapped.state_dict().keys() == Average(module, kind).state_dict().keys()
        assert {"0.weight", "4.bias"} <= wrapped.state_dict().keys()

    def test_a_state_of_another_network_is_refused_and_nothing_changes(self, kind: str) -> None:
        average = Average(network(), kind)
        before = {name: value.clone() for name, value in average.state_dict().items()}
        for other in (nn.Linear(2, 2), nn.Sequential(nn.Conv2d(1, 4, 3), *network()[1:])):
            with pytest.raises(InputError, match="does not fit this network"):
                average.load_state_dict(Average(other, kind).state_dict())
        assert all(torch.equal(value, before[name]) for name, value in average.state_dict().items())


@settings(deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=1, max_size=20))
def test_swa_is_the_mean_of_all_it_saw(values: list[float]) -> None:
    module = nn.Linear(1, 1, bias=False).double()
    average = Average(module, "swa")
    for value in values:
        nn.init.constant_(module.weight, value)
        average.update()
    assert float(average.shadow["weight"]) == pytest.approx(sum(values) / len(values), abs=1e-9)


def test_ema_every_few_steps_forgets_as_much_as_ema_of_every_step() -> None:
    module = nn.Linear(1, 1, bias=False).double()
    each, seldom = Average(module, "ema", 0.9), Average(module, "ema", 0.9, every=5)
    for step in range(11):
        nn.init.constant_(module.weight, 0.0 if step == 0 else 1.0)
        each.update()
        seldom.update()
    assert float(each.shadow["weight"]) == pytest.approx(1 - 0.9**10)
    assert float(seldom.shadow["weight"]) == pytest.approx(1 - 0.9**10)


def test_running_statistics_follow_the_policy() -> None:
    module = network()
    copied, averaged = Average(module, "ema", 0.5, buffers="copy"), Average(module, "ema", 0.5, buffers="average")
    means = []
    for step in range(2):
        move(module, step)
        means.append(module[1].running_mean.clone())
        copied.update()
        averaged.update()
    with copied.swapped():
        assert torch.equal(module[1].running_mean, means[1])
    with averaged.swapped():
        torch.testing.assert_close(module[1].running_mean, (means[0] + means[1]) / 2)
        assert int(module[1].num_batches_tracked) == 2  # a count is no statistic


def test_recomputed_statistics_are_those_of_torch_where_nothing_is_random() -> None:
    module, other = network(), network()
    batches = [torch.randn(8, 1, 6, 6) for _ in range(3)]
    recompute(module, [(batch,) for batch in batches])
    update_bn(batches, other)
    torch.testing.assert_close(module.state_dict(), other.state_dict())


def test_recomputing_draws_no_chance_and_leaves_modes_and_momenta_as_they_were() -> None:
    module = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(2, momentum=0.3))
    module[0].eval()
    rows, state = torch.randn(9, 2), torch.get_rng_state()
    recompute(module, [(rows,)])
    assert torch.equal(state, torch.get_rng_state())
    torch.testing.assert_close(module[1].running_mean, rows.mean(0))
    assert (module.training, module[0].training, module[1].training, module[1].momentum) == (True, False, True, 0.3)


def test_a_network_without_batch_norms_makes_no_pass() -> None:
    module = nn.Linear(2, 2)
    before = copy.deepcopy(module.state_dict())
    recompute(module, iter(lambda: pytest.fail("a batch was asked for"), None))  # type: ignore[arg-type]
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_an_average_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InputError, match="no average is called 'mean'"):
        Average(network(), "mean")
