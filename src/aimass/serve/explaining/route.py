"""The paths of explanations: records, V2 tensors and V1 instances are explained, and jobs asked for again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aimass.serve.access.sight import sees
from aimass.serve.explaining.jobs import PLACE, no_job
from aimass.serve.explaining.word import taken
from aimass.serve.images import resizes
from aimass.serve.messages import Answer, Request
from aimass.serve.paths import NAME, OF_V1, OF_V2, Place
from aimass.serve.records import records_of
from aimass.serve.v1.model import texts_of
from aimass.serve.v2.read import read
from aimass.serve.versions.api import body_of
from aimass.serve.versions.version import Version
from aimass.serve.whole import Whole

if TYPE_CHECKING:
    from aimass.serve.explaining.asked import Rows
    from aimass.serve.explaining.explanations import Explanations

Find = Callable[[str, str | None], Version]


class Explaining:
    """What the versions that FIND gives answer is explained by what MADE gives, when it is asked for; jobs are of the
    WHOLE server."""

    def __init__(self, find: Find, made: Callable[[], Explanations], whole: Whole) -> None:
        self.find, self.made, self.whole = find, made, whole

    def places(self) -> list[Place]:
        version = "(?:/versions/(?P<version>[^/]+))?"
        return [
            Place(re.compile(f"{PLACE}/(?P<id>[^/]+)"), {"GET": self._job, "DELETE": self._ended}),
            Place(re.compile(f"{OF_V2}/explain"), {"POST": self._tensors}, self.find),
            Place(re.compile(f"/v1/explain/{NAME}{version}"), {"POST": self._records}, self.find),
            Place(re.compile(f"{OF_V1}:explain"), {"POST": self._instances}, self.find),
        ]

    async def _records(self, request: Request, name: str, version: str | None) -> Answer:
        """{"records": [...], "explain": {...}}, or one record."""
        found = self.find(name, version)
        body = await body_of(request)
        said = taken(body, found.records.columns)
        return await self._of_records(request, found, said, records_of(body, found.records.columns))

    async def _instances(self, request: Request, name: str, version: str | None) -> Answer:
        """{"instances": [...]} or {"inputs": {...}} as V1 takes them, and "explain" beside."""
        found = self.find(name, version)
        body = await body_of(request)
        said = taken(body)
        _, rows = found.v1.read(body)
        return await self._of_records(request, found, said, texts_of(rows, found.v1.fields))

    async def _of_records(self, request: Request, found: Version, said: Any, records: list[Any]) -> Answer:
        """Pictures in RECORDS may be packed."""
        self.made().admit(request.client, len(records))
        images = found.records.images
        if images.count(records):
            resize = resizes(request.scope.get("query_string", b""))
            records = await asyncio.to_thread(images.unpacked, records, resize=resize)
        return await self._explained(request, found, said, records)

    async def _tensors(self, request: Request, name: str, version: str | None) -> Answer:
        """A V2 request whose parameters hold what is asked."""
        found = self.find(name, version)
        asked = read(await body_of(request), memoryview(b""), found.v2.inputs, found.v2.outputs, found.v2.max_rows)
        self.made().admit(request.client, asked.rows)
        more = {**found.v2.facts, **({"id": asked.id} if asked.id else {})}
        return await self._explained(request, found, asked.explain, asked.tensors, more)

    async def _explained(
        self, request: Request, found: Version, said: Any, rows: Rows, more: Mapping[str, Any] | None = None
    ) -> Answer:
        """As SAID, or as it is done where nothing is."""
        explanations = self.made()
        wish = explanations.wish(True if said is None else said, request.headers.get(b"prefer"))
        return await explanations.answer(found.served, rows, wish, client=request.client, more=more)

    # -- jobs -----------------------------------------------------------------------------------------------

    async def _job(self, request: Request, id: str) -> Answer:
        return await self._asked(request, id, end=False)

    async def _ended(self, request: Request, id: str) -> Answer:
        return await self._asked(request, id, end=True)

    async def _asked(self, request: Request, id: str, *, end: bool) -> Answer:
        """Its answer, in whichever process it is.  Raises Refused where it is another key's, or of a model that this
        one may not know of any more."""
        told = await self.whole.job(id, request.client.id if request.client is not None else "", end=end)
        if not sees(told["model"]):
            raise no_job(id)
        fields = tuple((name.encode(), value.encode()) for name, value in told["fields"])
        return Answer(told["body"].encode(), told["status"], headers=fields)
