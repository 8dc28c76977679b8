"""Project files out of wishes: a file of the data folder, what to predict, budgets.  They are started as jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints
from starlette.requests import Request

from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import LISTED, NOBODYS
from aimass.console.api.bodies import PROBLEMS, Body
from aimass.console.files import folder
from aimass.console.looks.ask import rows_in
from aimass.console.place import place_of
from aimass.core.errors import InputError, unknown
from aimass.measure import PARTS as METRICS  # those of guests are named in the file by hand
from aimass.measure.base import Metric
from aimass.project.draft import named, written
from aimass.project.file import Spend
from aimass.search.goal import Goal

router = APIRouter(prefix="/api/v1/projects", tags=["projects"], responses=PROBLEMS)
Text = Annotated[str, StringConstraints(max_length=1000)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Wish(Body):
    """What to predict from which file, and the budgets; one that is left out binds nobody."""

    file: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    target: Text
    name: Annotated[str, StringConstraints(max_length=100)] = ""
    metric: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{0,40}$")] = ""
    floor: Number | None = None
    p99_ms: Number | None = None
    clients: Annotated[int, Field(ge=1, le=1024)] = 4
    size_mb: Number | None = None
    prefer: Literal["quality", "latency", "size"] = "quality"
    minutes: Number = 10.0


class Draft(BaseModel):
    """A project file, the task it is, and how many versions of its name there are."""

    text: str
    name: str
    task: Literal["binary", "multiclass", "regression"]
    metric: str
    versions: int


class Judge(BaseModel):
    """A metric: what it can judge, and which side is better."""

    name: str
    tasks: list[str]
    better: Literal["higher", "lower"]


class Judges(BaseModel):
    rows: list[Judge]


@router.get("/metrics", response_model=Judges)
def metrics(request: Request, caller: Caller = needs("home.see", of=NOBODYS)) -> Any:
    """What quality can be judged by."""
    found = [Metric.from_settings(name) for name in METRICS]
    return {"rows": [{"name": m.settings()["use"], "tasks": list(m.tasks), "better": m.better} for m in found]}


@router.post("/draft", response_model=Draft)
def draft(request: Request, body: Wish, caller: Caller = needs("jobs.ask", of=LISTED)) -> Any:
    """The project file that comes of wishes; nothing is started."""
    space = place_of(request).workspace
    file, path = folder.found(space, body.file)
    column = _column(rows_in(space, path, file.name)["columns"], body.target)
    asked = {name: value for name in Goal.__dataclass_fields__ if (value := getattr(body, name)) not in (None, "")}
    goal = Goal.from_settings(asked, "goal")
    metric = _metric(goal, column["task"])
    name = named(body.name or Path(file.name).name.split(".")[0])
    text = written(Path(file.name), name, goal, Spend.from_settings({"minutes": body.minutes}, "spend"))
    return {"text": text, "name": name, "task": column["task"], "metric": metric.settings()["use"],
            "versions": len(space.versions(name))}  # fmt: skip


def _metric(goal: Goal, task: str) -> Metric:
    """What judges TASK.  Raises InputError (key "metric")."""
    try:
        return goal.metric_for(task)
    except InputError as error:
        error.key = "metric"
        raise


def _column(columns: list[dict[str, Any]], target: str) -> dict[str, Any]:
    """The column TARGET, which can be predicted.  Raises InputError (key "target")."""
    names = [column["name"] for column in columns]
    if target not in names:
        raise unknown("column", target[:80], names[:50], key="target")
    column = columns[names.index(target)]
    if not column["task"]:
        raise InputError(column["why_not"], expected="a column of classes or numbers", key="target")
    return column
