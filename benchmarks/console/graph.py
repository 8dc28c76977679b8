"""Goal 22: a graph of 122 nodes drawn by Netron, a year from now, with nobody outside to ask."""

from __future__ import annotations

import json
import socket
import time
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import onnx
from lines import Lines
from onnx import TensorProto as T
from onnx import helper as h
from place import Place, profile
from tests.console.browser.conftest import serving
from tests.console.browser.watched import Site, session
from tests.console.endpoints.models import publish

from aimass.console.app import create_app
from aimass.console.graph import netron
from aimass.runner.workspace import Workspace

NODES = 122
WIDTH = 8
OURS = ("http://127.0.0.1:", "data:", "blob:")


def deep(place: Place) -> Workspace:
    """A workspace with a release whose graph is so many nodes long."""
    folder = place.folder / "deep"
    folder.mkdir()
    nodes, weights = [], []
    for i in range(0, NODES, 2):
        weights.append(h.make_tensor(f"weight {i}", T.FLOAT, [WIDTH, WIDTH], [0.1] * WIDTH * WIDTH))
        nodes += [h.make_node("MatMul", [f"rows {i}", f"weight {i}"], [f"sum {i}"], f"MatMul {i}"),
                  h.make_node("Relu", [f"sum {i}"], [f"rows {i + 2}"], f"Relu {i}")]  # fmt: skip
    ports = [h.make_tensor_value_info(f"rows {i}", T.FLOAT, ["N", WIDTH]) for i in (0, NODES)]
    onnx.save(h.make_model(h.make_graph(nodes, "deep", ports[:1], ports[1:], weights)), folder / "model.onnx")
    signature = {"task": "regression", "target": "y", "inputs": [], "rows": [], "outputs": []}
    (folder / "signature.json").write_text(json.dumps(signature))
    (folder / "sample.json").write_text("[]")
    space = Workspace(place.folder / "graphs")
    publish(space, folder, "deep")
    return space


def drawn(place: Place, lines: Lines) -> None:
    """22: from the address of the tab to the last node.  The clock of the page and the date of the server are moved."""
    later = datetime.now(UTC) + timedelta(days=366)
    asked, took = list[str](), list[float]()
    with patch.object(netron, "today", lambda: later.date().isoformat()), socket.create_server(("127.0.0.1", 0)) as at:
        space = deep(place)
        server, thread = serving(create_app(str(space.folder)), at)
        site = Site(f"http://127.0.0.1:{at.getsockname()[1]}/", space, server)
        for _ in range(place.size.times):
            with profile(place.chromium) as context:
                context.add_cookies(session(place.chromium, site)["cookies"])
                context.on("request", lambda one: asked.append(one.url))
                page = context.new_page()
                page.clock.set_fixed_time(later)
                begun = time.perf_counter()
                page.goto(f"{site.url}#/models/deep/1?tab=graph")
                page.frame_locator("iframe.netron").locator("#canvas g.node").nth(NODES - 1).wait_for(state="attached")
                took.append(1000 * (time.perf_counter() - begun))
        server.should_exit = True
        thread.join(20)
    lines.many(f"22 graph of {NODES} nodes drawn, a year from now, ms", took, 2000)
    lines.at_most("22 requests to others", len([url for url in asked if not url.startswith(OURS)]), 0)
