"""The one table of roles and what they may do, and which of that only a grant over everything gives."""

from __future__ import annotations

PERMISSIONS = {
    "self": "your own session and password",
    "home.see": "how things are",
    "data.see": "sources and datasets with their rows",
    "data.export": "take a dataset out as a file",
    "runs.see": "runs with their figures, logs and settings",
    "runs.stop": "stop a run",
    "artifacts.see": "artifacts with their lineage",
    "models.see": "published models with their versions, graphs and files",
    "models.change": "publish, move and remove aliases",
    "ledgers.see": "what was tried, and why it was adopted or not",
    "jobs.see": "jobs with their logs",
    "jobs.ask": "start, cancel and resume jobs",
    "jobs.outside": "jobs that read outside the workspace, or run code by its import path",
    "endpoints.see": "what is served, how well, and how to ask it",
    "endpoints.ask": "send records to an endpoint",
    "endpoints.change": "say which versions answer: publish, canary, roll back",
    "archive.use": "bring projects out of the workspace and into it, as archives",
    "subsystems.see": "each process with its state and what it uses",
    "subsystems.restart": "start a process anew",
    "log.see": "what processes, jobs and runs say",
    "parameters.see": "what can be changed while everything runs, and who did",
    "parameters.change": "change parameters, and take changes back",
    "parameters.console": "change parameters of the console itself: how long sessions last, how often one may try",
    "files.see": "the files of the data folder, and their first rows",
    "files.change": "bring, replace and remove files of the data folder",
    "users.see": "who may use the console",
    "users.change": "add, change and remove users",
    "keys.see": "the keys of programs",
    "keys.change": "make and revoke keys of programs",
    "audit.see": "what was done by whom",
}
_VIEWER = frozenset(
    {
        "self",
        "home.see",
        "data.see",
        "runs.see",
        "artifacts.see",
        "models.see",
        "ledgers.see",
        "jobs.see",
        "endpoints.see",
        "parameters.see",
        "files.see",
        "subsystems.see",
        "log.see",
    }
)
_OPERATOR = _VIEWER | {
    "data.export",
    "runs.stop",
    "models.change",
    "jobs.ask",
    "endpoints.ask",
    "endpoints.change",
    "parameters.change",
    "files.change",
    "subsystems.restart",
}
ROLES: dict[str, frozenset[str]] = {
    "viewer": _VIEWER,
    "operator": _OPERATOR,
    "admin": frozenset(PERMISSIONS),
}
WIDE = (
    frozenset(  # of the whole workspace: files and processes belong to no project, who may do what is for all to know
        {
            "archive.use",
            "subsystems.see",
            "subsystems.restart",
            "parameters.see",
            "parameters.change",
            "parameters.console",
            "files.see",
            "files.change",
            "jobs.outside",
            "users.see",
            "users.change",
            "keys.see",
            "keys.change",
        }
    )
)


def is_less(role: str, than: str) -> bool:
    """Whether ROLE may do less THAN another, and nothing that the other may not."""
    return role in ROLES and ROLES[role] < ROLES.get(than, frozenset())


def lesser(one: str, other: str) -> str:
    """The role that may do less; "" where nobody knows one of them (any more)."""
    order = [*ROLES]
    return min(one, other, key=order.index) if one in ROLES and other in ROLES else ""


def roles_with(permission: str) -> list[str]:
    """The roles that hold PERMISSION, the smallest first."""
    return [role for role, held in ROLES.items() if permission in held]
