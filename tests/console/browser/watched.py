"""A tab of a real browser at a console: all that went wrong in it, whom it asked, and how often it was clicked."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from aimass.console.access.links import first_link
from aimass.console.access.sessions import cookie_of
from aimass.console.endpoints.ring import Ring
from aimass.runner.workspace import Workspace

NAME, PASSWORD = "ada", "correct horse battery"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--mute-audio",
    "--force-color-profile=srgb", "--font-render-hinting=none", "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]  # fmt: skip
HERE = "127.0.0.1"
PATIENCE = 20_000  # milliseconds
THEMES = ("light", "dark")
SETTINGS = {"reduced_motion": "reduce", "locale": "en-GB", "timezone_id": "UTC"}

GO = """(to) => new Promise((done) => {
  if (new URL(to, location.href).hash === location.hash) return done();
  addEventListener('hashchange', () => setTimeout(done), {once: true});
  location.hash = to;
})"""  # until the page before is gone
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"


def program() -> str | None:
    """Where Chromium is, if it is."""
    return next((path for path in map(shutil.which, PROGRAMS) if path), None)


@dataclass
class Site:
    """A console that answers at URL, of WORKSPACE."""

    url: str
    workspace: Workspace
    server: uvicorn.Server | None = None
    ring: Ring | None = None  # what it has seen of its endpoints
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)  # of those who are signed in, by role

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1].strip("/"))


@dataclass
class Watched:
    """A page of a browser, with all that went wrong in it and how often it was clicked."""

    page: Any
    site: Site
    outside: list[str] = field(default_factory=list)  # what it asked of other hosts
    complaints: list[str] = field(default_factory=list)  # errors on its console, exceptions, questions in windows
    clicks: int = 0

    def open(self, path: str = "/") -> None:
        """Go to the page at PATH of the console."""
        self.page.goto(f"{self.site.url}#{path}")

    def visit(self, path: str, there: str = "") -> None:
        """Go to the page at PATH as a link leads there, in the console that is open, until THERE can be read."""
        self.page.evaluate(GO, f"#{path}")
        if there:
            self.page.get_by_text(there).first.wait_for()

    def turn(self, theme: str) -> None:
        """Let the system be dark, or light, as it becomes in the evening; what is drawn is drawn anew."""
        self.page.emulate_media(color_scheme=theme)
        self.page.evaluate(DRAWN)

    def click(self, role: str, name: str, within: Any = None, **more: Any) -> None:
        """As a person does: one click on what has this ROLE and NAME, of several on what is WITHIN a part."""
        self.clicks += 1
        (within or self.page).get_by_role(role, name=name, **more).click()

    def heading(self, name: str) -> None:
        """Wait for the heading NAME."""
        from playwright.sync_api import TimeoutError as Late

        try:
            self.page.get_by_role("heading", name=name, level=1).wait_for(timeout=PATIENCE)
        except Late:
            shown = self.page.inner_text("body")[:1000]
            raise AssertionError(f"no heading {name} at {self.page.url}, but: {shown}") from None

    def forgive(self, word: str) -> None:
        """Complaints with WORD in them were meant to be."""
        self.complaints = [said for said in self.complaints if word not in said]

    def forgive_cut(self) -> None:
        """A request that is cut is an error of the net; a socket that is, has no answer, and not always says "net"."""
        self.forgive("net::ERR")
        self.forgive("WebSocket connection to")

    def well(self) -> None:
        """Nothing went wrong since it was asked last, nobody outside was asked, and no text became a picture."""
        outside, complaints, self.outside, self.complaints = self.outside, self.complaints, [], []
        assert not outside, outside
        assert not complaints, complaints
        assert self.page.locator("img[src=x]").count() == 0, "what somebody wrote is part of the page"


Opening = Callable[..., Watched]


@contextmanager
def opening(chromium: Any, site: Site) -> Iterator[Opening]:
    """Opens a tab of SITE in a fresh profile; at the end nothing may have gone wrong in any of them."""
    contexts: list[Any] = []
    tabs: list[Watched] = []

    def fresh(
        theme: str = "light", *, role: str = "admin", signed_in: bool = True, at: str = "", **more: Any
    ) -> Watched:
        settings = {"color_scheme": theme, "viewport": {"width": 1280, "height": 800}, **SETTINGS, **more}
        context = chromium.new_context(**settings)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        if signed_in:
            context.add_cookies(called_at(at or site.url, session(chromium, site, role)["cookies"]))
        watched = Watched(context.new_page(), site)
        context.on("request", lambda request: _note(request.url, watched))
        watched.page.on("websocket", lambda socket: _note(socket.url, watched))
        watched.page.on("console", lambda said: _hear(said, watched))
        watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
        watched.page.on("dialog", lambda dialog: (watched.complaints.append(dialog.message), dialog.dismiss()))
        tabs.append(watched)
        return watched

    yield fresh
    for watched in tabs:
        watched.well()
    for context in contexts:
        context.close()


def _note(url: str, watched: Watched) -> None:
    """Note what goes to others: it cannot reach them, since the browser knows no name of theirs."""
    if urlsplit(url.removeprefix("blob:")).hostname != HERE:
        watched.outside.append(url)


def _hear(said: Any, watched: Watched) -> None:
    """Errors are complaints, except that nobody is signed in yet: that is an answer."""
    if said.type in ("error", "warning") and "401" not in said.text:
        watched.complaints.append(said.text)


def session(chromium: Any, site: Site, role: str = "admin") -> dict[str, Any]:
    """Of somebody with ROLE, who signs in once for all tests: the first admin with the link of the first start, the
    others as that one lets them in.  {"cookies", "csrf"}"""
    if role not in site.sessions:
        if role == "admin":
            body = {"token": first_link(str(site.workspace.folder)), "name": NAME, "password": PASSWORD}
            site.sessions[role] = _entered(chromium, site, "session/link", body)
        else:
            body = {"name": f"{role}-one", "password": PASSWORD}
            _entered(chromium, site, "users", {**body, "role": role}, session(chromium, site))
            site.sessions[role] = _entered(chromium, site, "session", body)
    return site.sessions[role]


def called_at(url: str, cookies: list[Any]) -> list[Any]:
    """COOKIES as they are called at URL, whose port is in their names."""
    names = (one["name"].rpartition("_")[0] for one in cookies)
    return [{**one, "name": cookie_of(name, urlsplit(url).netloc)} for name, one in zip(names, cookies, strict=True)]


def _entered(chromium: Any, site: Site, path: str, body: Any, by: dict[str, Any] | None = None) -> dict[str, Any]:
    """What BODY sent to PATH of the API, BY somebody who is signed in, comes to."""
    context = chromium.new_context()
    headers = {"origin": site.url.rstrip("/")}
    if by:
        context.add_cookies(by["cookies"])
        headers["x-csrf-token"] = by["csrf"]
    done = context.request.post(f"{site.url}api/v1/{path}", data=body, headers=headers)
    assert done.ok, done.text()
    found = {"cookies": context.cookies(), "csrf": done.json().get("csrf", "")}
    context.close()
    return found
