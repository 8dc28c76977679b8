"""A user's own network or estimator as an architecture: `use = "my_file:MyNet"`, its arguments in `arguments`.

Guests are code beside the project file, never data: what is stored of them is ONNX and safetensors.
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any, ClassVar

from torch import nn

from aimass.core.errors import InputError
from aimass.core.part import Part, revision_of_source
from aimass.core.signature import Signature
from aimass.models.base import Architecture
from aimass.models.inputs import require


class Guest(Architecture):
    """Base of adopted parts; an edited source file is another revision of it."""

    guest: ClassVar[Any] = None
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict)  # `settings` is what every part already has


class GuestModule(Guest):
    """A user's torch module class."""

    def build(self, signature: Signature) -> nn.Module:
        """The module, given the `signature` when its constructor asks for one, and the arguments."""
        asked = "signature" in inspect.signature(self.guest).parameters
        module: nn.Module = _construct(self, {"signature": signature} if asked else {})
        return module


class GuestEstimator(Guest):
    """A user's scikit-learn-style class, or an unfitted estimator."""

    recipe = "estimator"

    def build(self, signature: Signature) -> Any:
        """The unfitted estimator.  Raises InputError for texts, or without `predict_proba` for classes."""
        require(self.use or "this estimator", signature, takes=("numbers", "categories", "image"))
        if inspect.isclass(self.guest):
            estimator = _construct(self, {})
        else:
            from sklearn.base import clone

            estimator = clone(self.guest).set_params(**self.arguments)
        if signature.task != "regression" and not hasattr(estimator, "predict_proba"):
            raise InputError(
                f"{self.use} gives no probabilities",
                expected="a method predict_proba",
                todo="set probability=True where the estimator has it, or wrap it in CalibratedClassifierCV",
            )
        return estimator


def adopt(name: str, guest: Any) -> type[Part]:
    """A part around GUEST, called NAME.  Raises InputError for what is neither a module class nor an estimator."""
    if inspect.isclass(guest) and issubclass(guest, nn.Module):
        base: type[Guest] = GuestModule
    elif callable(getattr(guest, "fit", None)) and callable(getattr(guest, "predict", None)):
        base = GuestEstimator
    else:
        what = "an instance of a torch module" if isinstance(guest, nn.Module) else f"a {type(guest).__name__}"
        raise InputError(
            f"{name} is {what}, not an architecture",
            expected="a torch.nn.Module class, a class or object with fit and predict, or a subclass of "
            "aimass.models.base.Architecture",
            todo="give the class itself, and what its constructor takes in `arguments`",
            key="model",
        )
    source = guest if inspect.isclass(guest) else type(guest)
    members = {"guest": guest, "revision": revision_of_source(source), "__module__": __name__, "__doc__": guest.__doc__}
    return type(source.__name__, (base,), members)


def _construct(part: Guest, given: dict[str, Any]) -> Any:
    """The guest's instance.  Raises InputError when its constructor does not know the arguments."""
    try:
        inspect.signature(part.guest).bind(**given, **part.arguments)
    except TypeError as error:
        raise InputError(
            f"{part.use} cannot be built: {error}",
            expected=f"{part.guest.__name__}{inspect.signature(part.guest)}",
            todo='set them as arguments = { name = value }; a parameter called "signature" is filled in',
            key="arguments",
        ) from error
    return part.guest(**given, **part.arguments)
