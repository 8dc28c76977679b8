"""The contract of every optimizer of the table: torch's own numbers, names in checkpoints, bad steps undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F

from aimass.core.errors import InputError
from aimass.train.groups import groups_of, hidden_matrices
from aimass.train.optimizer import (
    OPTIMIZERS,
    Optimizer,
    build_optimizer,
    export_state,
    implementations,
    import_state,
    set_rate,
)
from aimass.train.update import careful

CPU = torch.device("cpu")
PAIRS = [(name, update) for name in OPTIMIZERS for update in implementations(name, CPU)]
FUSED = [name for name, update in PAIRS if update == "fused"]
DECAY = 0.05


pytestmark = pytest.mark.usefixtures("one_thread")


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 16), nn.ReLU(),
        nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 3),
    ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # fmt: skip


def made(name: str, update: str, module: nn.Module, rate: float = 0.01, **changes: Any) -> Optimizer:
    usual = OPTIMIZERS[name]
    settings = {key: getattr(usual, key) for key in ("momentum", "nesterov", "beta1", "beta2", "epsilon")}
    optimizer = build_optimizer(name, groups_of(module, DECAY), **{**settings, "update": update, **changes})
    set_rate(optimizer, rate)
    return optimizer


def torchs_own(name: str, update: str, module: nn.Module) -> list[optim.Optimizer]:
    """What a user of torch would write, moments made by torch in its own time."""
    usual = OPTIMIZERS[name]
    how: dict[str, Any] = {"lr": 0.01, "fused": update == "fused", "foreach": update == "foreach"}
    plain = {key: value for key, value in how.items() if key != "fused"}
    groups = [{k: v for k, v in g.items() if k in ("params", "weight_decay")} for g in groups_of(module, DECAY)]
    adam = {"betas": (usual.beta1, usual.beta2), "eps": usual.epsilon}
    if name == "muon":
        hidden = [weight for key, weight in module.named_parameters() if key in hidden_matrices(module)]
        rest = [{**g, "params": [p for p in g["params"] if all(p is not h for h in hidden)]} for g in groups]
        muon = optim.Muon(hidden, 0.01, DECAY, usual.momentum, usual.nesterov, adjust_lr_fn="match_rms_adamw")
        return [optim.AdamW(rest, **adam, **how), muon]
    return [
        {
            "adamw": lambda: optim.AdamW(groups, **adam, **how),
            "adam": lambda: optim.Adam(groups, **adam, **how),
            "sgd": lambda: optim.SGD(groups, momentum=usual.momentum, **how),
            "adagrad": lambda: optim.Adagrad(groups, eps=usual.epsilon, **how),
            "rmsprop": lambda: optim.RMSprop(groups, alpha=usual.beta2, eps=usual.epsilon, **plain),
            "adadelta": lambda: optim.Adadelta(groups, rho=usual.beta2, eps=usual.epsilon, **plain),
        }[name]()
    ]


def give_gradients(module: nn.Module, seed: int) -> None:
    torch.manual_seed(seed)
    inputs, target = torch.randn(6, 1, 6, 6), torch.randint(0, 3, (6,))
    F.cross_entropy(module(inputs), target).backward()


def spoil(module: nn.Module) -> None:
    for i, weight in enumerate(module.parameters()):
        weight.grad = torch.full_like(weight, (float("nan"), float("inf"))[i % 2])


def everything(module: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    return {k: v.detach().clone() for k, v in (module.state_dict() | export_state(optimizer, module)).items()}


def same(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize(("name", "update"), PAIRS)
class TestEveryOptimizer:
    def test_it_gives_torchs_own_weights_bit_for_bit_over_50_steps(self, name: str, update: str) -> None:
        ours, theirs = network(), network()
        optimizer, own = made(name, update, ours), torchs_own(name, update, theirs)
        for step in range(50):
            for module in (ours, theirs):
                module.zero_grad()
                give_gradients(module, step)
            if step == 20:
                ours[0].weight.grad = theirs[0].weight.grad = None  # such a weight rests, its count too
            optimizer.step()
            for part in own:
                part.step()
        assert same(ours.state_dict(), theirs.state_dict())
        assert all(
            torch.equal(value, part.state[weight][key])
            for part in own
            for weight, mine in zip(theirs.parameters(), ours.parameters(), strict=True)
            if weight in part.state
            for key, value in optimizer.moments_of(mine).items()
        )

    def test_it_lowers_the_loss_at_its_usual_rate(self, name: str, update: str) -> None:
        module, losses = network(), []
        optimizer = made(name, update, module, OPTIMIZERS[name].learning_rate)
        torch.manual_seed(1)
        inputs = torch.randn(64, 1, 6, 6)
        target = inputs.mean(dim=(1, 2, 3)).gt(0).long()
        for _ in range(60):
            optimizer.zero_grad()
            loss = F.cross_entropy(module(inputs), target)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        assert losses[-1] < 0.7 * losses[0]

    @pytest.mark.parametrize("blind", [False, True], ids=["the host looks", "the host is blind"])
    @pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
    def test_a_bad_step_leaves_every_weight_and_every_moment(
        self, name: str, update: str, first: bool, blind: bool
    ) -> None:
        module = network()
        optimizer = made(name, update, module)
        optimizer.blind = blind
        if not first:
            give_gradients(module, 0)
            optimizer.step(torch.tensor(0.0))
        before = everything(module, optimizer)
        spoil(module)
        optimizer.step(torch.tensor(1.0))
        after = everything(module, optimizer)
        if blind and name == "adagrad" and update != "fused":  # counts on the host, which nothing reads
            before, after = ({k: v for k, v in t.items() if not k.endswith("/step")} for t in (before, after))
        assert same(before, after)

    def test_a_bad_step_is_undone_while_a_weight_has_no_gradient(self, name: str, update: str) -> None:
        module = network()
        optimizer = made(name, update, module)
        optimizer.blind = True
        spoil(module)
        module[4].weight.grad = None
        before = {key: weight.clone() for key, weight in module.named_parameters()}
        optimizer.step(torch.tensor(1.0))
        assert same(before, dict(module.named_parameters()))

    def test_a_run_with_a_bad_step_goes_on_as_if_it_had_not_been(self, name: str, update: str) -> None:
        module, other = network(), network()
        optimizer, without = made(name, update, module), made(name, update, other)
        optimizer.blind = True
        for step in range(4):
            if step == 0:
                spoil(module)
                optimizer.step(torch.tensor(1.0))
            for net, opt in ((module, optimizer), (other, without)):
                opt.zero_grad()
                give_gradients(net, step)
                opt.step(torch.tensor(0.0))
        assert same(dict(module.named_parameters()), dict(other.named_parameters()))

    def test_its_moments_come_back_by_name_in_the_layout_of_the_weights(self, name: str, update: str) -> None:
        module, fresh = network(), network(1)
        optimizer, other = made(name, update, module), made(name, update, fresh)
        give_gradients(module, 0)
        optimizer.step()
        saved = {key: value.contiguous().clone() for key, value in export_state(optimizer, module).items()}
        fresh.load_state_dict(module.state_dict())
        import_state(other, fresh, saved)
        for net, opt in ((module, optimizer), (fresh, other)):
            opt.zero_grad()
            give_gradients(net, 1)
            opt.step()
        assert same(everything(module, optimizer), everything(fresh, other))
        for weight in fresh.parameters():
            moments = [m for m in other.moments_of(weight).values() if m.shape == weight.shape and m.ndim]
            assert all(moment.stride() == weight.stride() for moment in moments)

    def test_torchs_own_way_of_loading_is_followed_too(self, name: str, update: str) -> None:
        module, fresh = network(), network(1)
        optimizer, other = made(name, update, module), made(name, update, fresh)
        give_gradients(module, 0)
        optimizer.step()
        fresh.load_state_dict(module.state_dict())
        other.load_state_dict(optimizer.state_dict())
        for net, opt in ((module, optimizer), (fresh, other)):
            opt.zero_grad()
            give_gradients(net, 1)
            opt.step()
        assert same(everything(module, optimizer), everything(fresh, other))

    def test_a_group_learns_at_its_scale(self, name: str, update: str) -> None:
        module = network()
        groups = groups_of(module, DECAY, {"0": 0.0, "4": 0.0, "4.bias": 1.0})
        usual = OPTIMIZERS[name]
        settings = {key: getattr(usual, key) for key in ("momentum", "nesterov", "beta1", "beta2", "epsilon")}
        optimizer = build_optimizer(name, groups, **settings, update=update)
        set_rate(optimizer, 0.01)
        before = {key: weight.clone() for key, weight in module.named_parameters()}
        give_gradients(module, 0)
        optimizer.step()
        moved = {key for key, weight in module.named_parameters() if not torch.equal(weight, before[key])}
        assert not moved & {"0.weight", "0.bias", "4.weight"} and {"4.bias", "6.weight", "8.weight"} <= moved


@pytest.mark.parametrize("name", [name for name in FUSED if name != "muon"])
def test_a_rate_on_the_device_gives_the_same_weights(name: str) -> None:
    one, two = network(), network()
    plain, graphs = made(name, "fused", one), made(name, "fused", two, graphs=True)
    for step in range(3):
        for module, optimizer in ((one, plain), (two, graphs)):
            set_rate(optimizer, 0.01 / (step + 1))
            optimizer.zero_grad()
            give_gradients(module, step)
            optimizer.step(torch.tensor(0.0))
    torch.testing.assert_close(dict(one.named_parameters()), dict(two.named_parameters()))
    assert all(isinstance(group["lr"], Tensor) for group in graphs.param_groups)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_follows_the_formula(momentum: float, nesterov: bool) -> None:
    weight = nn.Parameter(torch.tensor([[1.0, -2.0]], dtype=torch.float64))
    module = nn.ParameterDict({"w": weight})
    options = {"momentum": momentum, "nesterov": nesterov, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    if nesterov and not momentum:
        with pytest.raises(InputError, match="needs a momentum"):
            build_optimizer("sgd", groups_of(module, 0.1), **options, update="fused")
        return
    optimizer = build_optimizer("sgd", groups_of(module, 0.1), **options, update="fused")
    set_rate(optimizer, 0.5)
    expected, velocity = weight.detach().clone(), torch.zeros(1, 2, dtype=torch.float64)
    for _ in range(5):
        gradient = weight.detach() * 3
        weight.grad = gradient.clone()
        optimizer.step()
        pull = expected * 3 + 0.1 * expected
        velocity = momentum * velocity + pull
        expected = expected - 0.5 * (pull + momentum * velocity if nesterov else velocity)
    torch.testing.assert_close(weight.detach(), expected)


def test_biases_and_norms_do_not_decay() -> None:
    module = network()
    names = {id(weight): name for name, weight in module.named_parameters()}
    told = {names[id(p)]: g["weight_decay"] for g in groups_of(module, 0.3) for p in g["params"]}
    assert told == {name: 0.3 if weight.ndim > 1 else 0.0 for name, weight in module.named_parameters()}


def test_frozen_weights_are_in_no_group_and_none_left_is_an_error() -> None:
    module = network()
    module[0].requires_grad_(False)
    frozen = {id(weight) for weight in module[0].parameters()}
    assert not frozen & {id(weight) for group in groups_of(module, 0.1) for weight in group["params"]}
    with pytest.raises(InputError, match="no weight is left to train"):
        made("adamw", "fused", module.requires_grad_(False))


def test_a_scale_for_no_weight_is_an_error() -> None:
    with pytest.raises(InputError, match="no trainable weight or layer is called '44'"):
        groups_of(network(), 0.1, {"44": 0.1})


def test_muon_takes_matrices_between_the_first_weight_and_the_last() -> None:
    words = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 4), nn.Embedding(4, 4), nn.Linear(4, 4), nn.Linear(4, 2))
    assert hidden_matrices(network()) == {"4.weight", "6.weight"}  # the convolution is the first
    assert hidden_matrices(words) == {"1.weight", "3.weight"}
    with pytest.raises(InputError, match="muon found no hidden layer"):
        made("muon", "fused", nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)))


def test_an_update_that_torch_lacks_is_refused_with_those_it_has() -> None:
    with pytest.raises(InputError, match="rmsprop has no fused update on cpu") as error:
        made("rmsprop", "fused", network())
    assert error.value.expected == "one of: foreach, single"
    with pytest.raises(InputError, match=r"no optimizer is called 'adamv'; did you mean 'adam'"):
        implementations("adamv", CPU)
    with pytest.raises(InputError, match="a graph cannot hold"):
        made("muon", "fused", network(), graphs=True)


def test_moments_of_another_optimizer_are_refused_and_nothing_changes() -> None:
    module = network()
    optimizer = made("adamw", "fused", module)
    before = everything(module, optimizer)
    with pytest.raises(InputError, match="does not fit this one"):
        import_state(optimizer, module, export_state(made("sgd", "fused", module), module))
    assert same(before, everything(module, optimizer))


def test_moments_move_from_one_implementation_to_another() -> None:
    module, weights = network(), {}
    fused = made("adamw", "fused", module)
    give_gradients(module, 0)
    fused.step()
    foreach = made("adamw", "foreach", module)
    import_state(foreach, module, export_state(fused, module))
    start = {key: value.clone() for key, value in module.state_dict().items()}
    for optimizer in (fused, foreach):
        module.load_state_dict(start)
        optimizer.zero_grad()
        give_gradients(module, 1)
        optimizer.step()
        weights[optimizer] = {key: weight.detach().clone() for key, weight in module.named_parameters()}
    torch.testing.assert_close(weights[fused], weights[foreach])


def test_names_hold_no_wrapper() -> None:
    module = network()
    optimizer = made("adamw", "fused", module)
    compiled = torch.compile(module, backend="eager")
    assert export_state(optimizer, compiled).keys() == export_state(optimizer, module).keys()  # type: ignore[arg-type]
    assert "0.weight/exp_avg" in export_state(optimizer, module)
    assert len(groups_of(compiled, 0.1)) == 2  # type: ignore[arg-type]


def test_weights_of_two_dtypes_are_updated_each_in_its_own() -> None:
    module = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.Linear(3, 3).double()})
    optimizer, own = made("adamw", "fused", module), None
    other = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.Linear(3, 3).double()})
    other.load_state_dict(module.state_dict())
    own = torchs_own("adamw", "fused", other)[0]
    for net in (module, other):
        for weight in net.parameters():
            weight.grad = torch.ones_like(weight)
    optimizer.step()
    own.step()
    assert same(module.state_dict(), other.state_dict())


def test_the_careful_way_without_a_flag_is_torchs_own_step() -> None:
    module, other = network(), network()
    optimizer, own = made("rmsprop", "foreach", module), torchs_own("rmsprop", "foreach", other)[0]
    for net in (module, other):
        give_gradients(net, 0)
    careful(optimizer.parts[0])(None)
    own.step()
    assert same(dict(module.named_parameters()), dict(other.named_parameters()))


def test_every_optimizer_stands_on_the_page_of_techniques() -> None:
    page = (Path(__file__).parents[2] / "docs" / "techniques.md").read_text(encoding="utf-8")
    assert not [name for name in OPTIMIZERS if f"`{name}`" not in page]
