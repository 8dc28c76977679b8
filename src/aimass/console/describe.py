"""The control API in the words of OpenAPI, as the front end's types are made of it: `make openapi`."""

from __future__ import annotations

import json
import tempfile


def described() -> str:
    """JSON that is the same for the same API."""
    from aimass.console.app import create_app

    with tempfile.TemporaryDirectory() as folder:
        app = create_app(folder)
        text = json.dumps(app.openapi(), indent=1, sort_keys=True, ensure_ascii=False)
        app.state.place.catalog.engine.dispose()
    return f"{text}\n"


if __name__ == "__main__":
    print(described(), end="")
