"""Fine-tuning: what is taken from another model, what stays, how fast the rest moves, and what gives the scores."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file, save_model
from torch import Tensor, nn

from aimass.core.artifact import open_artifact, seal
from aimass.core.errors import InputError
from aimass.models.convnet import ConvNet
from aimass.models.mlp import Mlp
from aimass.train.finetune import load_weights, replace_head
from aimass.train.freeze import freeze
from aimass.train.patterns import chosen
from aimass.train.rates import layers_of, rates_by_layer, rates_by_pattern
from tests.train.by_hand import signature_of


def network(seed: int = 0, outputs: int = 3) -> nn.Sequential:
    torch.manual_seed(seed)
    trunk = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU())
    return nn.Sequential(OrderedDict(trunk=trunk, head=nn.Linear(8, outputs)))


def rows(seed: int = 1, count: int = 16) -> Tensor:
    return torch.randn(count, 4, generator=torch.Generator().manual_seed(seed))


def train(module: nn.Module, steps: int = 5) -> None:
    module.train()
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.1)
    for step in range(steps):
        optimizer.zero_grad()
        module(rows(step) + 3).square().sum().backward()
        optimizer.step()


def state(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.out = nn.Embedding(7, 4), nn.Linear(4, 7, bias=False)
        self.out.weight = self.words.weight


# -- load_weights ---------------------------------------------------------------------------------------------


def test_a_model_of_the_store_gives_its_weights_by_name(tmp_path: Path) -> None:
    old, new = network(0), network(1)
    save_model(old, str(tmp_path / "weights.safetensors"))
    seal("model", tmp_path, [])
    loaded = load_weights(new, open_artifact(tmp_path))
    assert all(torch.equal(a, b) for a, b in zip(state(old).values(), state(new).values(), strict=True))
    assert (len(loaded.taken), loaded.reshaped, loaded.missing, loaded.unused) == (11, {}, (), ())
    assert loaded.report == f"11 of 11 tensors taken from model {tmp_path.name[:12]}"


WRAPPED: dict[str, Callable[[str], str]] = {
    "DistributedDataParallel": lambda name: f"module.{name}",
    "torch.compile": lambda name: f"_orig_mod.{name}",
    "a compiled block": lambda name: name.replace("trunk.", "trunk._orig_mod."),
    "another module": lambda name: f"model.encoder.{name}",
}


@pytest.mark.parametrize("rename", WRAPPED.values(), ids=list(WRAPPED))
def test_prefixes_of_wrappers_are_seen_through(rename: Callable[[str], str], tmp_path: Path) -> None:
    old, new = network(0), network(1)
    save_file({rename(name): value for name, value in state(old).items()}, tmp_path / "a.safetensors")
    load_weights(new, tmp_path / "a.safetensors", strict_shapes=True)
    assert torch.equal(new(rows()), old(rows()))


def test_a_trunk_alone_finds_its_place_inside_of_a_larger_module(tmp_path: Path) -> None:
    old, new = network(0), network(1)
    save_model(old.trunk, str(tmp_path / "a.safetensors"))
    loaded = load_weights(new, str(tmp_path / "a.safetensors"))
    assert loaded.missing == ("head.weight", "head.bias")
    assert torch.equal(new.trunk(rows()), old.trunk(rows()))


def test_a_head_of_another_shape_stays_as_it_is_and_is_told(tmp_path: Path) -> None:
    new, path = network(1, outputs=5), tmp_path / "a.safetensors"
    save_file({**state(network(0)), "spare": torch.zeros(2)}, path)
    before = state(new)
    loaded = load_weights(new, path)
    assert loaded.reshaped == {"head.weight": ((5, 8), (3, 8)), "head.bias": ((5,), (3,))}
    assert loaded.unused == ("spare",)
    assert torch.equal(new.head.weight, before["head.weight"])
    assert "head.weight [5, 8], there [3, 8]" in loaded.report
    with pytest.raises(InputError, match=r"head.weight is \[5, 8\], there \[3, 8\]"):
        load_weights(new, path, strict_shapes=True)


def test_of_tied_weights_one_name_is_enough(tmp_path: Path) -> None:
    old, new = Tied(), Tied()
    save_model(old, str(tmp_path / "tied.safetensors"))  # keeps one name of the two
    for name in ("words.weight", "out.weight"):
        save_file({name: old.words.weight.detach()}, tmp_path / f"{name}.safetensors")
    for name in ("tied", "words.weight", "out.weight"):
        nn.init.zeros_(new.words.weight)
        loaded = load_weights(new, tmp_path / f"{name}.safetensors")
        assert (set(loaded.taken), loaded.missing, loaded.unused) == ({"words.weight", "out.weight"}, (), ())
        assert torch.equal(new.out.weight, old.words.weight)
    untied = nn.ModuleDict({"words": nn.Embedding(7, 4), "out": nn.Linear(4, 7, bias=False)})
    assert load_weights(untied, tmp_path / "tied.safetensors").missing == ()  # the header tells the other name


def test_half_precision_becomes_the_precision_of_the_module(tmp_path: Path) -> None:
    old, new = network(0), network(1)
    save_file({name: v.half() if v.is_floating_point() else v for name, v in state(old).items()}, tmp_path / "h.st")
    load_weights(new, tmp_path / "h.st")
    assert new.head.weight.dtype == torch.float32
    assert torch.equal(new.head.weight, old.head.weight.half().float())


def test_when_nothing_fits_the_nearest_names_are_told(tmp_path: Path) -> None:
    save_file({"trunks.0.weights": torch.zeros(8, 4)}, tmp_path / "a.safetensors")
    with pytest.raises(InputError, match=r"nearest: trunk\.0\.weight is like trunks\.0\.weights") as caught:
        load_weights(network(), tmp_path / "a.safetensors")
    assert caught.value.key == "weights"


def test_what_is_no_safetensors_file_is_refused_unread(tmp_path: Path) -> None:
    torch.save(state(network()), tmp_path / "a.pt")
    (tmp_path / "empty").mkdir()
    for path, says in (("a.pt", "is no safetensors file"), ("none", "no file at"), ("empty", "empty has no weights")):
        with pytest.raises(InputError, match=says):
            load_weights(network(), tmp_path / path)


# -- freeze ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("patterns", [["trunk.*"], ["trunk"], ["!head"], ["*", "!head.*"]])
def test_what_is_frozen_does_not_move_batch_norm_statistics_included(patterns: list[str]) -> None:
    module = network()
    before, names = state(module), freeze(module, patterns)
    assert names == [n for n, _ in module.named_parameters() if n.startswith("trunk.")]
    train(module)
    same = {name for name, value in state(module).items() if torch.equal(value, before[name])}
    assert same == {name for name in before if name.startswith("trunk.")}


def test_a_batch_norm_without_weights_is_frozen_by_the_names_of_its_statistics() -> None:
    module = ConvNet(width=8, stages=1).build(signature_of("binary", "image"))
    freeze(module, ["!head"])
    before, images = state(module), torch.randn(8, 1, 12, 12) + 5
    module.train()(images)
    assert all(torch.equal(value, before[name]) for name, value in state(module).items())


def test_a_batch_norm_that_is_frozen_in_part_still_trains() -> None:
    module = network()
    freeze(module, ["trunk.1.weight"])
    before = state(module)
    train(module)
    assert not torch.equal(module.trunk[1].running_mean, before["trunk.1.running_mean"])
    assert torch.equal(module.trunk[1].weight, before["trunk.1.weight"])


def test_a_frozen_module_can_be_copied_and_sent_to_another_process() -> None:
    module = network()
    freeze(module, ["!head"])
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        other.train()
        assert isinstance(other.trunk[1], nn.BatchNorm1d) and not other.trunk[1].training
        assert type(other.trunk[1]) is type(module.trunk[1])
        assert list(other.state_dict()) == list(network().state_dict())
        assert torch.equal(other(rows()), module.train()(rows()))


def test_a_pattern_that_means_nothing_or_leaves_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="no weight is called 'trnk'; did you mean 'trunk'") as caught:
        freeze(network(), ["head", "trnk"])
    assert caught.value.key == "freeze.1"
    for everything in (["*"], ["trunk", "head"]):
        with pytest.raises(InputError, match="every weight of Sequential is frozen"):
            freeze(network(), everything)
    module = network()
    freeze(module, ["trunk"])
    with pytest.raises(InputError, match="every weight"):
        freeze(module, ["head"])


NAMES = st.lists(st.sampled_from(["a.weight", "a.bias", "b.0.weight", "b.1.weight", "c"]), min_size=1, unique=True)


@given(NAMES, st.data())
def test_all_but_is_the_rest(names: list[str], data: st.DataObject) -> None:
    patterns = data.draw(st.lists(st.sampled_from(names), min_size=1))
    some, rest = (chosen(names, [mark + p for p in patterns], key="freeze") for mark in ("", "!"))
    assert some == set(patterns) and rest == set(names) - some


# -- rates ----------------------------------------------------------------------------------------------------


def test_each_earlier_layer_moves_decay_times_less_and_norms_go_with_theirs() -> None:
    assert rates_by_layer(network(), 0.5) == {
        "trunk.0.weight": 0.25, "trunk.0.bias": 0.25, "trunk.1.weight": 0.25, "trunk.1.bias": 0.25,
        "trunk.3.weight": 0.5, "trunk.3.bias": 0.5, "head.weight": 1.0, "head.bias": 1.0,
    }  # fmt: skip


def test_the_layers_of_our_own_networks_are_their_blocks() -> None:
    mlp = Mlp(depth=2).build(signature_of("binary", "numbers", "categories"))
    assert [layer[0] for layer in layers_of(mlp)] == [
        "columns.parts.0.weight", "layers.0.0.weight", "layers.1.0.weight", "layers.2.1.weight",
    ]  # fmt: skip
    conv = ConvNet(stages=2, blocks=1).build(signature_of("binary", "image"))
    assert [layer[0].split(".body")[0] for layer in layers_of(conv)] == [
        "trunks.0.1.weight", "trunks.0.4", "trunks.0.5", "head.1.weight",
    ]  # fmt: skip


def test_a_transformer_has_a_layer_for_its_embeddings_and_one_for_each_block() -> None:
    block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    inside = {"words": nn.Embedding(9, 8), "places": nn.Embedding(5, 8), "blocks": nn.TransformerEncoder(block, 3)}
    layers = layers_of(nn.ModuleDict({**inside, "norm": nn.LayerNorm(8), "head": nn.Linear(8, 2)}))
    assert [len(layer) for layer in layers] == [2, 12, 12, 14, 2]
    assert layers[0] == ["words.weight", "places.weight"] and layers[3][-1] == "norm.bias"


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=6), st.floats(0.1, 1.0))
def test_rates_rise_from_layer_to_layer_and_name_every_parameter(widths: list[int], decay: float) -> None:
    module = nn.Sequential(*(nn.Linear(i, o) for i, o in pairwise(widths)))
    rates = rates_by_layer(module, decay)
    assert list(rates) != [] and set(rates) == {name for name, _ in module.named_parameters()}
    found = [rates[f"{i}.weight"] for i in range(len(module))]
    assert found == sorted(found) and found[-1] == 1.0
    assert found == pytest.approx([decay ** (len(module) - 1 - i) for i in range(len(module))])


def test_tied_weights_have_one_rate() -> None:
    assert rates_by_layer(Tied(), 0.5) == {"words.weight": 1.0}


def test_rates_by_pattern_the_last_that_means_a_name_counts() -> None:
    rates = rates_by_pattern(network(), {"trunk": 0.1, "trunk.3": 0.5})
    assert (rates["trunk.0.weight"], rates["trunk.3.bias"], rates["head.weight"]) == (0.1, 0.5, 1.0)
    with pytest.raises(InputError, match="no weight is called 'body'"):
        rates_by_pattern(network(), {"body": 0.1})
    with pytest.raises(InputError, match="the rate of head is 0"):
        rates_by_pattern(network(), {"head": 0.0})
    with pytest.raises(InputError, match="layer_decay is 0"):
        rates_by_layer(network(), 0.0)


# -- replace_head ---------------------------------------------------------------------------------------------


class HeadFirst(nn.Module):
    """A guest that defines its head before its trunk; KIND says how it makes its scores."""

    def __init__(self, kind: str = "plain") -> None:
        super().__init__()
        self.kind = kind
        self.head, self.wide, self.trunk = nn.Linear(8, 10), nn.Linear(4, 10), nn.Linear(4, 8)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(torch.relu(self.trunk(x)))
        if self.kind == "two paths":
            return self.wide(x) + scores
        if self.kind == "wrong shape":
            return scores[:, :5]
        return scores.log_softmax(1) if self.kind == "log softmax" else scores


@pytest.mark.parametrize("kind", ["plain", "log softmax"])
def test_the_head_is_the_layer_that_gives_the_scores_not_the_one_defined_last(kind: str) -> None:
    module = HeadFirst(kind)
    trunk, head = module.trunk, module.head
    assert replace_head(module, [rows()], 10, seed=0) is None and module.head is head
    assert replace_head(module, [rows()], 3, seed=0) == "head"
    assert (module.trunk, module.head.in_features, module.head.out_features) == (trunk, 8, 3)
    assert module(rows()).shape == (16, 3)


def test_a_new_head_depends_on_the_seed_alone() -> None:
    heads = []
    for seed, chance in ((5, 1), (5, 2), (6, 1)):
        module = network()
        torch.manual_seed(chance)
        assert replace_head(module, [rows()], 3, seed=seed, always=True) == "head"
        heads.append(module.head.weight)
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])


def test_looking_for_the_head_changes_nothing_else() -> None:
    module = network().train()
    module.trunk[1].eval()
    before = state(module)
    replace_head(module, [rows()], 3, seed=0)
    assert all(torch.equal(value, before[name]) for name, value in state(module).items())
    assert [m.training for m in module.trunk] == [True, False, True, True, True]
    assert not any(m._forward_hooks for m in module.modules())


@pytest.mark.parametrize("kind", ["two paths", "wrong shape"])
def test_scores_that_no_single_layer_gives_are_refused(kind: str) -> None:
    with pytest.raises(InputError, match="its head cannot be found"):
        replace_head(HeadFirst(kind), [rows()], 3, seed=0)


def test_a_module_without_linear_layers_has_no_head() -> None:
    with pytest.raises(InputError, match="has no linear layer that is run"):
        replace_head(nn.Sequential(nn.Unflatten(1, (4, 1)), nn.Conv1d(4, 3, 1), nn.Flatten()), [rows()], 3, seed=0)
