"""The contract of an augmentation: a batch and its chance in, a batch out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from aimass.core.errors import InputError
from aimass.core.part import Part
from aimass.core.signature import Signature
from aimass.models.inputs import WORDS, kind_of, of_kind
from aimass.train.batch import Batch
from aimass.train.rng import Chance, stream

Vary = Callable[[Batch, Chance], Batch]


class Augmentation(Part):
    """Varies a training batch by chance; never sees validation, test or served rows.

    A part of its own overrides `check` and `apply`; one that has to look something up first overrides `ready` too.
    """

    family: ClassVar[str] = "augmentation"
    alone: ClassVar[bool] = True  # what becomes of a row depends on that row; False: on the batch around it

    def check(self, signature: Signature) -> None:
        """Raises InputError when SIGNATURE has nothing this can vary; called before the first step."""
        raise NotImplementedError

    def apply(self, batch: Batch, chance: Chance, signature: Signature) -> Batch:
        """BATCH varied: a few tensor operations on its device, none per row, no transfer to the host.

        All chance comes from CHANCE, so a row varies alike in its epoch whatever batch, worker or rank holds it.
        Never writes into the tensors of BATCH: they may be the data set itself.
        """
        raise NotImplementedError

    def ready(self, signature: Signature, graph: Path | None = None) -> Vary:
        """Checked, and bound to SIGNATURE.  GRAPH is the file that made the tensors; it holds the vocabularies.

        Raises InputError.
        """
        self.check(signature)
        return partial(self._bound, signature)

    def _bound(self, signature: Signature, batch: Batch, chance: Chance) -> Batch:
        return self.apply(batch, chance, signature)


class OneKind(Augmentation):
    """Varies every tensor of one KIND, each by a chance of its own; all others pass."""

    kind: ClassVar[str]  # of models.inputs.WORDS

    def check(self, signature: Signature) -> None:
        if not of_kind(signature, self.kind):
            raise nothing(self, signature, WORDS[self.kind])

    def apply(self, batch: Batch, chance: Chance, signature: Signature) -> Batch:
        tensors = list(batch.tensors)
        for i, field in enumerate(signature.inputs):
            if kind_of(field) == self.kind:
                tensors[i] = self.change(tensors[i], branch(chance, field.name))
        return batch._replace(tensors=tuple(tensors))

    def change(self, tensor: Tensor, chance: Chance) -> Tensor:
        """TENSOR [N, ...] varied, in its own shape and type."""
        raise NotImplementedError


def branch(chance: Chance, *key: int | str) -> Chance:
    """Other streams of chance for the same rows and epoch."""
    return Chance(stream(chance.seed, *key), chance.epoch, chance.rows)


def nothing(part: Augmentation, signature: Signature, wanted: str) -> InputError:
    """The error of PART when SIGNATURE has none of the inputs WANTED."""
    return InputError(
        f"the augmentation {part.settings()['use']} has nothing to vary: there are no {wanted}",
        expected=f"{wanted}; the inputs are {', '.join(field.name for field in signature.inputs)}",
        todo="leave it out",
    )
