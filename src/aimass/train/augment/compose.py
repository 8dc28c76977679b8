"""Several augmentations as one: geometry in one sampling, images in pieces that stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import groupby
from pathlib import Path

import torch
from torch import Tensor

from aimass.core.errors import inside
from aimass.core.signature import Signature
from aimass.models.inputs import kind_of
from aimass.train.augment.base import Augmentation, Vary, branch
from aimass.train.augment.geometry import Geometry, chained, sampled
from aimass.train.augment.images import as_given, planes
from aimass.train.batch import Batch
from aimass.train.rng import Chance

PIECE = 4 << 20  # bytes of images worked on at once on a CPU


def compose(parts: Sequence[Augmentation], signature: Signature, graph: Path | None = None) -> Vary:
    """What does all PARTS to a batch, in their order; GRAPH is the file that made the tensors, if one did.

    Each part has its own streams of chance, by its place among PARTS.  Parts of geometry next to each other become
    one map, so that pixels are interpolated once.  Raises InputError when a part cannot be used.
    """
    stages: list[Vary] = []
    for alone, group in groupby(enumerate(parts), lambda placed: placed[1].alone):
        made = _made(list(group), signature, graph)
        stages += [_in_pieces(made, signature)] if alone else made

    def vary(batch: Batch, chance: Chance) -> Batch:
        varied = _run(stages, batch, chance)
        return _images(varied, signature, lambda images, i: as_given(images, batch.tensors[i]))

    return vary


def _made(parts: list[tuple[int, Augmentation]], signature: Signature, graph: Path | None) -> list[Vary]:
    """PARTS, each with its place, ready; those of geometry next to each other as one."""
    made: list[Vary] = []
    for geometry, group in groupby(parts, lambda placed: isinstance(placed[1], Geometry)):
        placed, ready = list(group), []
        for i, part in placed:
            with inside(str(part.settings()["use"])):
                ready.append(_branched(part.ready(signature, graph), i))
        made += [_chain(placed, signature)] if geometry and len(placed) > 1 else ready
    return made


def _branched(vary: Vary, place: int) -> Vary:
    return lambda batch, chance: vary(batch, branch(chance, place))


def _chain(placed: list[tuple[int, Augmentation]], signature: Signature) -> Vary:
    parts = [(i, part) for i, part in placed if isinstance(part, Geometry)]
    whole = all(part.whole for _, part in parts)

    def moved(images: Tensor, chance: Chance, name: str) -> Tensor:
        sources = [part.source(branch(branch(chance, i), name), *images.shape[2:]) for i, part in parts]
        return as_given(sampled(planes(images), chained(sources), whole=whole), images)

    names = [field.name for field in signature.inputs]
    return lambda batch, chance: _images(batch, signature, lambda tensor, i: moved(tensor, chance, names[i]))


def _in_pieces(made: list[Vary], signature: Signature) -> Vary:
    """MADE one after the other on a few rows at a time: nothing they do to a row depends on the others."""

    def vary(batch: Batch, chance: Chance) -> Batch:
        size = _piece(batch, signature)
        cuts = [slice(begin, begin + size) for begin in range(0, batch.size, size)]
        pieces = [_run(made, *_part(batch, chance, cut, signature)) for cut in cuts]
        return pieces[0] if len(pieces) == 1 else _joined(pieces, batch.rows)

    return vary


def _run(stages: list[Vary], batch: Batch, chance: Chance) -> Batch:
    return reduce(lambda varied, stage: stage(varied, chance), stages, batch)


def _part(batch: Batch, chance: Chance, rows: slice, signature: Signature) -> tuple[Batch, Chance]:
    part = Batch(tuple(tensor[rows] for tensor in batch.tensors), batch.target[rows], batch.rows[rows])
    as_planes = _images(part, signature, lambda images, i: planes(images))
    return as_planes, Chance(chance.seed, chance.epoch, chance.rows[rows])


def _joined(pieces: list[Batch], rows: Tensor) -> Batch:
    tensors = tuple(torch.cat(parts) for parts in zip(*(piece.tensors for piece in pieces), strict=True))
    return Batch(tensors, torch.cat([piece.target for piece in pieces]), rows)


def _piece(batch: Batch, signature: Signature) -> int:
    """Rows worked on at once: all where there are no images, or on a device that wants much work at once."""
    sizes = [t[:1].numel() * 4 for t, f in zip(batch.tensors, signature.inputs, strict=True) if kind_of(f) == "image"]
    on_cpu = batch.rows.device.type == "cpu"
    return max(1, PIECE // sum(sizes)) if sizes and on_cpu else max(1, batch.size)


def _images(batch: Batch, signature: Signature, change: Callable[[Tensor, int], Tensor]) -> Batch:
    """BATCH with CHANGE(tensor, place among the inputs) in the place of each tensor of images."""
    kinds = [kind_of(field) for field in signature.inputs]
    tensors = [change(t, i) if kinds[i] == "image" else t for i, t in enumerate(batch.tensors)]
    return batch._replace(tensors=tuple(tensors))
