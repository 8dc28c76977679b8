"""The table of behaviour, asked at a replica and through Ray's proxy: the same answers as from one server."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.serve.behaviour import Ask, Holds, gives, post, refuses, reply_to
from tests.serve.test_behaviour import COMPARED, MORE

CHECKS: Mapping[str, tuple[Ask, Holds]] = {**COMPARED, **MORE}
MODELS = ("tab", "word", "truth", "small", "wide", "half", "double", "table")
DIRECT, PROXY = "a replica's own port", "Ray's proxy"

# What differs on purpose, and all that does: Ray's proxy reads heads by itself, and has limits of its own (64 KiB).
DIFFERS: Mapping[tuple[str, str], Holds] = {
    (PROXY, "more fields than a head may have"): gives(name="aimass"),
    (PROXY, "a path as long as a chapter"): refuses(404, "unknown model"),
}


@pytest.fixture(scope="module")
def ports(replicas: tuple[subprocess.Popen[str], dict[str, Any]]) -> dict[str, int]:
    """One of two replicas, and the proxy; the other replica was asked to load the models."""
    here, there, proxy = (int(url.rpartition(":")[2]) for url in (*replicas[1]["urls"], replicas[1]["url"]))

    def load(name: str) -> int:
        return reply_to(post({}, f"/v2/repository/models/{name}/load"), there).status

    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(load, MODELS)] == [200] * len(MODELS)
    return {DIRECT: here, PROXY: proxy}


@pytest.mark.parametrize("way", [DIRECT, PROXY])
@pytest.mark.parametrize("check", CHECKS)
def test_behaviour(check: str, way: str, ports: dict[str, int]) -> None:
    ask, holds = CHECKS[check]
    DIFFERS.get((way, check), holds)(reply_to(ask, ports[way]))
