"""What there is to say of a release, from its own files: what it answers, what was measured, who let it pass."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aimass.core.artifact import Artifact
from aimass.store.base import Damaged

ADOPTED = "adopted"
FIGURES = ("quality", "p50_ms", "p99_ms", "engine_p50_ms")


def card_of(release: Artifact) -> dict[str, Any]:
    """The card of RELEASE.  What its files do not tell is empty: an imported model has no ledger.

    {"model", "ledger": digests, "gates", "engine", "architecture", "passes", "task", "target", "classes", "columns",
     "candidate": its row of the ledger, "metric", "goal", "machine"}
    Raises Damaged when a file of it cannot be read.
    """
    told, facts, signature = (_read(release, f"{name}.json") for name in ("release", "model", "signature"))
    ledger = _read(release, "ledger.json")
    outputs = {field["name"]: field for field in signature.get("outputs", [])}
    return {
        "model": told.get("model", ""),
        "ledger": told.get("ledger"),
        "gates": [_gate(one) for one in told.get("gates", [])],
        "engine": _read(release, "engine.json") or {"use": "onnxruntime"},
        "architecture": facts.get("architecture") or {},
        "passes": facts.get("passes") or [],
        "task": signature.get("task", ""),
        "target": signature.get("target", ""),
        "classes": outputs.get("label", {}).get("values", []),
        "columns": signature.get("rows", []),
        "candidate": adopted(ledger, told.get("model", "")),
        "metric": ledger.get("metric", ""),
        "goal": [_line(one) for one in ledger.get("goal", [])],
        "machine": ledger.get("machine", {}),
    }


def adopted(ledger: Mapping[str, Any], model: str) -> dict[str, Any] | None:
    """The row of MODEL that LEDGER adopted."""
    rows = [row for row in ledger.get("candidates", []) if row.get("model") == model]
    return next((row for row in rows if row.get("status") == ADOPTED), None)


def headline(release: Artifact) -> dict[str, Any]:
    """The few figures of RELEASE that a list shows: {"metric", "quality", "p99_ms", "size_bytes"}, None if unknown."""
    told, ledger = _read(release, "release.json"), _read(release, "ledger.json")
    row = adopted(ledger, told.get("model", "")) or {}
    return {"metric": ledger.get("metric", ""), **{name: row.get(name) for name in ("quality", "p99_ms", "size_bytes")}}


def _gate(verdict: Mapping[str, Any]) -> dict[str, Any]:
    gate = verdict.get("gate") or {}
    return {"gate": gate.get("use", ""), "passed": verdict.get("passed"), "reason": verdict.get("reason", "")}


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    """A budget as ledgers write it; what an older or a foreign one leaves out is None."""
    told = {name: line.get(name) for name in ("asked", "measured", "interval", "met")}
    return {**told, "budget": line.get("budget", ""), "what": line.get("what", ""), "unit": line.get("unit", "")}


def _read(release: Artifact, name: str) -> dict[str, Any]:
    """The object in the file NAME; {} where RELEASE has no such file."""
    if name not in release.manifest.files:
        return {}
    try:
        found = json.loads((release.folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Damaged(f"{name} of {release.digest[:12]} cannot be read: {error}", expected="the file that was made",
                      todo="publish the model again") from error  # fmt: skip
    return found if isinstance(found, dict) else {}
