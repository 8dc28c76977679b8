"""The control API under /api/v1: one file a resource; each route names the permission it needs."""

from aimass.console.api import audit, keys, session, users

ROUTERS = (session.router, users.router, keys.router, audit.router)
