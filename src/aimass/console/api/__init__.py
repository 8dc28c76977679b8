"""The control API under /api/v1: one file a resource; each route names the permission it needs."""

from aimass.console.api import (
    archive,
    audit,
    curves,
    endpoints,
    home,
    jobs,
    keys,
    live,
    logs,
    playground,
    runs,
    session,
    users,
)

ROUTERS = tuple(one.router for one in (session, home, users, keys, audit, runs, curves, logs, live, jobs, endpoints,
                                              playground, archive))  # fmt: skip
