"""The server of predictions that `aimass up` keeps beside a console, asked over the loopback.

answer = asked(workspace, "GET", "/v1/deployments/flights")
answer.status, answer.json()
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aimass.console.refusals import Refusal
from aimass.console.turn import Turn
from aimass.console.up import house, state
from aimass.runner.workspace import Workspace

PATIENCE = 10.0  # seconds
_turn = Turn(
    "many others ask the server of predictions", at_once=16, waiting=8, seconds=5.0
)  # if it hangs, pages answer


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        return json.loads(self.body)

    def why(self) -> str:
        """Its reason, where it refused."""
        try:
            return str(self.json()["error"])
        except (ValueError, KeyError, TypeError):  # words of something in between
            return f"it answered {self.status}"


def url_of(workspace: Workspace) -> str:
    """Where the predictions of WORKSPACE are answered.  Raises Refusal (503) when nobody answers them."""
    known = state.read(workspace.folder)
    if known is None or not known.inference:
        raise Refusal(503, "no server of predictions is up beside this console", expected="one that `aimass up` keeps",
                      todo="start it: aimass up; why it is not: aimass status")  # fmt: skip
    return known.inference


def asked(workspace: Workspace, method: str, path: str, body: Any = None, **more: Any) -> Answer:
    """What the server of WORKSPACE answers, as `asked_at`.

    Raises Refusal, also (503) when nobody is up or too many ask already.
    """
    url, key = url_of(workspace), house.read(workspace.folder)
    with _turn:
        return asked_at(url, method, path, body, key=key, **more)


def asked_at(
    url: str, method: str, path: str, body: Any = None, *, seconds: float = PATIENCE,
    headers: Mapping[str, str] | None = None, key: str = "",
) -> Answer:  # fmt: skip
    """What URL, which KEY opens, answers to METHOD PATH with BODY: bytes as they are, anything else as JSON.

    Raises Refusal: 503 when nobody is there or the connection breaks, 504 when it says nothing for SECONDS.
    """
    at = urlsplit(url)
    sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    told = {} if body is None else {"content-type": "application/json"}
    told |= {"authorization": f"Bearer {key}"} if key else {}
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=seconds)
    try:
        connection.request(method, path, sent, {**told, **(headers or {})})
        found = connection.getresponse()
        return Answer(found.status, {name.lower(): value for name, value in found.getheaders()}, found.read())
    except TimeoutError as error:
        raise Refusal(504, f"the server of predictions said nothing for {seconds:g} s",
                      todo="look at: aimass status, and at its log") from error  # fmt: skip
    except (OSError, http.client.HTTPException) as error:
        raise Refusal(503, f"the server of predictions cannot be asked: {error}",
                      todo="a moment later again; it is started by itself: aimass status") from error  # fmt: skip
    finally:
        connection.close()
