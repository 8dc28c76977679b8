"""The verb `predict`: a file of rows becomes a file of answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass.collect.base import Collector
from aimass.core.artifact import Artifact, Model, Release, Report
from aimass.core.errors import InputError
from aimass.core.step import Context, step

if TYPE_CHECKING:
    from aimass.serve.files.job import Job

ROWS = 4096  # read and understood at once


@step(reuse=False)
def predict(  # type: ignore[return]  # the folder is the answer
    ctx: Context,
    model: Artifact,
    *,
    source: Collector,
    to: str,
    keep: list[str] | None = None,
    batch_rows: int = ROWS,
    bad_rows: str = "",
    missing: list[str] = [],  # noqa: B006 - spelled out in the task
    prefix: str = "",
    resize: bool = False,
    force: bool = False,
) -> Report:
    """Answer every row of SOURCE with MODEL, a release or a model, and write the answers TO a file.

    \b
    The report says what was read and written.  `aimass predict NAME INPUT OUTPUT` is the short way.
    Example: aimass predict customers customers.csv answers.parquet
    """
    from aimass.core.canonical import digest_of_file
    from aimass.serve.files.fresh import check

    if not isinstance(model, Model | Release):
        raise InputError(f"{model.digest[:12]} is a {model.kind}", expected="a release or a model", key="model")
    if batch_rows < 1:
        raise InputError(f"batch_rows is {batch_rows}", expected="a number from 1", key="batch_rows")
    out, aside = Path(to).absolute(), Path(bad_rows).absolute() if bad_rows else None
    for path, key in ((out, "to"), (aside, "bad_rows")):
        if path is not None:
            check(path, force=force, key=key)
    stretches = ctx.resume / "stretches"
    job = _job(model, stretches, source=source.settings(), to=str(out), keep=keep, batch_rows=batch_rows,
               aside=aside is not None, missing=missing, prefix=prefix, resize=resize)  # fmt: skip
    counts = _predicted(ctx, model, job, stretches, out, aside)
    facts = {
        "model": model.digest,
        "source": source.settings(),
        "to": str(out),
        "sha256": digest_of_file(out),
        **counts,
    }
    (ctx.folder / "report.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
    ctx.tell(**counts)


def _job(model: Artifact, folder: Path, **settings: Any) -> Job:
    from aimass.serve.files.job import Job

    return Job(model=str(model.folder), folder=str(folder), **settings)


def _predicted(ctx: Context, model: Artifact, job: Job, folder: Path, out: Path, aside: Path | None) -> dict[str, int]:
    """The rows written and set aside."""
    from aimass.serve.files.job import files_of, state_of
    from aimass.serve.files.work import work

    reader = job.reader(model.signature)
    sink, files = job.sink(reader, model.signature), files_of(reader)
    if {out.resolve(), aside and aside.resolve()} & {file.resolve() for file in files}:
        raise InputError("the output is one of the inputs", expected="another file", key="to")
    state = state_of(files)
    _begin(ctx, folder, state)
    try:
        count = ctx.gang(work, job=job.as_json())[0]
        if state_of(files) != state:
            raise InputError("the input changed while it was being read", expected="files at rest", key="source",
                             todo="run again when nobody writes to them")  # fmt: skip
    except InputError:
        shutil.rmtree(folder, ignore_errors=True)  # what is mended is read anew
        raise
    return _joined(sink, folder, count, out, aside)


def _begin(ctx: Context, folder: Path, state: dict[str, list[int]]) -> None:
    """Keep the stretches that an earlier attempt at the same files left; forget those of other files."""
    told = folder / "input.json"
    if not told.is_file() or json.loads(told.read_text(encoding="utf-8")) != state:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        told.write_text(json.dumps(state), encoding="utf-8")
    elif found := len(list(folder.glob("*.done"))):
        ctx.log(f"{found} stretches were done before")


def _joined(sink: Any, folder: Path, count: int, out: Path, aside: Path | None) -> dict[str, int]:
    from aimass.serve.files.fresh import fresh
    from aimass.serve.files.work import bad_rows, done

    places = [folder / f"{stretch:08}" for stretch in range(count)]
    told = [json.loads(done(place).read_text(encoding="utf-8")) for place in places]
    if aside is not None:
        with fresh(aside) as file:
            for place in places:
                file.write(bad_rows(place).read_bytes())
    with fresh(out) as file:
        sink.join(places, file)
    return {"rows": sum(stretch["rows"] for stretch in told), "bad": sum(stretch["bad"] for stretch in told)}
