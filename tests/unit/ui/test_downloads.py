"""An export is sent to the person it belongs to, whole or in ranges, and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from studio.services.studio import Studio
from studio.settings import read_settings
from studio.ui.app import build_app, serve
from studio.ui.login import Logins
from tests.adapter_runs import ended_export, ended_run

CONTENT = bytes(range(256)) * 400
PASSWORD = "right horse battery"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """An app with two people; ann has a zip, a folder and a training run."""
    folder = tmp_path_factory.mktemp("downloads")
    for name in ("ann", "bob"):
        Logins(folder / "logins.json").write(name, PASSWORD)
    workspace = folder / "root" / "people" / "ann"
    jobs = {
        "zip": ended_export(workspace, 1, content=CONTENT),
        "folder": ended_export(workspace, 2, form="folder"),
        "gone": ended_export(workspace, 3),
        "run": ended_run(workspace).id,
    }
    (workspace / "exports" / jobs["gone"] / "polite.zip").unlink()
    arguments = ["--root", str(folder / "root"), "--port", "0", "--login", str(folder / "logins.json")]
    studio = Studio(read_settings(arguments, {}))
    demo = build_app(studio)
    yield serve(demo, studio), jobs
    demo.close(verbose=False)
    studio.close()


@contextmanager
def session(address: str, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=20) as client:
        form, own = {"name": name, "password": PASSWORD}, {"origin": address.rstrip("/")}
        assert client.post("whetstone/login", data=form, headers=own).status_code == 303
        yield client


def test_its_owner_gets_the_file_as_it_is(guarded):
    address, jobs = guarded
    with session(address, "ann") as ann:
        reply = ann.get(f"whetstone/download/{jobs['zip']}")
        assert reply.content == CONTENT and reply.headers["content-type"] == "application/zip"
        assert reply.headers["content-disposition"] == 'attachment; filename="polite.zip"'
        assert "content-encoding" not in reply.headers and "no-store" in reply.headers["cache-control"]


def test_a_download_that_broke_off_goes_on_where_it_was(guarded):
    address, jobs = guarded
    with session(address, "ann") as ann:
        rest = ann.get(f"whetstone/download/{jobs['zip']}", headers={"range": "bytes=100000-"})
        assert (rest.status_code, rest.content) == (206, CONTENT[100_000:])
        assert rest.headers["content-range"] == f"bytes 100000-{len(CONTENT) - 1}/{len(CONTENT)}"
        assert ann.get(f"whetstone/download/{jobs['zip']}", headers={"range": "bytes=999999-"}).status_code == 416


def test_another_person_is_told_that_there_is_no_such_file(guarded):
    address, jobs = guarded
    with session(address, "bob") as bob:
        theirs = bob.get(f"whetstone/download/{jobs['zip']}")
        nobodys = bob.get("whetstone/download/20260102T000000009Z-export-nothing")
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json() == nobodys.json(), "the answer does not tell whether it exists"


def test_nobody_without_a_session_gets_anything(guarded):
    address, jobs = guarded
    assert httpx.get(f"{address}whetstone/download/{jobs['zip']}").status_code == 401


def test_what_is_no_finished_zip_is_not_sent(guarded):
    address, jobs = guarded
    hostile = ("..%2F..%2Flogins.json", "%2e%2e", "x" * 3000, "0", jobs["run"], jobs["folder"], jobs["gone"])
    with session(address, "ann") as ann:
        for wrong in hostile:
            assert ann.get(f"whetstone/download/{wrong}").status_code == 404, wrong
        assert ann.post(f"whetstone/download/{jobs['zip']}").status_code in (404, 405)


def test_a_login_hides_the_paths_of_the_serving_computer(guarded):
    """Whoever is logged in sits before another computer: a folder on this one is of no use and none of their business."""
    address, _ = guarded
    with session(address, "ann") as ann:
        config = ann.get("config").json()
        component = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "exports")
        body = {
            "data": {"name": "list", "argument": {}},
            "component_id": component,
            "fn_name": "ws_call",
            "session_hash": "t",
        }
        listed = ann.post("gradio_api/component_server/", json=body).json()["value"]
        assert len(listed) == 3 and not any(entry["path"] for entry in listed)
