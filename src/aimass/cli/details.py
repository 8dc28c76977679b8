"""What is worth seeing inside an artifact, a page for each file that tells something."""

from __future__ import annotations

import json
from typing import Any

from aimass.cli.place import table
from aimass.core.artifact import Artifact


def details(artifact: Artifact) -> list[str]:
    """The pages of ARTIFACT: contract, columns, ledger or report."""
    pages = {
        "contract.json": _contract,
        "examples.json": _columns,
        "ledger.json": _ledger,
        "report.json": _report,
        "explanation.json": _explanation,
        "dataset.json": _dataset,
        "parity.json": _parity,
    }
    for name, page in pages.items():
        if name in artifact.manifest.files:
            return ["", *page(artifact)]
    return []


def _contract(artifact: Artifact) -> list[str]:
    """What each column of each source promises, as [clean.contract] would say it, and what was set aside."""
    rows = []
    for source, columns in artifact.read_json("contract.json").items():
        for name, facts in columns.items():
            rules = {k: v for k, v in facts.items() if k not in ("type", "missing")}
            rows.append({"source": source, "column": name, "type": facts["type"],
                         "rules": ", ".join(f"{k} {v}" for k, v in rules.items())})  # fmt: skip
    lines = [table(rows), "change one in aimass.toml:  [clean.contract.SOURCE]  COLUMN = { type = ..., min = ... }", ""]
    for source, found in artifact.read_json("dataset.json")["sources"].items():
        lines.append(f"{source}: {found['read']:,} rows read, {found['accepted']:,} accepted")
        lines += [f"  {count:,} in quarantine: {reason}" for reason, count in found["quarantined"].items()]
    return lines


def _columns(artifact: Artifact) -> list[str]:
    """What became of each column."""
    facts = artifact.read_json("examples.json")
    kept = [
        {"column": n, "kind": c["kind"], "by": "found" if c["found"] else "given"} for n, c in facts["columns"].items()
    ]
    dropped = [{"column": n, "kind": "-", "by": reason} for n, reason in facts["dropped"].items()]
    tensors = [f"{f.name} {f.dtype} {list(f.shape)}" for f in artifact.signature.inputs]
    return [table(kept + dropped), "", f"tensors: {', '.join(tensors)}"]


def _ledger(artifact: Artifact) -> list[str]:
    from aimass.search.render import ledger_text

    return [ledger_text(artifact.read_json("ledger.json")).plain]


def _report(artifact: Artifact) -> list[str]:
    return [json.dumps(artifact.read_json("report.json"), indent=1)]


def _explanation(artifact: Artifact) -> list[str]:
    """What the model relies on, and what weighed most in each row that was explained."""
    facts = artifact.read_json("explanation.json")
    whole = [{"columns": ", ".join(each["columns"]), "loss": each["value"], "from": each["low"], "to": each["high"]}
             for each in facts["importance"]]  # fmt: skip
    rows = []
    for row, each in enumerate(facts["explanations"]):
        most = [f"{share['name']} {share['attribution']:+.3g}" for share in each["attributions"][:3]]
        rows.append({"row": row, "target": each["target"], "prediction": each["prediction"],
                     "base": each["base_value"], "most": ", ".join(most)})  # fmt: skip
    metric = facts["metric"]["use"]
    return [f"what {metric} loses without:", table(whole), "", "row by row:", table(rows)]


def _dataset(artifact: Artifact) -> list[str]:
    columns: list[dict[str, Any]] = artifact.read_json("dataset.json")["columns"]
    return [table([{"column": c["name"], "type": c["type"], "shape": c.get("shape", "")} for c in columns])]


def _parity(artifact: Artifact) -> list[str]:
    """How near an import came to the original."""
    report = artifact.read_json("parity.json")
    rows = [
        {"output": name, **{k.replace("_", " "): v for k, v in found.items()}}
        for name, found in report["outputs"].items()
    ]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return [f"{report['source']} on {report['rows']} rows ({report['rows_from']}), within {report['tolerance']:g}:", "",
            table(rows, columns)]  # fmt: skip
