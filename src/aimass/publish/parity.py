"""The gate of models that were made elsewhere: they still answer as the original did."""

from __future__ import annotations

from aimass.core.artifact import Model, Report
from aimass.core.part import knob
from aimass.publish.base import Gate, Verdict


class Parity(Gate):
    """Refuses a model that was not imported, or whose parity report is too thin or too far off; needs no ledger."""

    rows: int = knob(30, 1, 1_000_000, log=True, help="the original must have been compared on so many, at least")
    difference: float = knob(1e-3, 0.0, help="the largest difference of a number, of its size where that is above 1")
    given: bool = knob(False, help="the rows must be the user's own, not made up")

    def check(self, model: Model, ledger: Report | None) -> Verdict:
        """Reads parity.json, which `import_model` wrote."""
        if not (model.folder / "parity.json").is_file():
            return Verdict(False, "the model was not imported: it has no parity report")
        report = model.read_json("parity.json")
        apart = [figures["distance"] for figures in report["outputs"].values() if "distance" in figures]
        largest = max(apart, default=0.0)
        said = f"{report['source']}, {report['rows']} rows {report['rows_from']}, largest difference {largest:.3g}"
        if not report["passed"] or largest > self.difference:
            return Verdict(False, f"{said}; {self.difference:g} is allowed")
        if report["rows"] < self.rows:
            return Verdict(False, f"{said}; {self.rows} rows are asked for")
        if self.given and not report["rows_from"].startswith("given"):
            return Verdict(False, f"{said}; rows of the user's own are asked for")
        return Verdict(True, said)
