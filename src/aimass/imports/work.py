"""What happens in the process that reads a foreign model: read, build, ask both, compare, write the artifact.

Reads its order from stdin and answers one line of JSON: {"facts", "log"}.  Nothing of the foreign file is parsed
anywhere else.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from aimass.core.canonical import digest_of_file
from aimass.core.errors import AimassError, InputError
from aimass.engines.base import Tensors
from aimass.engines.onnxruntime import OnnxRuntime
from aimass.imports.answers import answers_of
from aimass.imports.base import Importer, Original
from aimass.imports.batch import fixed_rows, freed
from aimass.imports.build import Built, built
from aimass.imports.fields import fields_of, taken
from aimass.imports.heads import expected
from aimass.imports.parity import compared, refusal
from aimass.imports.process import limited
from aimass.imports.rows import MADE, drawn, given_rows, records_of

SHOWN = 5  # sample records
WIDEST = 1 << 20  # bytes of JSON they may take


def work(order: dict[str, Any]) -> dict[str, Any]:
    """Write the model of ORDER into its folder; facts and lines to say.  Raises InputError, then it is unfinished."""
    asked, out = order["asked"], Path(order["out"])
    importer: Importer = Importer.from_settings(order["source"])
    original = importer.read(Path(order["path"]))
    made = _built(original, asked)
    rows, answers, whence = _rows(original, made, asked["rows"], order["seed"])
    onnx.save(made.model, out / "model.onnx")
    report = {"source": original.source, "rows_from": whence, **_compared(original, made, rows, answers, asked, out)}
    if not report["passed"]:
        raise refusal(report)
    _write(out / "parity.json", report)
    _write(out / "signature.json", made.signature.as_json())
    _write(out / "sample.json", sample_of(rows, made))
    architecture = {"use": f"imported {original.source}"}
    told = {"importer": importer.settings(), "source": original.source, "sha256": digest_of_file(Path(order["path"]))}
    _write(out / "model.json", {"architecture": architecture, "passes": [], "imported": told})
    return {"facts": _facts(made, report, out), "log": _log(made, report)}


def _built(original: Original, asked: dict[str, Any]) -> Built:
    """What the user ASKED for goes before what the original knows of itself."""
    task = "" if asked["task"] == "auto" else asked["task"]
    mapping = asked["answers"] or ({} if task == "other" else dict(original.answers))
    fields_of(taken(original.network), "input")
    network = freed(original.network) if fixed_rows(original.network) else original.network
    known = "" if asked["answers"] else original.task
    answers = answers_of(network, task or known, asked["classes"] or original.classes, mapping)
    return built(network, answers, asked["columns"] or original.columns, asked["target"])


def _rows(original: Original, made: Built, path: str, seed: int) -> tuple[Tensors, Tensors, str]:
    """Rows to ask, the answers that came with them, and where they are from."""
    if path:
        rows, answers = given_rows(Path(path), made)
        return rows, answers, "given, with answers" if answers else "given"
    random = np.random.default_rng(seed)
    inputs = fields_of(taken(original.network), "input")
    given = original.draw(MADE, random) if original.draw else drawn(inputs, MADE, random)
    return made.from_network(given), {}, "made up"


def _compared(
    original: Original, made: Built, rows: Tensors, answers: Tensors, asked: dict[str, Any], out: Path
) -> dict[str, Any]:
    plan = made.answers
    try:
        right = expected(plan, answers or original.answer(made.to_network(rows)))
    except KeyError as error:
        raise InputError(f"the rows hold no answer {error}", expected=f"answer.NAME of: {', '.join(plan.taken)}",
                         key="rows") from error  # fmt: skip
    except InputError as error:
        raise InputError(f"the original does not answer these rows: {error.what}",
                         expected="rows that it takes", todo="give it real ones: rows = \"some.npz\"",
                         key="rows") from error  # fmt: skip
    ours = OnnxRuntime.from_settings("onnxruntime").load(out)
    return compared(ours, rows, right, asked["tolerance"], len(plan.classes))


def sample_of(rows: Tensors, made: Built) -> list[dict[str, Any]]:
    """A few records; none where one would be too long, and the endpoint then tries itself on zeros."""
    records = records_of(rows, made.signature.rows, SHOWN)
    while records and len(json.dumps(records)) > WIDEST:
        records.pop()
    return records


def _facts(made: Built, report: dict[str, Any], out: Path) -> dict[str, Any]:
    outputs = report["outputs"].values()
    apart = [output["largest_absolute"] for output in outputs if "largest_absolute" in output]
    agreed = {"label_agreement": report["outputs"]["label"]["agreement"]} if "label" in report["outputs"] else {}
    size = (out / "model.onnx").stat().st_size
    told = {"task": made.signature.task, "source": report["source"], "bytes": size, "parity_rows": report["rows"]}
    return {**told, **({"largest_difference": max(apart)} if apart else {}), **agreed}


def _log(made: Built, report: dict[str, Any]) -> list[str]:
    signature = made.signature
    takes = ", ".join(f"{f.name} {f.dtype} {list(f.shape)}" for f in signature.rows[:8])
    more = f" and {len(signature.rows) - 8} more" if len(signature.rows) > 8 else ""
    lines = [f"{report['source']}: takes {takes}{more}; gives {', '.join(f.name for f in signature.outputs)}"]
    for name, figures in report["outputs"].items():
        said = ", ".join(f"{k.replace('_', ' ')} {v:.3g}" for k, v in figures.items() if v is not None)
        lines.append(f"{name} on {report['rows']} rows ({report['rows_from']}): {said}")
    return lines


def _write(path: Path, facts: Any) -> None:
    path.write_text(json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def main() -> int:
    """The whole of the process; errors end stderr as one line of JSON."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    try:
        found = work(limited(json.load(sys.stdin)))
    except MemoryError:
        error = InputError("reading the model needed too much memory", expected="at most memory_mb", key="memory_mb",
                           todo="raise it if you trust the file")  # fmt: skip
        print(json.dumps(error.as_json()), file=sys.stderr)
        return error.exit_code
    except AimassError as known:
        print(json.dumps(known.as_json()), file=sys.stderr)
        return known.exit_code
    with answer:
        json.dump(found, answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
