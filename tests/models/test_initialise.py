"""Initialisations against the formulas of their papers; activations and norms by name, through ONNX and back."""

from __future__ import annotations

import math
from pathlib import Path
from typing import get_args

import pytest
import torch
from torch import nn

from aimass.core.part import resolve
from aimass.models.activations import MAKE, Activation, activation
from aimass.models.export import export
from aimass.models.initialise import Initialisation, initialise

INPUTS, OUTPUTS = 300, 200
WAYS = get_args(Initialisation)
DRAWN = [how for how in WAYS if how != "torch"]
GAINS = {"relu": math.sqrt(2), "gelu": math.sqrt(2), "leaky-relu": math.sqrt(2 / (1 + 0.01**2)), "tanh": 5 / 3}


def layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(INPUTS, OUTPUTS), nn.ReLU(), nn.Conv2d(30, 40, 3), nn.BatchNorm2d(40))


@pytest.mark.parametrize("how", DRAWN)
class TestEveryInitialisation:
    def test_biases_begin_at_zero_and_norms_are_left_alone(self, how: Initialisation) -> None:
        module = layers()
        initialise(module, how)
        assert not module[0].bias.any() and not module[2].bias.any()
        assert (module[3].weight == 1).all()

    def test_a_seed_gives_the_same_weights_again(self, how: Initialisation) -> None:
        one, two = layers(), layers()
        for module in (one, two):
            torch.manual_seed(7)
            initialise(module, how)
        assert torch.equal(one[0].weight, two[0].weight) and torch.equal(one[2].weight, two[2].weight)


@pytest.mark.parametrize("shape", ["uniform", "normal"])
@pytest.mark.parametrize(("layer", "inputs", "outputs"), [(0, INPUTS, OUTPUTS), (2, 30 * 9, 40 * 9)])
class TestVariances:
    def test_xavier_has_two_over_inputs_and_outputs(self, shape: str, layer: int, inputs: int, outputs: int) -> None:
        module = layers()
        initialise(module, f"xavier-{shape}")  # type: ignore[arg-type]
        self.check(module[layer].weight, math.sqrt(2 / (inputs + outputs)), shape)

    @pytest.mark.parametrize("name", GAINS)
    def test_kaiming_has_the_gain_of_the_activation_over_inputs(
        self, shape: str, layer: int, inputs: int, outputs: int, name: Activation
    ) -> None:
        module = layers()
        initialise(module, f"kaiming-{shape}", name)  # type: ignore[arg-type]
        self.check(module[layer].weight, GAINS[name] / math.sqrt(inputs), shape)

    @staticmethod
    def check(weight: torch.Tensor, deviation: float, shape: str) -> None:
        assert float(weight.detach().std()) == pytest.approx(deviation, rel=0.03)
        widest = float(weight.detach().abs().max())
        assert (widest <= math.sqrt(3) * deviation) is (shape == "uniform")


def test_orthogonal_rows_stand_at_right_angles_and_have_the_length_of_the_gain() -> None:
    module = layers()
    initialise(module, "orthogonal", "relu")
    weight = module[0].weight.detach()
    torch.testing.assert_close(weight @ weight.T, 2 * torch.eye(OUTPUTS), atol=1e-4, rtol=0)


def test_torchs_own_weights_are_left_and_no_chance_is_drawn() -> None:
    module, other = layers(), layers()
    state = torch.get_rng_state()
    initialise(module, "torch")
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), other.parameters(), strict=True))


def test_signals_keep_their_size_through_many_layers_of_kaiming_and_fade_in_torchs() -> None:
    def last_size(how: Initialisation) -> float:
        torch.manual_seed(0)
        module = nn.Sequential(*(nn.Sequential(nn.Linear(128, 128), nn.ReLU()) for _ in range(20)))
        initialise(module, how, "relu")
        return float(module(torch.randn(64, 128)).detach().square().mean())

    assert 0.2 < last_size("kaiming-normal") < 5 and last_size("torch") < 0.01


def test_every_activation_that_can_be_asked_for_can_be_made() -> None:
    assert set(get_args(Activation)) == set(MAKE)


class AllActivations(nn.Module):
    """Every activation of its own linear layer, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(nn.Linear(4, 3), activation(name)) for name in MAKE)
        self.head = nn.Linear(3 * len(MAKE), 3)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return self.head(torch.cat([branch(numbers) for branch in self.branches], dim=1))


def test_every_activation_is_exported_as_it_is(signature_of, tensors_for, tmp_path: Path) -> None:
    signature = signature_of("multiclass", "numbers")
    torch.manual_seed(0)
    export(
        AllActivations(), signature, tensors_for(signature, 9), tmp_path / "network.onnx"
    )  # the parity gate is inside


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"use": "mlp", "norm": "layer", "activation": "gelu", "initialisation": "orthogonal"}, "numbers"),
        ({"use": "mlp", "norm": "none", "activation": "selu", "initialisation": "kaiming-normal"}, "numbers"),
        ({"use": "convnet", "norm": "group", "activation": "silu", "initialisation": "kaiming-uniform"}, "image"),
        ({"use": "text", "activation": "tanh", "initialisation": "xavier-uniform"}, "words"),
    ],
    ids=lambda v: "-".join(map(str, v.values())) if isinstance(v, dict) else v,
)
def test_a_network_of_other_norms_and_activations_is_exported_as_it_is(
    settings, kind, signature_of, tensors_for, tmp_path
) -> None:
    signature = signature_of("multiclass", kind)
    torch.manual_seed(0)
    module = resolve("architecture", settings["use"]).from_settings(settings).build(signature)
    tensors = tensors_for(signature, 9)
    module.train()(*map(torch.from_numpy, tensors.values())).sum().backward()
    assert all(weight.grad is not None for weight in module.parameters())
    export(module, signature, tensors, tmp_path / "network.onnx")
    kinds = {type(layer).__name__ for layer in module.modules()}
    assert type(activation(settings["activation"])).__name__ in kinds


def test_without_a_norm_layers_have_biases_and_with_one_they_have_none(signature_of) -> None:
    part, signature = resolve("architecture", "mlp"), signature_of("binary", "numbers")
    biases = {
        norm: part.from_settings({"use": "mlp", "norm": norm}).build(signature).layers[0][0].bias is not None
        for norm in ("batch", "layer", "none")
    }
    assert biases == {"batch": False, "layer": False, "none": True}


@pytest.mark.parametrize("name", [*MAKE, *WAYS])
def test_every_one_of_them_stands_on_the_page_of_techniques(name: str) -> None:
    assert f"`{name}`" in (Path(__file__).parents[2] / "docs" / "techniques.md").read_text(encoding="utf-8")
