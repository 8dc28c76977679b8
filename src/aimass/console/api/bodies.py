"""What bodies and answers are made of.  A field that nobody knows is refused: it is a spelling mistake."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from aimass.console.access.grants import Grants, checked, over_all
from aimass.core.errors import InputError

Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Password = Annotated[str, StringConstraints(max_length=1024)]
Role = Literal["viewer", "operator", "admin"]
Id = Annotated[int, Field(ge=0, lt=1 << 63)]  # of a row; no database counts further
Token = Annotated[str, StringConstraints(max_length=200)]


class Body(BaseModel):
    """What a caller sends."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*")
    @classmethod
    def _kept(cls, value: Any) -> Any:
        """No database keeps the letter 0 in a text."""
        if isinstance(value, str) and "\0" in value:
            raise ValueError("a text holds the letter 0")
        return value


class Grant(BaseModel):
    """A role over everything (`*`), a project with all its sources (`project:NAME`) or a source (`source:NAME`)."""

    model_config = ConfigDict(extra="forbid")

    scope: Annotated[str, StringConstraints(max_length=256)]
    role: Role


class Granting(Body):
    """Grants, or in short a role over everything."""

    role: Role | None = None
    grants: Annotated[list[Grant], Field(max_length=100)] | None = None

    def given(self) -> Grants | None:
        """What is given; None where nothing is said.  Raises InputError."""
        if self.role and self.grants is not None:
            raise InputError(
                "a role and grants", expected="either: a role is short for one over everything", key="role"
            )
        if self.role:
            return over_all(self.role)
        return None if self.grants is None else checked((one.scope, one.role) for one in self.grants)

    def needed(self) -> Grants:
        """What is given.  Raises InputError where nothing is."""
        found = self.given()
        if found is None:
            raise InputError(
                "no role and no grants", expected="a role, or grants over projects and sources", key="role"
            )
        return found


class Problem(BaseModel):
    """Why something was not done: what is wrong, what was expected, what to do."""

    error: str
    expected: str | None = None
    to_do: str | None = None
    key: str | None = None
    permission: str | None = None
    granted_by: list[str] | None = None
    request: str


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 401, 403, 404, 409, 413, 422, 429, 503)
}
AWAY: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (502, 504)}
