"""LoRA: nothing changes until it is trained, only the adapters move, and what is merged is the plain model again."""

from __future__ import annotations

import copy
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from aimass.core.errors import InputError
from aimass.models.export import export
from aimass.models.mlp import Mlp
from aimass.train.finetune import load_weights
from aimass.train.lora import LoraLinear, add_lora, load_adapters, merge_lora, save_adapters
from tests.train.by_hand import signature_of, tensors_of


def network(*widths: int, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 3))


def rows(width: int, seed: int = 1) -> Tensor:
    return torch.randn(16, width, generator=torch.Generator().manual_seed(seed))


def train(module: nn.Module, width: int, steps: int = 8) -> None:
    module.train()
    optimizer = torch.optim.AdamW([p for p in module.parameters() if p.requires_grad], lr=0.02)
    for step in range(steps):
        optimizer.zero_grad()
        (module(rows(width, step)) - 1).square().mean().backward()
        optimizer.step()
    module.eval()


def scores(module: nn.Module, width: int) -> Tensor:
    with torch.no_grad():
        found: Tensor = module.eval()(rows(width))
    return found


WIDTHS = st.lists(st.integers(8, 24), min_size=2, max_size=4)


@settings(max_examples=20, deadline=None)
@given(WIDTHS, st.integers(1, 3), st.floats(0.1, 64.0))
def test_adapters_that_were_not_trained_change_nothing_and_merge_away(
    widths: list[int], rank: int, alpha: float
) -> None:
    module = network(*widths).eval()
    plain, weights = scores(module, widths[0]), copy.deepcopy(module.state_dict())
    add_lora(module, rank, alpha)
    assert torch.equal(scores(module, widths[0]), plain)
    merge_lora(module)
    assert list(module.state_dict()) == list(weights)
    assert all(torch.equal(value, weights[name]) for name, value in module.state_dict().items())
    assert [type(m) for m in module.modules() if isinstance(m, nn.Linear)] == [nn.Linear] * len(widths)


def test_only_the_adapters_and_what_is_kept_move() -> None:
    module = network(8, 16, 16)
    before = copy.deepcopy(module.state_dict())
    made = add_lora(module, 2, patterns=["0", "3"], keep=["6"])
    assert (made.layers, made.left_out) == (("0", "3"), {})
    assert made.trained == 2 * (8 + 16) + 2 * (16 + 16) + 16 * 3 + 3
    assert f"{made.trained:,} of {made.total:,} numbers are trained" in made.report
    train(module, 8)
    moved = {name for name, value in before.items() if not torch.equal(value, module.state_dict()[name])}
    assert moved == {"6.weight", "6.bias"}
    assert all(layer.lora_b.abs().max() > 0 for layer in module.modules() if isinstance(layer, LoraLinear))


def test_a_layer_with_an_adapter_computes_the_formula_of_the_paper() -> None:
    layer = nn.Linear(12, 10)
    module = nn.Sequential(layer)
    add_lora(module, rank=3, alpha=6.0)
    nn.init.normal_(layer.lora_b)  # type: ignore[arg-type]
    x = rows(12)
    by_hand = x @ layer.weight.T + layer.bias + 6.0 / 3 * (x @ layer.lora_a.T @ layer.lora_b.T)
    assert torch.allclose(module(x), by_hand, atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(WIDTHS, st.integers(1, 3), st.integers(0, 5))
def test_merged_layers_give_what_base_and_adapter_gave(widths: list[int], rank: int, seed: int) -> None:
    module = network(*widths, seed=seed)
    add_lora(module, rank, seed=seed)
    train(module, widths[0], steps=3)
    before = scores(module, widths[0])
    merge_lora(module)
    apart = (scores(module, widths[0]) - before).abs().max()
    assert apart <= 1e-6 * max(1.0, float(before.abs().max()))


def test_the_merged_model_exports_as_the_architecture_it_was(tmp_path: Path) -> None:
    signature = signature_of("multiclass", "numbers")
    tensors, _ = tensors_of(("numbers",), 20, 0)
    module = Mlp(width=32).build(signature)
    sizes = []
    for name in ("base", "tuned"):
        export(module, signature, tensors, tmp_path / f"{name}.onnx")
        sizes.append((tmp_path / f"{name}.onnx").stat().st_size)
        if name == "base":
            add_lora(module, 2, dropout=0.2)
            module.train()(torch.from_numpy(tensors["x.numbers"])).square().sum().backward()
            torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.1).step()
            merge_lora(module)
    assert sizes[0] == sizes[1]


def test_attention_blocks_of_torch_see_their_adapters_in_evaluation_too() -> None:
    """Their fast path reads weights itself; without gradients it would pass the adapters by, unsaid."""
    torch.manual_seed(0)
    block = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    made = add_lora(block, 2)
    assert made.layers == ("linear1", "linear2")
    assert made.left_out == {"self_attn.out_proj": "a NonDynamicallyQuantizableLinear, not a plain linear layer"}
    for layer in (block.linear1, block.linear2):
        nn.init.normal_(layer.lora_b)  # type: ignore[arg-type]
    x = torch.randn(3, 5, 16)
    slow = block.eval()(x).detach()  # with gradients: never the fast path
    with torch.no_grad():
        assert torch.allclose(block(x), slow, atol=1e-6)
        merge_lora(block)
        assert torch.allclose(block(x), slow, atol=1e-5)
    assert not any(layer._forward_pre_hooks for layer in block.modules())


