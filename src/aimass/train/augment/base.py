"""The contract of an augmentation: a batch and its chance in, a batch out."""

from __future__ import annotations

from typing import ClassVar

from aimass.core.part import Part
from aimass.core.signature import Signature
from aimass.train.batch import Batch
from aimass.train.rng import Chance


class Augmentation(Part):
    """Varies a training batch by chance; never sees validation, test or served rows."""

    family: ClassVar[str] = "augmentation"

    def check(self, signature: Signature) -> None:
        """Raises InputError when SIGNATURE has nothing this can vary; called before the first step."""
        raise NotImplementedError

    def apply(self, batch: Batch, chance: Chance, signature: Signature) -> Batch:
        """BATCH varied: a few tensor operations on its device, none per row, no transfer to the host.

        All chance comes from CHANCE, so a row varies alike in its epoch whatever batch, worker or rank holds it.
        Never writes into the tensors of BATCH: they may be the data set itself.
        """
        raise NotImplementedError
