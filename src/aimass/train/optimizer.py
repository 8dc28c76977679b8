"""How gradients move weights: torch's optimizers by name, as one object whose bad steps change nothing.

Moments exist from the start (zeros, laid out as the weights are) and stay where they are: a checkpoint is copied into
them, a captured graph or a list made once stays valid.  Torch's own fused SGD would keep uninitialised momenta when its
very first step is a bad one (torch 2.13).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn, optim

from aimass.core.errors import InputError, pick
from aimass.train.groups import Group, split_hidden
from aimass.train.groups import groups_of as groups_of
from aimass.train.names import named_weights
from aimass.train.update import update_of


@dataclass(frozen=True)
class Usual:
    """An optimizer of torch, and its settings where nobody says otherwise; `learning_rate` at 256 rows a step."""

    make: type[optim.Optimizer]
    moments: tuple[str, ...]
    learning_rate: float
    momentum: float = 0.0
    nesterov: bool = False
    beta1: float = 0.9
    beta2: float = 0.999  # of the squared gradients: alpha of RMSprop, rho of AdaDelta
    epsilon: float = 1e-8
    fused: bool = True
    counts: bool = True  # its steps


ADAM = ("exp_avg", "exp_avg_sq")
OPTIMIZERS = {
    "adamw": Usual(optim.AdamW, ADAM, 3e-3),  # Loshchilov and Hutter 2017, arXiv 1711.05101
    "adam": Usual(optim.Adam, ADAM, 3e-3),  # Kingma and Ba 2014, arXiv 1412.6980
    # Polyak 1964; Nesterov's as in Sutskever et al. 2013
    "sgd": Usual(optim.SGD, ("momentum_buffer",), 0.1, momentum=0.9, counts=False),
    # Duchi, Hazan and Singer 2011, JMLR 12
    "adagrad": Usual(optim.Adagrad, ("sum",), 1e-2, epsilon=1e-10),
    # Tieleman and Hinton 2012, lecture 6e
    "rmsprop": Usual(optim.RMSprop, ("square_avg", "momentum_buffer"), 1e-3, beta2=0.99, fused=False),
    # Zeiler 2012, arXiv 1212.5701
    "adadelta": Usual(optim.Adadelta, ("square_avg", "acc_delta"), 1.0, beta2=0.9, epsilon=1e-6, fused=False),
    # Jordan et al. 2024, kellerjordan.github.io/posts/muon; AdamW for all but hidden matrices, at the same rate
    "muon": Usual(optim.AdamW, ADAM, 3e-3, momentum=0.95, nesterov=True),
}
MUON = Usual(optim.Muon, ("momentum_buffer",), 3e-3, epsilon=1e-7, counts=False)


class Optimizer:
    """One of torch's optimizers, or several for weights of several kinds, behind one step.

    blind  the host never looks at the flag of a bad step (accelerators, captured graphs).  A processor may look: there
           it costs nothing, and no optimizer needs a copy.
    """

    def __init__(self, *parts: optim.Optimizer, blind: bool) -> None:
        self.parts, self.blind = parts, blind
        self._begin()

    def _begin(self) -> None:
        self.param_groups: list[Group] = [group for part in self.parts for group in part.param_groups]
        self._updates = [update_of(part) for part in self.parts]

    def step(self, bad: Tensor | None = None) -> None:
        """Update every weight that has a gradient; nothing changes, moments included, where BAD (float32 []) is 1."""
        if bad is not None and not self.blind:
            if bad:
                return
            bad = None
        for update in self._updates:
            update(bad)

    def zero_grad(self) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                weight.grad = None

    def moments_of(self, weight: Tensor) -> dict[str, Tensor]:
        """The moments of WEIGHT by name, its count of steps among them: live tensors."""
        return next((part.state[weight] for part in self.parts if weight in part.state), {})

    def state_dict(self) -> dict[str, Any]:
        """As torch has it, by number, one entry a part; `export_state` goes by name."""
        return {str(i): part.state_dict() for i, part in enumerate(self.parts)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for i, part in enumerate(self.parts):
            part.load_state_dict(deepcopy(state[str(i)]))  # torch would share the tensors with whom they came from
        self._begin()


def implementations(name: str, device: torch.device) -> tuple[str, ...]:
    """The values of `update` that optimizer NAME has on DEVICE, the quickest first.  Raises InputError for the name.

    Muon itself has but one; what is said of it is true of the AdamW beside it.
    """
    fused = pick("optimizer", name, OPTIMIZERS).fused and device.type in ("cpu", "cuda")
    return ("fused", "foreach", "single") if fused else ("foreach", "single")


def build_optimizer(
    name: str,
    groups: Iterable[Group],
    *,
    momentum: float,
    nesterov: bool,
    beta1: float,
    beta2: float,
    epsilon: float,
    update: str,
    graphs: bool = False,
) -> Optimizer:
    """The optimizer called NAME over GROUPS ("params", "weight_decay", "scale"); its rate is 0 until `set_rate`.

    beta2   alpha of RMSprop, rho of AdaDelta
    update  "fused" | "foreach" | "single": see `implementations`
    graphs  keep the rate in a tensor on the device, so that a captured graph sees it change

    Raises InputError for a name, for what the optimizer lacks, and for Muon without a hidden matrix.
    """
    hidden, rest = split_hidden(groups, apart=name == "muon")
    if not hidden + rest:
        raise InputError("no weight is left to train", expected="a weight that is not frozen", key="freeze")
    device = (hidden + rest)[0]["params"][0].device
    usual = pick("optimizer", name, OPTIMIZERS)
    _check(name, update, device, graphs)
    if name == "sgd" and nesterov and not momentum:
        raise InputError("Nesterov's step needs a momentum", expected="momentum above 0", key="momentum")
    if name == "muon" and not hidden:
        what = "muon found no hidden layer: no matrix stands between the first weight and the last"
        raise InputError(what, expected="three linear layers or more", todo="choose adamw", key="optimizer")
    spelt = {
        "betas": (beta1, beta2), "alpha": beta2, "rho": beta2, "eps": epsilon, "momentum": momentum,
        "nesterov": nesterov, "fused": update == "fused", "foreach": update == "foreach",
        "capturable": update != "fused" and device.type != "cpu",  # counts the steps on the device
    }  # fmt: skip
    parts = [_made(usual, rest, spelt)] if rest else []
    if hidden:  # "match_rms_adamw": the rate and the decay of AdamW fit (Liu et al. 2025, arXiv 2502.16982)
        parts.append(_made(MUON, hidden, {**spelt, "eps": MUON.epsilon, "adjust_lr_fn": "match_rms_adamw"}))
    for group in (group for part in parts for group in part.param_groups if graphs):
        group["lr"] = torch.zeros((), device=device)
    return Optimizer(*parts, blind=graphs or update == "fused" or device.type != "cpu")


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Let the next steps use the learning RATE, times the scale of each group."""
    for group in optimizer.param_groups:
        scaled = rate * group.get("scale", 1.0)
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(scaled)
        else:
            group["lr"] = scaled


