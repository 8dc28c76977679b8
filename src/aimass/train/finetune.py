"""A model begins with the weights of another, and with a last layer of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from aimass.core.artifact import Artifact
from aimass.core.errors import InputError
from aimass.train.rng import stream

WRAPPERS = (
    "module",
    "_orig_mod",
    "_fsdp_wrapped_module",
    "_checkpoint_wrapped_module",
)  # DDP, compile, FSDP, recompute
DEEPEST = 3  # parts of a prefix that one name may have more than the other: "model.encoder."


@dataclass(frozen=True)
class Loaded:
    """What became of the weights of a source.  Names are the module's, those of `unused` the source's."""

    source: str
    taken: tuple[str, ...]
    reshaped: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]  # name -> (its shape, the source's); left as it was
    missing: tuple[str, ...]  # of which the source knows nothing
    unused: tuple[str, ...]

    @property
    def report(self) -> str:
        """One line for the log."""
        count = len(self.taken) + len(self.reshaped) + len(self.missing)
        told = [f"{len(self.taken)} of {count} tensors taken from {self.source}"]
        shapes = [f"{name} {list(mine)}, there {list(its)}" for name, (mine, its) in self.reshaped.items()]
        told += [f"new, for their shapes differ: {_few(shapes)}"] if shapes else []
        told += [f"new: {_few(self.missing)}"] if self.missing else []
        told += [f"not used: {_few(self.unused)}"] if self.unused else []
        return "; ".join(told)


def load_weights(module: nn.Module, source: Artifact | Path | str, *, strict_shapes: bool = False) -> Loaded:
    """Give MODULE, in place, the weights of SOURCE (a model, its folder, or a .safetensors file) that have its names.

    Prefixes of wrappers ("module.", "_orig_mod.") and one that all names of either side share more ("model.") are
    seen through; of tied weights one name is enough.  Tensors of another shape (the head) stay as they are, unless
    STRICT_SHAPES.  Raises InputError for what is no such file, or holds nothing that fits.
    """
    path, key = _file_of(source)
    mine = {name: value for name, value in module.state_dict().items() if isinstance(value, Tensor)}
    with _opened(path, key) as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in sorted(file.keys())}
        stored = {name: name for name in shapes} | _tied(file.metadata(), shapes)  # name -> under which it is kept
        pairs = _pairs({n: tuple(v.shape) for n, v in mine.items()}, {n: shapes[kept] for n, kept in stored.items()})
        fits = {name: stored[its] for name, its in pairs.items() if tuple(mine[name].shape) == shapes[stored[its]]}
        reshaped = {n: (tuple(mine[n].shape), shapes[stored[its]]) for n, its in pairs.items() if n not in fits}
        if not fits or (strict_shapes and reshaped):
            raise _unfit(module, path, key, list(stored), list(mine), reshaped)
        for name, kept in fits.items():
            mine[name].copy_(file.get_tensor(kept))
    places = {_place(mine[name]) for name in fits}
    taken = tuple(name for name in mine if name in fits or _place(mine[name]) in places)
    missing = tuple(name for name in mine if name not in taken and name not in reshaped)
    used = {stored[its] for its in pairs.values()}
    unused = tuple(name for name in shapes if name not in used)
    return Loaded(_name_of(path), taken, {n: s for n, s in reshaped.items() if n not in taken}, missing, unused)


def replace_head(
    module: nn.Module, tensors: Sequence[Tensor], width: int, seed: int, *, always: bool = False
) -> str | None:
    """Let the last linear layer of MODULE give WIDTH scores: a fresh one takes its place; returns its name.

    None when the old one had that width and stays, unless ALWAYS.  TENSORS are two or more unlike rows: the module is
    run, so that the last layer is the one that gives the scores, wherever it was defined.
    Raises InputError when the scores do not come from one linear layer.
    """
    name, layer = _head(module, tensors)
    if layer.out_features == width and not always:
        return None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream("head", seed))
        fresh = nn.Linear(layer.in_features, width, bias=layer.bias is not None)
    fresh = fresh.to(layer.weight.device, layer.weight.dtype).train(layer.training)
    for place in [n for n, child in module.named_modules(remove_duplicate=False) if child is layer]:
        outer, _, attribute = place.rpartition(".")
        setattr(module.get_submodule(outer), attribute, fresh)
    return name


def _head(module: nn.Module, tensors: Sequence[Tensor]) -> tuple[str, nn.Linear]:
    """The linear layer whose output is all that the scores of MODULE are made of, and its name."""
    names = {layer: name for name, layer in module.named_modules() if isinstance(layer, nn.Linear) and name}
    ran: list[nn.Linear] = []
    _watched(module, tensors, list(names), lambda layer, _, __: ran.append(layer))
    if not ran:
        raise _no_head(module, "has no linear layer that is run")
    last = ran[-1]
    scores = _watched(module, tensors, [last], lambda _, __, out: torch.zeros_like(out))
    if not (isinstance(scores, Tensor) and scores.ndim == 2 and scores.shape[1] == last.out_features):
        shape = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
        raise _no_head(module, f"gives {shape}, its last linear layer {names[last]} {last.out_features} columns")
    if not torch.equal(scores, scores[:1].expand_as(scores)):  # with that layer silenced, rows should not differ
        raise _no_head(module, f"makes its scores not of {names[last]} alone")
    return names[last], last


def _watched(module: nn.Module, tensors: Sequence[Tensor], layers: Sequence[nn.Module], hook: Any) -> Any:
    """What MODULE gives in evaluation mode while HOOK hangs on LAYERS."""
    modes = {child: child.training for child in module.modules()}
    hooks = [layer.register_forward_hook(hook) for layer in layers]
    try:
        with torch.no_grad():
            return module.eval()(*tensors)
    finally:
        for handle in hooks:
            handle.remove()
        for child, mode in modes.items():
            child.training = mode


def _no_head(module: nn.Module, what: str) -> InputError:
    return InputError(
        f"{type(module).__name__} {what}, so its head cannot be found",
        expected="scores [rows, columns] that one linear layer gives",
        todo="let the class take its number of scores from signature.width instead",
        key="head",
    )


def _file_of(source: Artifact | Path | str) -> tuple[Path, str]:
    """The safetensors file of SOURCE and the setting that named it.  Raises InputError when there is none."""
    place = source.folder if isinstance(source, Artifact) else Path(source)
    key = "start" if isinstance(source, Artifact) else "weights"
    path = place / "weights.safetensors" if place.is_dir() else place
    if not path.is_file():
        what = f"{place.name[:12]} has no weights.safetensors" if place.is_dir() else f"no file at {path}"
        raise InputError(what, expected="a network that was trained here, or a .safetensors file",
                         todo="models of trees and compressed ones hold none: start from the model they came of",
                         key=key)  # fmt: skip
    return path, key


@contextmanager
def _opened(path: Path, key: str) -> Iterator[Any]:
    try:
        with safe_open(str(path), framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path} is no safetensors file: {error}",
            expected="a file written by safetensors.torch.save_model or save_file",
            todo="pickled weights (.pt, .bin) can run code when they are read: save them anew with safetensors",
            key=key,
        ) from error


def _tied(metadata: Mapping[str, str] | None, shapes: Mapping[str, Any]) -> dict[str, str]:
    """What save_model tells of names that it left out: name -> the name under which the same tensor is kept."""
    return {name: kept for name, kept in (metadata or {}).items() if kept in shapes and name not in shapes}


def _pairs(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, str]:
    """Name of MINE -> its name in THEIRS (both name -> shape), by the prefix under which most of them fit."""
    here, there = _bare(mine), _bare(theirs)

    def paired(cut: tuple[str, str]) -> dict[str, str]:
        begins, more = cut
        found = {name: more + name.removeprefix(begins) for name in here if name.startswith(begins)}
        return {here[name]: there[its] for name, its in found.items() if its in there}

    def fitting(pairs: dict[str, str]) -> tuple[int, int]:
        return sum(mine[name] == theirs[its] for name, its in pairs.items()), len(pairs)

    cuts = [("", ""), *(("", prefix) for prefix in _prefixes(there)), *((prefix, "") for prefix in _prefixes(here))]
    return max(map(paired, cuts), key=fitting)


def _bare(names: Mapping[str, Any]) -> dict[str, str]:
    """Name without wrappers -> name; as they are, where two would become one."""
    found = {".".join(part for part in name.split(".") if part not in WRAPPERS): name for name in names}
    return found if len(found) == len(names) else {name: name for name in names}


def _prefixes(names: Mapping[str, str]) -> list[str]:
    parts = [name.split(".")[:-1][:DEEPEST] for name in names]
    return list(dict.fromkeys(".".join(p[: n + 1]) + "." for p in parts for n in range(len(p))))


def _place(tensor: Tensor) -> object:
    """Equal for names of the same tensor; an empty one is only like itself."""
    return (tensor.data_ptr(), tensor.shape, tensor.stride()) if tensor.numel() else id(tensor)


def _unfit(
    module: nn.Module, path: Path, key: str, theirs: list[str], mine: list[str], reshaped: Mapping[str, Any]
) -> InputError:
    if reshaped:
        shapes = [f"{name} is {list(mine)}, there {list(its)}" for name, (mine, its) in reshaped.items()]
        what = f"weights of {_name_of(path)} have other shapes: {_few(shapes)}"
        return InputError(what, expected=f"the shapes of {type(module).__name__}", key=key,
                          todo="build the model with the settings that it was trained with")  # fmt: skip
    near = [f"{name} is like {hit[0]}" for name in mine if (hit := get_close_matches(name, theirs, 1, 0.5))]
    return InputError(
        f"no weight of {_name_of(path)} fits {type(module).__name__}{'; nearest: ' if near else ''}{_few(near)}",
        expected=f"names like {_few(mine)}",
        todo=f"it holds {_few(theirs) or 'nothing'}: use the architecture that these are of",
        key=key,
    )


def _name_of(path: Path) -> str:
    return f"model {path.parent.name[:12]}" if path.name == "weights.safetensors" else path.name


def _few(words: Sequence[str]) -> str:
    return ", ".join(words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "")
