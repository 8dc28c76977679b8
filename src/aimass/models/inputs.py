"""Which tensors of a signature an architecture takes.  Knows names and kinds, nothing of torch.

The kind of a tensor stands in its name: x.numbers, x.categories, x.words.<column>, x.image.<column>.
"""

from __future__ import annotations

from aimass.core.errors import InputError
from aimass.core.signature import Field, Signature

WORDS = {"numbers": "numbers", "categories": "categories", "words": "texts", "image": "images"}


def kind_of(field: Field) -> str:
    """'numbers', 'categories', 'words' or 'image'; '' for a tensor that follows no convention."""
    first, _, rest = field.name.partition(".")
    return rest.partition(".")[0] if first == "x" else ""


def of_kind(signature: Signature, kind: str) -> list[Field]:
    """The inputs of SIGNATURE that are of KIND, in their order."""
    return [field for field in signature.inputs if kind_of(field) == kind]


def require(who: str, signature: Signature, *, takes: tuple[str, ...], needs: tuple[str, ...] = ()) -> None:
    """Raises InputError when WHO would ignore an input of SIGNATURE (not in TAKES) or lacks one (of NEEDS)."""
    ignored = [field.name for field in signature.inputs if kind_of(field) not in takes]
    if ignored:
        raise InputError(
            f"{who} cannot use {', '.join(ignored)}",
            expected=f"only {_listed(takes)}",
            todo='drop those columns in [prepare] columns (name = "drop"), or use a model that takes them',
            key="model",
        )
    if not any(of_kind(signature, kind) for kind in needs or takes):
        raise InputError(
            f"{who} has nothing to learn from: the examples have no {_listed(needs or takes)}",
            expected=f"at least one column of {_listed(needs or takes)}",
            todo="see what became of each column in examples.json (constant and identifier columns are dropped)",
            key="model",
        )


def _listed(kinds: tuple[str, ...]) -> str:
    names = [WORDS[kind] for kind in kinds]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
