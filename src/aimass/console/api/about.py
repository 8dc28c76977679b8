"""What this is: versions, for who asks for help."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request

from aimass import __version__
from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import NOBODYS
from aimass.console.api.bodies import PROBLEMS
from aimass.console.place import place_of
from aimass.store.database import HEAD

router = APIRouter(prefix="/api/v1/about", tags=["about"], responses=PROBLEMS)
PACKAGES = (
    "torch",
    "onnx",
    "onnxruntime",
    "numpy",
    "pyarrow",
    "deltalake",
    "duckdb",
    "xgboost",
    "sqlalchemy",
    "fastapi",
)


class Package(BaseModel):
    """A package that matters for results, and the version that is installed; null where none is."""

    name: str
    version: str | None


class About(BaseModel):
    """Versions: of aimass, of what it runs on, of the catalog's tables."""

    version: str
    python: str
    system: str
    database: str
    revision: str
    packages: list[Package]


@router.get("", response_model=About)
def about(request: Request, caller: Caller = needs("home.see", of=NOBODYS)) -> Any:
    """Versions of everything that matters."""
    engine = place_of(request).catalog.engine
    packages = [{"name": name, "version": _version(name)} for name in PACKAGES]
    return {"version": __version__, "python": platform.python_version(), "system": platform.platform(terse=True),
            "database": engine.dialect.name, "revision": HEAD, "packages": packages}  # fmt: skip


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