def export_state(optimizer: Optimizer, module: nn.Module) -> dict[str, Tensor]:
    """Moments and counts by the name of their weight in MODULE ("layer.weight/exp_avg"): live tensors, no copies."""
    return {
        f"{name}/{moment}": value
        for name, weight in named_weights(module).items()
        for moment, value in optimizer.moments_of(weight).items()
    }


def import_state(optimizer: Optimizer, module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy what `export_state` gave into the moments, whatever memory layout, device or update they have here.

    Raises InputError, and changes nothing, when names or shapes are others: another optimizer or another network.
    """
    here = export_state(optimizer, module)
    other = here.keys() ^ tensors.keys() or {name for name in here if here[name].shape != tensors[name].shape}
    if other:
        raise InputError(
            f"the saved optimizer does not fit this one: {', '.join(sorted(other)[:3])}",
            expected="moments of the same optimizer for the same weights",
            todo="train anew, or with the optimizer and the network of the checkpoint",
        )
    for name, value in here.items():
        value.copy_(tensors[name])


def _check(name: str, update: str, device: torch.device, graphs: bool) -> None:
    has = implementations(name, device)
    if update not in has:
        raise InputError(
            f"{name} has no {update} update on {device}", expected=f"one of: {', '.join(has)}", key="update"
        )
    if graphs and (name == "muon" or (update != "fused" and name in ("sgd", "adagrad"))):
        what = f"a graph cannot hold the {update} update of {name}: it reads its rate on the host"
        raise InputError(what, expected="another optimizer, or update fused", key="graphs")


def _made(usual: Usual, groups: list[Group], settings: dict[str, Any]) -> optim.Optimizer:
    """The optimizer of torch with those SETTINGS that it knows, and zeros for the moments of its first step."""
    known = {key: value for key, value in settings.items() if key in inspect.signature(usual.make).parameters}
    make: Any = usual.make
    optimizer: optim.Optimizer = make(groups, lr=0.0, **known)
    for group in optimizer.param_groups:
        for weight in group["params"]:
            state = optimizer.state[weight]
            if usual.counts:
                on = weight.device if group.get("fused") or group.get("capturable") else torch.device("cpu")
                state.setdefault("step", torch.zeros((), device=on))
            for name in usual.moments:
                if name != "momentum_buffer" or group["momentum"]:
                    state.setdefault(name, torch.zeros_like(weight, memory_format=torch.preserve_format).detach())
    return optimizer
