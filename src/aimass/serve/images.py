"""Pictures in requests: PNG and JPEG become the pixels that a model takes, before its rows wait with the others.

Knows records and models, never how a picture is packed.
"""

from __future__ import annotations

import asyncio
import binascii
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import numpy as np

from aimass.collect.pictures import PIXELS, Picture
from aimass.core.errors import InputError
from aimass.core.signature import Field
from aimass.serve.failures import failed
from aimass.serve.messages import Refused

KINDS = ("image/png", "image/jpeg")
AT_ONCE = 1 << 16  # pixels that are unpacked on the event loop; more would hold up the requests of others
RESIZE = {"true": True, "false": False}

Records = list[dict[str, Any]]


class Images:
    """The image columns among FIELDS, what a model takes; WORKER unpacks what takes long."""

    def __init__(self, fields: Sequence[Field], worker: Executor) -> None:
        self.fields = tuple(field for field in fields if is_image(field))
        self.only = self.fields[0] if len(fields) == len(self.fields) == 1 else None
        self.others = [field.name for field in fields if not is_image(field)]
        self.worker = worker

    def body(self, kind: str, raw: bytes) -> Records | None:
        """The record that RAW is, when its content type KIND says that it is a picture.  Raises Refused."""
        if not kind.startswith("image/"):
            return None
        if kind not in KINDS:
            raise Refused(415, f"the body is {kind}", expected=" or ".join(KINDS), to_do="send one still PNG or JPEG")
        if self.only is None:
            lacks = ", ".join(self.others[:12]) or "another image"
            raise Refused(415, f"the model takes more than a picture: {lacks}", expected="records in JSON",
                          to_do='send the picture as {"b64": "..."} in a record')  # fmt: skip
        return [{self.only.name: raw}]

    def read(self, exchange: Any, records: Any, then: Callable[[Any], None]) -> None:
        """Call THEN with RECORDS in which pictures are pixels, now or when they are unpacked beside the event loop.

        Raises Refused or InputError, or tells the caller of EXCHANGE later.
        """
        count = self.count(records)
        if not count:
            then(records)
            return
        resize = resizes(exchange.head.query)
        if not resize and count * max(field.shape[0] * field.shape[1] for field in self.fields) <= AT_ONCE:
            then(self.unpacked(records, resize=resize))
            return
        beside(self.worker, lambda: self.unpacked(records, resize=resize), then, exchange)

    def count(self, records: Any) -> int:
        """How many values of RECORDS are pictures."""
        if not self.fields:
            return 0
        rows = [record for record in records if isinstance(record, dict)]
        return sum(is_packed(record.get(field.name)) for record in rows for field in self.fields)

    def unpacked(self, records: Any, *, resize: bool) -> Any:
        """RECORDS in which pictures are uint8 [H, W, C].  Raises InputError naming the record, or Refused.

        All heads are read before anything is unpacked.
        """
        heads = [self._heads(i, record) if isinstance(record, dict) else {} for i, record in enumerate(records)]
        check_pixels([picture for head in heads for picture in head.values()])
        return [
            {**record, **self._pixels(i, head, resize)} if head else record
            for i, (record, head) in enumerate(zip(records, heads, strict=True))
        ]

    def _heads(self, number: int, record: dict[str, Any]) -> dict[str, Picture]:
        found = {}
        for field in self.fields:
            if is_packed(record.get(field.name)):
                with telling(number, field):
                    found[field.name] = Picture(bytes_of(record[field.name]))
        return found

    def _pixels(self, number: int, head: dict[str, Picture], resize: bool) -> dict[str, np.ndarray]:
        found = {}
        for field in self.fields:
            if field.name in head:
                with telling(number, field):
                    found[field.name] = head[field.name].pixels(field.shape, resize=resize)
        return found


def is_image(field: Field) -> bool:
    """Whether FIELD is what `prepare` makes of a column of images."""
    return field.dtype == "uint8" and len(field.shape) == 3 and field.sent != "tensor"


def is_packed(value: Any) -> bool:
    """Whether VALUE is a picture: bytes, or TensorFlow Serving's way to write them in JSON."""
    return isinstance(value, bytes) or (isinstance(value, dict) and value.keys() == {"b64"})


def bytes_of(value: Any) -> bytes:
    """What VALUE, which is packed, holds.  Raises InputError."""
    if isinstance(value, bytes):
        return value
    text = value["b64"]
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise InputError(f"not base64: {error}", expected='{"b64": "..."}, padded, without line ends',
                         todo="send the bytes in standard base64") from error  # fmt: skip


def check_pixels(pictures: Sequence[Picture]) -> None:
    """Raises Refused when PICTURES together have more pixels than a request may."""
    pixels = sum(picture.area for picture in pictures)
    if pixels > PIXELS:
        raise Refused(413, f"{pixels} pixels are too many for one request", expected=f"at most {PIXELS}",
                      to_do="send fewer or smaller pictures")  # fmt: skip


@contextmanager
def telling(number: int, field: Field) -> Iterator[None]:
    """An InputError raised in here names the record NUMBER and FIELD."""
    try:
        yield
    except InputError as error:
        what = f"record {number}: field {field.name!r} is {error.what}"
        raise InputError(what, expected=error.expected, todo=error.todo, key=field.name) from error


def resizes(query: bytes) -> bool:
    """Whether QUERY says resize=true.  Raises Refused for what is neither true nor false."""
    said = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("resize", ["false"])[-1]
    if said not in RESIZE:
        raise Refused(400, f"resize is {said!r}", expected="true or false")
    return RESIZE[said]


def beside(
    worker: Executor, work: Callable[[], Any], then: Callable[[Any], None], exchange: Any,
    tell: Callable[[Any, Exception], None] = failed,
) -> None:  # fmt: skip
    """WORK in the thread of WORKER, THEN with what it made here; TELL the caller of EXCHANGE what goes wrong."""

    def made(future: asyncio.Future[Any]) -> None:
        try:
            then(future.result())
        except Exception as error:  # what nobody foresaw is logged whole, and is a 500
            tell(exchange, error)

    asyncio.get_running_loop().run_in_executor(worker, work).add_done_callback(made)
