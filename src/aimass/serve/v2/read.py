"""What is asked in a V2 request: read strictly, refused before a model sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from aimass.core.errors import suggest
from aimass.core.signature import Field
from aimass.engines.base import Tensors
from aimass.serve.explaining.word import WORD, is_asked
from aimass.serve.messages import Refused
from aimass.serve.records import check_rows
from aimass.serve.v2.pictures import is_pictures, rows_of, unpacked
from aimass.serve.v2.tensors import checked_shape, from_bytes, from_json

# Parameters that ask for something else than a plain answer: ignoring them would answer another question.
UNKNOWN = ("sequence_id", "sequence_start", "sequence_end", "classification", "shared_memory_region")
TIMEOUT = "timeout"  # microseconds, as tritonclient says it


@dataclass(frozen=True, slots=True)
class Asked:
    """TENSORS of ROWS rows; WANTED outputs (name, binary?); SHAPES as they were stated, by name.

    EXPLAIN is what is said of explanations, None where none is asked for.
    """

    tensors: Tensors
    rows: int
    wanted: tuple[tuple[str, bool], ...]
    shapes: dict[str, tuple[int, ...]]
    id: str
    timeout: float  # seconds, 0 for none
    explain: Any = None


def read(
    body: Any, tail: memoryview, inputs: Mapping[str, Field], outputs: Iterable[str], most: int, *,
    pictures: bool = False,
) -> Asked:  # fmt: skip
    """BODY (parsed) and the bytes behind it, for a model with INPUTS and OUTPUTS.  Raises Refused.

    MOST rows are taken.  PICTURES may be packed, which takes time to undo.
    """
    body = _checked(body)
    tensors, shapes = _tensors(body, tail, inputs, most, pictures)
    wanted = _wanted(body, tuple(outputs))
    rows = next(iter(shapes.values()))[0]
    said = _parameters(body).get(WORD)
    explain = said if is_asked(said) else None
    return Asked(tensors, rows, wanted, shapes, body.get("id") or "", _timeout(body), explain)


def split(body: bytes, length: bytes | None) -> tuple[bytes, memoryview]:
    """The JSON and the tensors behind it.  Raises Refused."""
    if length is None:
        return body, memoryview(b"")
    if not length.isdigit() or int(length) > len(body):
        said = length.decode("latin-1")
        raise Refused(400, f"inference-header-content-length is {said!r}", expected=f"a number of 0..{len(body)}")
    return body[: int(length)], memoryview(body)[int(length) :]


def _tensors(
    body: dict[str, Any], tail: memoryview, inputs: Mapping[str, Field], most: int, pictures: bool
) -> tuple[dict[str, np.ndarray], dict[str, tuple[int, ...]]]:
    """The columns of BODY and their shapes.  Raises Refused."""
    tensors: dict[str, np.ndarray] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    for tensor in _objects(body, "inputs"):
        field = _field(tensor, inputs, tensors)
        packed = pictures and is_pictures(field, tensor)
        shape = (rows_of(field, tensor), *field.shape) if packed else checked_shape(field, tensor)
        shapes[field.name] = shape
        check_rows(shape[0], most)
        size = _size(field, tensor)
        if size is not None and size > len(tail):
            raise Refused(400, f"input {field.name!r} wants {size} bytes, the body has {len(tail)} left")
        raw, tail = (None, tail) if size is None else (tail[:size], tail[size:])
        if packed:
            tensors[field.name] = unpacked(field, tensor, _parameters(tensor), raw)
        elif raw is None:
            tensors[field.name] = from_json(field, shape, tensor.get("data"))
        else:
            tensors[field.name] = from_bytes(field, shape, raw)
    if len(tail):
        raise Refused(400, f"{len(tail)} bytes are left over", expected="binary_data_size of each input to add up")
    missing = [name for name in inputs if name not in tensors]
    if missing:
        raise Refused(400, f"no input {missing[0]!r}", expected=f"all of: {', '.join(inputs)}")
    counts = {name: len(array) for name, array in tensors.items()}
    if len(set(counts.values())) > 1:
        raise Refused(400, f"the inputs differ in rows: {counts}", expected="the same number of rows in each")
    return tensors, shapes


def _field(tensor: dict[str, Any], inputs: Mapping[str, Field], seen: Iterable[str]) -> Field:
    name = tensor.get("name")
    if not isinstance(name, str) or name not in inputs:
        near = suggest(str(name), inputs)
        raise Refused(400, f"no input is called {name!r}{near}", expected=f"one of: {', '.join(inputs)}")
    if name in seen:
        raise Refused(400, f"input {name!r} is given twice", expected="each input once")
    return inputs[name]


def _wanted(body: dict[str, Any], outputs: tuple[str, ...]) -> tuple[tuple[str, bool], ...]:
    """(name, binary?) of each output asked for; all of them when none is named.  Raises Refused."""
    default = bool(_parameters(body).get("binary_data_output", False))
    found: list[tuple[str, bool]] = []
    for output in _objects(body, "outputs") if body.get("outputs") else []:
        name = output.get("name")
        if not isinstance(name, str) or name not in outputs:
            near = suggest(str(name), outputs)
            raise Refused(400, f"no output is called {name!r}{near}", expected=f"of: {', '.join(outputs)}")
        if name in (before for before, _ in found):
            raise Refused(400, f"output {name!r} is asked for twice", expected="each output once")
        found.append((name, bool(_parameters(output).get("binary_data", default))))
    return tuple(found) or tuple((name, default) for name in outputs)


def _timeout(body: dict[str, Any]) -> float:
    """Seconds the caller will wait; 0 where it does not say.  Raises Refused."""
    said = _parameters(body).get(TIMEOUT, 0)
    if isinstance(said, bool) or not isinstance(said, (int, float)) or said < 0:
        raise Refused(400, f"the timeout is {said!r}", expected="microseconds, a number from 0")
    return said / 1e6


def _checked(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Refused(400, "the body is not an object", expected='{"inputs": [{"name", "shape", "datatype", "data"}]}')
    said = body.get("id")  # null, as some clients write what they do not say
    if said is not None and not (isinstance(said, str) and _is_text(said)):
        raise Refused(400, f"the id is {said!r}", expected="text")
    _parameters(body)
    return body


def _is_text(value: str) -> bool:
    """Whether VALUE can be written: JSON may name half a character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _objects(body: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = body.get(key)
    if not isinstance(found, list) or not found or not all(isinstance(item, dict) for item in found):
        raise Refused(400, f"{key!r} is not a list of tensors", expected=f"{key}: at least one object with a name")
    return found


def _parameters(item: dict[str, Any]) -> dict[str, Any]:
    found = item.get("parameters")
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Refused(400, "'parameters' is not an object", expected="an object")
    for key in UNKNOWN:
        if found.get(key):
            raise Refused(400, f"the parameter {key!r} cannot be honoured here", to_do="leave it out")
    return found


def _size(field: Field, tensor: dict[str, Any]) -> int | None:
    """Bytes of TENSOR behind the JSON; None when its data is in the JSON.  Raises Refused."""
    size = _parameters(tensor).get("binary_data_size")
    if size is None:
        return None
    if type(size) is not int or size < 0:
        raise Refused(400, f"input {field.name!r} has binary_data_size {size!r}", expected="a number of bytes")
    if tensor.get("data") is not None:
        raise Refused(400, f"input {field.name!r} has both data and binary_data_size", expected="one of them")
    return size
