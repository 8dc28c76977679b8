"""Projects out and in over the API: listed, written, looked into, brought in, removed; an admin's alone."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.console.conftest import Guest
from tests.runner import chain
from tests.runner.test_runners import task_of

from aimass.console import archives
from aimass.console.access import audit
from aimass.console.jobs import progress
from aimass.console.jobs.attempt import folder_of
from aimass.console.jobs.progress import Written
from aimass.console.jobs.work import data_of
from aimass.console.jobs.worker import Worker
from aimass.console.looks import ask
from aimass.console.place import Place
from aimass.project.archive.write import export_project
from aimass.runner.workspace import Workspace
from aimass.store.catalog import Catalog
from aimass.store.jobs import Jobs

ARCHIVE = "/api/v1/archive"


def numbers(space: Workspace, project: str = "p", rows: int = 3) -> None:
    made = space.run(task_of(chain.make, {}, rows=rows), save_as=f"{project}/numbers")
    space.run(task_of(chain.total, {"dataset": made.digest}), save_as=f"{project}/total")


def worked(place: Place) -> dict[str, Any]:
    """The oldest job, carried out."""
    worker = Worker(place.workspace)
    row = worker.jobs.claim(worker.holder)
    assert row is not None
    worker.see_through(row)
    return worker.jobs.row(row["id"])


@pytest.fixture
def brought(place: Place, tmp_path: Path) -> str:
    """An archive of another workspace in the data folder, as an upload leaves it."""
    other = Workspace(tmp_path / "other")
    numbers(other, "far", rows=7)
    data_of(place.workspace).mkdir()
    export_project(other, "far", data_of(place.workspace) / "far.aimass.zip", text='name = "far"')
    return "data:far.aimass.zip"


def test_a_project_leaves_as_a_job_and_its_file_is_fetched(admin: TestClient, place: Place, catalog: Catalog) -> None:
    numbers(place.workspace)
    assert [row["name"] for row in admin.get(ARCHIVE).json()["projects"]] == ["p"]
    asked = admin.post(f"{ARCHIVE}/export", json={"project": "p"})
    assert (asked.status_code, asked.json()["kind"], asked.json()["label"]) == (202, "export", "p")
    done = worked(place)
    assert done["state"] == "finished", done["error"]
    far = progress.told(folder_of(place.workspace, done["id"]))
    assert far and far["what"] == "bytes" and far["done"] == far["of"] > 0
    listed = admin.get(ARCHIVE).json()
    [file] = listed["files"]
    assert file["file"] == done["outcome"]["file"] and not file["brought"] and listed["jobs"][0]["state"] == "finished"
    bytes = admin.get(f"{ARCHIVE}/files/{file['file']}")
    assert len(bytes.content) == file["bytes"] == done["outcome"]["bytes"] and bytes.content[:2] == b"PK"
    assert f'filename="{file["file"]}"' in bytes.headers["content-disposition"]
    assert (
        "artifacts" in admin.get(f"/api/v1/jobs/{done['id']}/log").json()["text"] or done["outcome"]["artifacts"] == 2
    )
    assert admin.delete(f"{ARCHIVE}/files/{file['file']}").status_code == 204
    assert admin.get(ARCHIVE).json()["files"] == []
    told = [row["what"] for row in audit.entries(catalog, what="archive.")]
    assert told == ["archive.remove", "archive.download", "archive.export"]


def test_a_job_says_how_far_it_is_while_it_goes_on(admin: TestClient, place: Place) -> None:
    numbers(place.workspace)
    job = admin.post(f"{ARCHIVE}/export", json={"project": "p"}).json()["id"]
    folder = folder_of(place.workspace, job)
    folder.mkdir(parents=True)
    Written(folder)("bytes", 30, 40)
    assert admin.get(ARCHIVE).json()["jobs"][0]["progress"] is None  # said by an attempt before
    assert Jobs(place.catalog).claim("a worker")
    assert admin.get(ARCHIVE).json()["jobs"][0]["progress"] == {"what": "bytes", "done": 30, "of": 40}
    assert Written(folder) and admin.get(ARCHIVE).json()["jobs"][0]["progress"] is None, "it has begun anew"


def test_an_archive_is_brought_by_an_upload(admin: TestClient, place: Place, brought: str) -> None:
    whole = (data_of(place.workspace) / "far.aimass.zip").read_bytes()
    (data_of(place.workspace) / "far.aimass.zip").unlink()
    begun = admin.post("/api/v1/uploads", json={"name": "far.aimass.zip", "size": len(whole)})
    assert begun.status_code == 201, begun.text
    at = f"/api/v1/uploads/{begun.json()['id']}"
    assert (
        admin.put(f"{at}?at=0", content=whole, headers={"content-type": "application/octet-stream"}).status_code == 200
    )
    assert admin.post(f"{at}/take", json={}).status_code == 201
    assert admin.get(f"{ARCHIVE}/look", params={"file": brought}).json()["project"] == "far"


def test_an_archive_is_looked_into_and_comes_in_as_a_job(
    admin: TestClient, place: Place, brought: str, catalog: Catalog
) -> None:
    [file] = admin.get(ARCHIVE).json()["files"]
    assert (file["file"], file["brought"]) == (brought, True)
    seen = admin.get(f"{ARCHIVE}/look", params={"file": brought}).json()
    assert (seen["project"], seen["artifacts"], seen["runs"]) == ("far", {"dataset": 1, "report": 1}, 2)
    assert seen["sha256"] == sha256((data_of(place.workspace) / brought.removeprefix("data:")).read_bytes()).hexdigest()
    assert seen["new"]["artifacts"] == 2 and seen["new"]["against"] == [] and seen["project_file"]
    assert place.workspace.names() == []
    asked = admin.post(f"{ARCHIVE}/import", json={"file": brought})
    assert (asked.status_code, asked.json()["kind"]) == (202, "import")
    done = worked(place)
    assert done["state"] == "finished", done["error"]
    assert done["outcome"]["releases"] == [] and done["outcome"]["new"]["artifacts"] == 2
    assert {row["name"] for row in place.workspace.names()} == {"far/numbers", "far/total"}
    assert admin.get(f"{ARCHIVE}/look", params={"file": brought}).json()["new"]["artifacts"] == 0
    [entry] = audit.entries(catalog, what="archive.import")
    assert (entry["subject"], entry["after"]["file"], entry["who"]) == ("far", brought, "ada")


def test_what_does_not_go_into_this_workspace_is_no_job(admin: TestClient, place: Place, brought: str) -> None:
    numbers(place.workspace, "far", rows=8)
    done = admin.post(f"{ARCHIVE}/import", json={"file": brought})
    assert (
        done.status_code == 422 and "far cannot come into this workspace: far/numbers leads to" in done.json()["error"]
    )
    (data_of(place.workspace) / "evil.aimass.zip").write_bytes(b"PK evil")
    for refused in (admin.get(f"{ARCHIVE}/look?file=data:evil.aimass.zip"),
                admin.post(f"{ARCHIVE}/import", json={"file": "data:evil.aimass.zip"})):  # fmt: skip
        assert refused.status_code == 422 and "evil.aimass.zip is no whole archive" in refused.json()["error"]
    assert admin.post(f"{ARCHIVE}/export", json={"project": "../p"}).status_code == 422
    assert admin.get(ARCHIVE).json()["jobs"] == []


def test_an_archive_is_looked_into_by_a_process_that_may_die(
    admin: TestClient, brought: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "MEMORY", 40 << 20)  # too little even to begin
    for done in (admin.get(f"{ARCHIVE}/look", params={"file": brought}),
                 admin.post(f"{ARCHIVE}/import", json={"file": brought})):  # fmt: skip
        assert (done.status_code, done.json()["error"]) == (422, "far.aimass.zip broke its reader")
    assert admin.get(ARCHIVE).json()["jobs"] == []


def test_two_exports_of_a_moment_are_two_files(admin: TestClient, place: Place) -> None:
    numbers(place.workspace)
    files = {admin.post(f"{ARCHIVE}/export", json={"project": "p"}).json()["id"] for _ in range(3)}
    works = [job["work"]["file"] for job in (admin.get(f"/api/v1/jobs/{id}").json() for id in files)]
    assert len(set(works)) == 3 and all(file.endswith(".aimass.zip") for file in works)


NOT_LISTED = (
    "nothing", "..%2fcatalog.db", "data:..%2f..%2fsecret.aimass.zip", "data:link.aimass.zip", ".hidden.aimass.zip",
    "%2fetc%2fpasswd", "data:", "far.aimass.zip",
)  # fmt: skip


@pytest.mark.parametrize("name", NOT_LISTED)
def test_only_what_the_list_names_is_reached(admin: TestClient, place: Place, brought: str, name: str) -> None:
    (place.workspace.folder / "secret.aimass.zip").write_bytes(b"secret")
    (data_of(place.workspace) / "link.aimass.zip").symlink_to(place.workspace.folder / "catalog.db")
    archives.folder_of(place.workspace).mkdir()
    (archives.folder_of(place.workspace) / ".hidden.aimass.zip").write_bytes(b"half")
    assert [row["file"] for row in admin.get(ARCHIVE).json()["files"]] == [brought]
    for method in ("GET", "DELETE"):
        assert admin.request(method, f"{ARCHIVE}/files/{name}").status_code in (404, 405), method
    assert admin.get(f"{ARCHIVE}/look?file={name}").status_code == 404
    assert (place.workspace.folder / "secret.aimass.zip").exists()


def test_only_an_admin_brings_projects_out_and_in(admin: TestClient, guest: Guest, place: Place) -> None:
    numbers(place.workspace)
    operator = guest("operator")
    assert operator.get(ARCHIVE).json()["permission"] == "archive.use"
    job = admin.post(f"{ARCHIVE}/export", json={"project": "p"}).json()["id"]
    assert admin.post(f"/api/v1/jobs/{job}/cancel").status_code == 202
    again = operator.post(f"/api/v1/jobs/{job}/resume")
    assert (again.status_code, again.json()["permission"]) == (403, "archive.use")
    assert admin.post(f"/api/v1/jobs/{job}/resume").status_code == 202