def test_a_weight_that_is_used_elsewhere_gets_no_adapter() -> None:
    """Merging would change the other place, too."""
    tied = nn.ModuleDict({"words": nn.Embedding(20, 16), "out": nn.Linear(16, 20), "inner": nn.Linear(16, 16)})
    tied["out"].weight = tied["words"].weight
    made = add_lora(tied, 2)
    assert made.layers == ("inner",) and made.left_out == {"out": "its weight is used elsewhere, too"}


def test_a_layer_that_is_no_larger_than_its_adapter_is_left_out() -> None:
    made = add_lora(network(16, 16), 4)
    assert made.layers == ("0",) and made.left_out == {"3": "16 x 3 is no larger than its adapter"}
    with pytest.raises(InputError, match="no linear layer can carry an adapter of rank 64") as caught:
        add_lora(network(16, 16), 64)
    assert caught.value.key == "lora"


@pytest.mark.parametrize("wrong", [{"rank": 0}, {"alpha": 0.0}, {"dropout": 1.0}, {"patterns": ["head"]}])
def test_settings_that_cannot_be_are_refused(wrong: dict) -> None:
    with pytest.raises(InputError, match=r"lora: rank|no weight is called 'head'"):
        add_lora(network(16, 16), **wrong)


def test_adapters_begin_by_the_seed_alone() -> None:
    found = []
    for seed, chance in ((3, 1), (3, 2), (4, 1)):
        module = network(16, 16)
        torch.manual_seed(chance)
        add_lora(module, 2, seed=seed)
        found.append(module[0].lora_a)
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])


def test_training_goes_on_from_a_state_kept_by_name() -> None:
    """As the checkpoint does it: weights and moments by name, a new module, the same end."""

    def begin() -> tuple[nn.Module, torch.optim.Optimizer]:
        module = network(8, 16)
        add_lora(module, 2)
        return module.train(), torch.optim.AdamW([p for p in module.parameters() if p.requires_grad], lr=0.02)

    def steps(module: nn.Module, optimizer: torch.optim.Optimizer, numbers: range) -> None:
        for number in numbers:
            optimizer.zero_grad()
            (module(rows(8, number)) - 1).square().mean().backward()
            optimizer.step()

    whole, half = begin(), begin()
    steps(*whole, range(6))
    steps(*half, range(3))
    resumed = begin()
    resumed[0].load_state_dict(copy.deepcopy(half[0].state_dict()))
    resumed[1].load_state_dict(copy.deepcopy(half[1].state_dict()))
    steps(*resumed, range(3, 6))
    for name, value in whole[0].state_dict().items():
        assert torch.equal(value, resumed[0].state_dict()[name])


def test_adapters_alone_make_the_tuned_model_of_its_base(tmp_path: Path) -> None:
    tuned = network(8, 16)
    add_lora(tuned, 2, alpha=4.0, keep=["3"])
    train(tuned, 8)
    save_adapters(tuned, tmp_path / "adapters.safetensors")
    base = network(8, 16)
    made = load_adapters(base, tmp_path / "adapters.safetensors")
    assert made.layers == ("0",)
    assert torch.equal(scores(base, 8), scores(tuned, 8))
    assert (tmp_path / "adapters.safetensors").stat().st_size < 1500


def test_adapters_of_another_architecture_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    tuned = network(8, 16)
    add_lora(tuned, 2)
    save_adapters(tuned, path)
    with pytest.raises(InputError, match="lora_b is"):
        load_adapters(network(8, 24), path)
    with pytest.raises(InputError, match="no linear layer is called '0'"):
        load_adapters(nn.Sequential(nn.Identity(), nn.Linear(8, 16)), path)
    with pytest.raises(InputError, match="the module has no adapters"):
        save_adapters(network(8, 16), path)


def test_whole_weights_are_no_adapters_and_a_missing_file_is_said(tmp_path: Path) -> None:
    from safetensors.torch import save_model

    save_model(network(8, 16), str(tmp_path / "whole.safetensors"))
    with pytest.raises(InputError, match="holds no adapters"):
        load_adapters(network(8, 16), tmp_path / "whole.safetensors")
    with pytest.raises(InputError, match="cannot be read"):
        load_adapters(network(8, 16), tmp_path / "none.safetensors")


def test_weights_can_be_loaded_under_adapters(tmp_path: Path) -> None:
    from safetensors.torch import save_model

    old, new = network(8, 16, seed=1), network(8, 16, seed=2)
    save_model(old, str(tmp_path / "a.safetensors"))
    add_lora(new, 2, patterns=["0"])
    assert load_weights(new, tmp_path / "a.safetensors").missing == ("0.lora_a", "0.lora_b")
    assert torch.equal(scores(new, 8), scores(old, 8))
