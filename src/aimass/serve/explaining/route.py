"""What is asked to be explained: records, V2 tensors, or a prediction that is to come with its explanation."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any

from aimass.serve.explaining.pool import Pool
from aimass.serve.messages import Answer, Refused, Request, json_answer
from aimass.serve.paths import NAME, OF_V1, OF_V2, Place
from aimass.serve.records import check_rows, records_of
from aimass.serve.v1.model import texts_of
from aimass.serve.v2.read import read
from aimass.serve.versions.api import body_of
from aimass.serve.versions.version import Version

ROWS = 64  # of a question
BUDGET = 100.0  # milliseconds, where nothing is said
WORD = "explain"

Find = Callable[[str, str | None], Version]


class Explaining:
    """Explains what the versions that FIND gives answer."""

    def __init__(self, find: Find, pool: Pool) -> None:
        self.find, self.pool = find, pool

    def places(self) -> list[Place]:
        version = "(?:/versions/(?P<version>[^/]+))?"
        return [
            Place(re.compile(f"{OF_V2}/explain"), {"POST": self._tensors}, self.find),
            Place(re.compile(f"/v1/explain/{NAME}{version}"), {"POST": self._records}, self.find),
            Place(re.compile(f"{OF_V1}:explain"), {"POST": self._instances}, self.find),
        ]

    async def _records(self, request: Request, name: str, version: str | None) -> Answer:
        """{"records": [...], "explain": {...}}, or one record."""
        found = self.find(name, version)
        body = await body_of(request)
        asked = body.pop(WORD, {}) if WORD not in found.records.columns else {}
        records = records_of(body, found.records.columns)
        return json_answer(await self._of_records(request, found, asked, records))

    async def _instances(self, request: Request, name: str, version: str | None) -> Answer:
        """{"instances": [...]} or {"inputs": {...}} as V1 takes them, and "explain" beside."""
        found = self.find(name, version)
        body = await body_of(request)
        asked = body.pop(WORD, {})
        _, rows = found.v1.read(body)
        return json_answer(await self._of_records(request, found, asked, texts_of(rows, found.v1.fields)))

    async def _of_records(self, request: Request, found: Version, asked: Any, records: list[Any]) -> dict[str, Any]:
        """Pictures in RECORDS may be packed."""
        check_rows(len(records), ROWS)
        request.admit(len(records))
        images = found.records.images
        if images.count(records):
            records = await asyncio.to_thread(images.unpacked, records, resize=False)
        return await self.explained(found, asked, records=records)

    async def _tensors(self, request: Request, name: str, version: str | None) -> Answer:
        """A V2 request whose parameters hold what is asked."""
        found = self.find(name, version)
        body = await body_of(request)
        given = body.get("parameters")
        asked = given.pop(WORD, {}) if isinstance(given, dict) else {}
        read_ = read(body, memoryview(b""), found.v2.inputs, found.v2.outputs, ROWS)
        request.admit(read_.rows)
        columns = {name: array.tolist() for name, array in read_.tensors.items()}
        more = {"id": read_.id} if read_.id else {}
        return json_answer({**found.v2.facts, **more, **await self.explained(found, asked, columns=columns)})

    async def explained(
        self,
        version: Version,
        asked: Any,
        *,
        records: list[Any] | None = None,
        columns: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """What ASKED says of rows, of VERSION.  Raises Refused, or Busy."""
        if asked is True:
            asked = {}
        if not isinstance(asked, dict):
            raise Refused(400, f"{WORD!r} is {str(asked)[:40]!r}", expected="an object, or true")
        budget = asked.get("budget_ms", BUDGET)
        seconds = budget / 1000 if isinstance(budget, (int, float)) and budget > 0 else 0.0
        question = {"folder": str(version.served.folder), "name": version.name, "records": records, "columns": columns}
        told = await self.pool.ask({**question, "asked": asked}, min(seconds, 60.0))
        return {"model": version.served.label, **told}
