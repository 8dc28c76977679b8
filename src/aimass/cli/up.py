"""`aimass up`, `aimass down`, `aimass status`: the console and all behind it."""

from __future__ import annotations

import subprocess
import sys
import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from aimass.cli.place import emit, remote, table, workspace
from aimass.cli.words import words_of
from aimass.core.errors import TaskFailed

if TYPE_CHECKING:
    from aimass.cli.remote import Remote
    from aimass.console.up.state import State

PATIENCE = 120.0  # seconds for what goes on in the background to be ready
DOWN = 60.0  # seconds for all to end by themselves
JSON = click.option("--json", "json_wanted", is_flag=True, help="print what Python returns")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="where the console answers")
@click.option("--port", default=8090, show_default=True, help="of the console; 0 picks a free one")
@click.option("--serve-port", default=8080, show_default=True, help="of the endpoints; 0 picks a free one")
@click.option("--workers", default=1, show_default=True, help="jobs that may run at once")
@click.option("--tls-cert", default="", help="the console speaks TLS: the certificate and its chain, PEM")
@click.option("--tls-key", default="", help="the key of the certificate, PEM")
@click.option("--keys", default="", help="the endpoints ask for keys: the file that `aimass keys` writes")
@click.option("--proxy", default="", help="addresses of proxies in front, believed who asks (x-forwarded-for)")
@click.option("--no-browser", is_flag=True, help="do not open the console in a browser")
@click.option("--detach", is_flag=True, help="go on in the background")
@click.option("--behind", is_flag=True, hidden=True)  # what --detach has started, which says where all is
@JSON
@click.pass_context
def up(ctx: click.Context, /, no_browser: bool, detach: bool, behind: bool, json_wanted: bool, **more: Any) -> None:
    """Start the console, the workers of jobs and the endpoints of the workspace, and keep them until Ctrl-C.

    \b
    What dies is started again.  The first start prints a link that makes the first user (with --json as `link`).
    Example: aimass up --detach, then: aimass status, aimass down
    """
    from aimass.console.logs.stamp import Stamped
    from aimass.console.up.supervisor import Wanted, supervise

    wanted = Wanted.from_settings(more, "up")
    place = workspace(ctx)

    def told(state: State) -> None:
        if not behind:
            _say(state, place.url, json_wanted=json_wanted, browser=not no_browser)

    if detach:
        told(_detached(ctx, place.folder))
        return
    if behind:
        sys.stdout = sys.stderr = Stamped(2)  # a log, whose lines have their time
    supervise(place, wanted, told)


def _detached(ctx: click.Context, folder: Path) -> State:
    """Do the same in a process of its own; its state, once all have begun."""
    from aimass.console.logs.aside import put_aside
    from aimass.console.logs.file import STAMP
    from aimass.console.up import state as file
    from aimass.console.up.kept import LARGE
    from aimass.console.up.supervisor import already

    if there := file.read(folder):
        raise already(there)
    words = [word for word in words_of(ctx) if word not in ("--detach", "--json", "--no-browser")]
    command = [sys.executable, "-m", "aimass", *words, "--behind"]
    log = file.folder_of(folder) / "up.log"
    put_aside(log, LARGE)
    with log.open("ab") as said:
        begun = said.tell()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said,
                                 start_new_session=True)  # fmt: skip
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        state = file.read(folder)
        if state is not None and state.begun and state.pid == child.pid:
            return state
        if child.poll() is not None:
            with log.open("rb") as said:
                said.seek(begun)
                why = b"".join(STAMP.sub(b"", line, count=1) for line in said).decode(errors="replace")
            raise TaskFailed(f"it ended: {why.strip()}", todo=f"see {log}")
        time.sleep(0.05)
    raise TaskFailed(f"it was not ready after {PATIENCE:g} s", todo=f"see {log}, and: aimass status")


def _say(state: State, url: str, *, json_wanted: bool, browser: bool) -> None:
    """Where everything is, with the link of the first start where nobody has used one yet, and who else hears it."""
    from aimass.console.access.links import first_link
    from aimass.console.heard import warning

    at, token = urlsplit(state.console), first_link(url)
    link = f"{state.console}#/welcome?token={token}" if token else None
    lines = [f"console    {state.console}", f"endpoints  {state.inference or 'none: see aimass status'}"]
    if link:
        lines += ["", f"make the first user here (once, within a day):\n  {link}"]
    text = "\n".join([*lines, "", "end it: aimass down, or Ctrl-C"])
    emit({**state.as_json(), "link": link}, json_wanted=json_wanted, text=text)
    if said := warning(at.hostname or "", secure=at.scheme == "https"):
        click.echo(f"Warning: {said}", err=True)
    sys.stdout.flush()
    if browser and not json_wanted and sys.stdout.isatty():
        webbrowser.open(link or state.console)


@click.command()
@click.option("--within", default=DOWN, show_default=True, help="seconds; then what is left is ended at once")
@JSON
@click.pass_context
def down(ctx: click.Context, within: float, json_wanted: bool) -> None:
    """End what `aimass up` keeps: requests are answered, jobs stop at a checkpoint and wait for the next start."""
    from aimass.console.up import state as file

    folder = workspace(ctx).folder
    state = file.read(folder)
    if state is None:
        emit({"down": False}, json_wanted=json_wanted, text=f"nothing is up in {folder}")
        return
    willing = file.end(state, within)
    emit({"down": True, "by_itself": willing}, json_wanted=json_wanted,
         text="it is down" if willing else f"it did not end within {within:g} s, so it was killed")  # fmt: skip


@click.command()
@JSON
@click.pass_context
def status(ctx: click.Context, json_wanted: bool) -> None:
    """What is up: each process with its state, and the jobs.  Exit code 1 when nothing is, or not all is well."""
    from aimass.console.up import state as file
    from aimass.store.jobs import Jobs

    if there := remote(ctx):
        _status_there(there, json_wanted=json_wanted)
        return
    place = workspace(ctx)
    state, jobs = file.read(place.folder), Jobs(place.catalog).counts()
    counted = ", ".join(f"{number} {name}" for name, number in jobs.items()) or "none"
    if state is None:
        text = f"nothing is up in {place.folder}; start it: aimass up"
    else:
        rows = [{**one, "since": one["since"][:19].replace("T", " ")} for one in state.processes]
        shown = table(rows, ["name", "state", "since", "pid", "restarts", "url", "why"])
        text = f"{shown}\n\nlogs: {place.folder / file.FOLDER}"
    emit({**(state.as_json() if state else {}), "up": state is not None, "jobs": jobs}, json_wanted=json_wanted,
         text=f"{text}\njobs: {counted}")  # fmt: skip
    if state is None or any(one["state"] != "ready" for one in state.processes):
        raise SystemExit(1)


def _status_there(there: Remote, *, json_wanted: bool) -> None:
    """How the centres behind a console are, and the jobs."""
    centres, jobs = there.ask("GET", "home")["centres"], there.ask("GET", "jobs", limit=1)["counts"]
    rows = [{**one, "since": str(one["since"] or "")[:19].replace("T", " ")} for one in centres]
    counted = ", ".join(f"{number} {name}" for name, number in jobs.items()) or "none"
    emit({"up": True, "console": there.url, "centres": centres, "jobs": jobs}, json_wanted=json_wanted,
         text=f"{table(rows, ['name', 'state', 'since', 'reason', 'next'])}\n\njobs: {counted}")  # fmt: skip
    if any(one["state"] == "bad" for one in centres):
        raise SystemExit(1)
