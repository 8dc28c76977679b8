"""The front end as it was built: read once, answered by exact name, so no path of a request reaches the disk."""

from __future__ import annotations

import gzip
import mimetypes
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from aimass.console.refusals import missing

HASHED = re.compile(r"-[A-Za-z0-9]{8,}\.[a-z0-9]+$")  # main-5XQJZ2LB.js: another name when it changes
FOREVER, ASK = "public, max-age=31536000, immutable", "no-cache"
BUILT = Path(__file__).parent / "static"
LACKING = """<!doctype html><html lang="en"><meta charset="utf-8"><title>AI Mass: no console here</title>
<h1>The console was not built</h1>
<p>This installation has the control API only; it answers under <code>api/v1</code>.</p>
<p>To build the console, install again without <code>AIMASS_API_ONLY</code>:
<code>pip install --force-reinstall --no-deps aimass</code>, or in a checkout <code>pip install -e .</code></p>
</html>"""


@dataclass(frozen=True)
class Page:
    """A file, plain and packed."""

    kind: str
    plain: bytes
    packed: bytes
    tag: str
    cache: str


class Pages:
    """The files below FOLDER, all of them in memory."""

    def __init__(self, folder: Path) -> None:
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()] if folder.is_dir() else []
        self.known = {path.relative_to(folder).as_posix(): _page(path) for path in files}

    async def answer(self, request: Request) -> Response:
        """The file that the path of REQUEST names; `index.html` for the place itself."""
        name = request.path_params["rest"]
        page = self.known.get(name or "index.html")
        if page is None:
            if not name:
                return Response(LACKING, 503, {"cache-control": "no-store"}, "text/html; charset=utf-8")
            raise missing("there is nothing here")
        return _answered(page, request)


def _page(path: Path) -> Page:
    plain = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    text = kind.startswith("text/") or kind in ("application/javascript", "application/json", "image/svg+xml")
    packed = gzip.compress(plain, 9, mtime=0) if text else b""
    cache = FOREVER if HASHED.search(path.name) else ASK
    return Page(f"{kind}; charset=utf-8" if text else kind, plain, packed, f'"{sha256(plain).hexdigest()[:16]}"', cache)


def _answered(page: Page, request: Request) -> Response:
    headers = {"cache-control": page.cache, "etag": page.tag, "vary": "accept-encoding", "content-type": page.kind}
    if request.headers.get("if-none-match") == page.tag:
        return Response(status_code=304, headers=headers)
    if page.packed and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(page.packed, headers={**headers, "content-encoding": "gzip"})
    return Response(page.plain, headers=headers)
