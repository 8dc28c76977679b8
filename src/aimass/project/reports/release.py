"""The report of a release: what it answers, what was measured and tried, who let it pass, where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aimass.core.artifact import Release
from aimass.core.errors import StoreError
from aimass.project.reports.drawing import Mark, marks
from aimass.project.reports.page import facts, page, section, sentence, shown, table
from aimass.project.reports.run import flat
from aimass.publish.card import card_of
from aimass.runner.workspace import Workspace
from aimass.store import lineage
from aimass.store.catalog import Row

MB = 1_000_000  # bytes
MEASURED = (("p50 at the endpoint, ms", "p50_ms"), ("p99 at the endpoint, ms", "p99_ms"),
            ("p50 of the engine's call, ms", "engine_p50_ms"))  # fmt: skip
TRIED = ("candidate", "status", "quality", "low", "high", "p99 ms", "MB", "why")


def report_of_release(space: Workspace, ref: str) -> str:
    """The release that REF names as one HTML file.  Raises InputError when it names none."""
    release = space.get(ref, "release")
    assert isinstance(release, Release)
    card = card_of(release)
    known = lineage.versions_of(space.catalog, [release.digest]).get(release.digest, [])
    name = f"{known[-1]['name']}@{known[-1]['number']}" if known else release.digest[:12]
    ledger = release.read_json("ledger.json") if "ledger.json" in release.manifest.files else {}
    return page(f"Release {name}", f"{card['task']} of {card['target']}, {release.digest}", [
        facts(_short(release, card)),
        section("Measured", table(f"{name}-measured", ["figure", "value", "low", "high", "of"], _measured(card))),
        section("Budgets", table(f"{name}-budgets", ["budget", "asked", "measured", "low", "high", "unit", "met"],
                                 [_budget(line) for line in card["goal"]])),
        section("Gates", table(f"{name}-gates", ["gate", "passed", "why"],
                               [[gate["gate"], gate["passed"], gate["reason"]] for gate in card["gates"]])),
        section("What was tried", *_tried(name, ledger)),
        section("What it relies on", *_reasons(space, name, card["model"])),
        section("What a caller sends", table(f"{name}-columns", ["column", "sent as", "prepared as", "unit"],
                [[c["name"], c.get("sent", ""), c.get("kind", ""), c.get("unit", "")] for c in card["columns"]])),
        section("Made of", table(f"{name}-settings", ["setting", "value"], _made(card))),
        section("Where it comes from", table(f"{name}-lineage", ["kind", "step", "label", "digest", "run", "made"],
                                             _came(space, release.digest))),
        section("Files", table(f"{name}-files", ["file", "SHA-256"], sorted(release.manifest.files.items()))),
    ])  # fmt: skip


def _short(release: Release, card: Mapping[str, Any]) -> list[tuple[str, Any]]:
    machine, pick = card["machine"], card["candidate"] or {}
    return [("Released", release.manifest.created[:19] + " UTC"), ("Candidate", pick.get("candidate", "imported")),
            ("Answers", ", ".join(card["classes"][:8]) or card["target"]), ("By", f"aimass {release.manifest.version}"),
            ("Measured on", f"{machine.get('processor', 'nothing')}, {machine.get('cores', '?')} cores")]  # fmt: skip


def _measured(card: Mapping[str, Any]) -> list[list[Any]]:
    pick = card["candidate"]
    if not pick:
        return []
    rows = [(card["metric"], "quality"), *MEASURED]
    figures = [[told, *(pick[key].get(part) for part in ("value", "low", "high", "n"))] for told, key in rows]
    return [*figures, ["size, MB", pick["size_bytes"] / MB, None, None, None]]


def _budget(line: Mapping[str, Any]) -> list[Any]:
    low, high = line["interval"] or (None, None)
    return [line["what"], line["asked"], line["measured"], low, high, line["unit"], line["met"]]


def _tried(name: str, ledger: Mapping[str, Any]) -> Iterator[str]:
    rows = ledger.get("candidates", [])
    known = [row for row in rows if row.get("quality")]
    yield marks([Mark(row["candidate"], row["size_bytes"] / MB, row["quality"]["value"], row["quality"]["low"],
                      row["quality"]["high"], row["status"] == "adopted") for row in known],
                "size, MB", str(ledger.get("metric", "")))  # fmt: skip
    yield table(f"{name}-candidates", TRIED, [_candidate(row) for row in rows])


def _candidate(row: Mapping[str, Any]) -> list[Any]:
    quality, p99, size = row.get("quality") or {}, row.get("p99_ms") or {}, row.get("size_bytes")
    figures = [quality.get("value"), quality.get("low"), quality.get("high"), p99.get("value"), size and size / MB]
    return [row.get("candidate"), row.get("status"), *figures, row.get("reason")]


def _reasons(space: Workspace, name: str, model: str) -> Iterator[str]:
    """What the newest report of `explain` says of the whole model."""
    for row in lineage.made_of(space.catalog, model, "explain", 1):
        try:
            told = space.open(row["digest"]).read_json("explanation.json")
        except (StoreError, OSError, ValueError):
            yield sentence(f"The report {row['digest'][:12]} that explains it cannot be read", "bad")
            continue
        losses = [[", ".join(one["columns"]), one["value"], one["low"], one["high"]] for one in told["importance"]]
        yield sentence(f"Loss of {shown(told['metric'].get('use'))} when columns are mixed up between rows", "muted")
        yield table(f"{name}-importance", ["columns", "loss", "low", "high"], losses)


def _made(card: Mapping[str, Any]) -> list[tuple[str, Any]]:
    made = {"architecture": card["architecture"], "passes": card["passes"], "engine": card["engine"]}
    return [(name, value) for name, value in flat(made) if not name.endswith("revision")]


def _came(space: Workspace, digest: str) -> list[list[Any]]:
    rows: list[Row] = sorted(
        lineage.around(space.catalog, digest).artifacts.values(), key=lambda row: str(row["created"])
    )
    return [[r["kind"], r["step"], r["label"], r["digest"], r["run"], r["created"][:19]] for r in rows]
