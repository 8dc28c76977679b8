"""What bodies and answers are made of.  A field that nobody knows is refused: it is a spelling mistake."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

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
    status: {"model": Problem} for status in (400, 401, 403, 404, 409, 413, 422, 429)
}
AWAY: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (502, 503, 504)}
