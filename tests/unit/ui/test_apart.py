"""Nobody reaches what another made: every event, server function, route and file of the built app, tried as another.

What there is to try is found in the app itself: a new handler that forgets the person fails here without a new test.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from studio.events import Finished, Sample
from studio.people import Person, person_from
from studio.services.studio import Studio
from studio.services.voting import Voting
from studio.settings import read_settings
from studio.store.conversations import StoredReply, StoredTurn, open_conversations
from studio.ui.app import build_app, serve
from studio.ui.gate import SCOPE_KEY, Visit, answer
from studio.ui.login import Logins
from studio.ui.uploads import _take
from tests.adapter_runs import ended_export, ended_run
from tests.asking import Asked, Shape, iterate_answers
from tests.dataset_jobs import conversation, import_file, make_job, run_job
from tests.loops import run_apart
from tests.preference_projects import make_project, numbered_pair, sent_vote
from tests.unit.ui.test_downloads import PASSWORD, session
from tests.written_runs import WrittenRun

SECRET = "クアッガ"
"""In everything that ann made, and in nothing that anybody asks for: no id is made from Japanese."""

KNOWN = {"base": "pocket", "method": "sft", "adapter": "lora", "exporter": "adapter", "split": None, "query": None}
IMPORTED = {"sample_id": None, "fetch_id": None}
FINDING = {"check": "empty_sides", "code": "empty", "row_ids": None}
KNOWN_OF = {
    "data-table.page": {"lost": None},
    "data-table.count": {"rows": []},
    "data-table.look": {"action.kind": "delete", "filter": {}},
    "data-table.apply": {"action.kind": "delete", "filter": {}, "seen": None},
    "data-editor.words": {"what": "label"},
    "data-report.preview": IMPORTED,
    "data-report.same": IMPORTED,
    "data-report.attempt": {"as_record": True},
    "data-report.mend": {"as_record": True},
    "data-making.queue": {"state": "open"},
    "data-checks.findings": FINDING,
    "data-checks.preview": FINDING,
    "data-versions.differences": {"what": None},
    "data-versions.different_rows": {"what": None},
    "data-checks.run": {"checks": ["schema"]},
    "data-checks.fix": FINDING,
    "data-checks.ignore": FINDING | {"reason": "known", "finding_id": None},
    "data-deeds.preview_merge": {"rows": None, "times": 1, "kind": None},
    "data-deeds.preview_export": {"form": "jsonl", "selection": None},
    "preference-projects.create": {"kind": "pairs"},
    "compare.set_columns": {"kind": "model"},
}
"""What a function must be told beside the id of a thing before it looks for that thing."""

WITHOUT_A_REASON = {"compare.retry", "compare.catch_up"}
"""What knows only the columns on the person's own page, and refuses every other without saying more."""

PUBLIC = ("/whetstone/asset/", "/whetstone/words-", "/whetstone/login", "/whetstone/logout", "/whetstone/status")
OPEN_WITHOUT_LOGIN = {"/", "/favicon.ico", "/whetstone/login", "/gradio_api/startup-events"}


class World:
    """The app with ann, who has one of everything, and bob, who has nothing. Nothing of it starts a process."""

    def __init__(self, folder: Path) -> None:
        for name in ("ann", "bob"):
            Logins(folder / "logins.json").write(name, PASSWORD)
        arguments = ["--root", str(folder / "root"), "--port", "0", "--login", str(folder / "logins.json")]
        self.settings = read_settings(arguments, {})
        self.ann, self.bob = (person_from(name, {}, {}, self.settings) for name in ("ann", "bob"))
        fill_workspace(self.ann, folder)
        self.studio = Studio(self.settings)
        self.studio.queue.close()
        self.studio.server.close()
        for adapter in self.studio.adapters.list(self.ann):
            self.studio.adapters.write_notes(self.ann, adapter["id"], SECRET)
        self.demo = build_app(self.studio)
        self.address = serve(self.demo, self.studio)
        self.ids = known_ids(self.ann)

    def close(self) -> None:
        self.demo.close(verbose=False)
        self.studio.close()

    def request(self, person: Person, **scope: Any) -> Request:
        """A request as the door lets it through to a handler of this person."""
        headers = [(b"host", b"h"), (b"origin", b"http://h"), (b"content-type", b"application/json")]
        made = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
        return Request(made | scope | {SCOPE_KEY: Visit(self.settings, person.name)})


def fill_workspace(person: Person, folder: Path) -> None:
    workspace = person.workspace
    rows = folder / f"{SECRET}.jsonl"
    rows.write_text(
        "".join(json.dumps(conversation(f"{SECRET} {n}?", "Yes.")) + "\n" for n in range(20)) + f"{{{SECRET}"
    )
    unset = dict.fromkeys(("container", "encoding", "delimiter", "format"))
    dataset = import_file(workspace, rows, name=f"{SECRET} rows", held_out_fraction=0.1, **unset).dataset_id
    for _ in run_job(make_job(workspace, "save_version", {"dataset_id": dataset, "message": SECRET})):
        pass
    export = make_job(workspace, "export_rows", {"dataset_id": dataset, "form": "jsonl", "format": "messages"})
    compared = make_job(workspace, "differences", {"dataset_id": dataset, "before": None, "after": None})
    for job in (export, compared):
        for event in run_job(job):
            job.emit(event)
    ended_run(workspace, title=f"shop {SECRET}")
    run = WrittenRun(workspace, 1, title=f"shop {SECRET}")
    run.write(Sample(0, SECRET, SECRET), Finished(None, 1.0, {}))
    run.close()
    (run.folder.path / "output.log").write_text(SECRET)
    ended_export(workspace, content=SECRET.encode())
    pairs = [numbered_pair(n, a=f"{SECRET} {n}") for n in range(1, 5)]
    project, voting = make_project(person, pairs, name=f"{SECRET} project"), Voting()
    pair = voting.next_pairs(person, project, "page", [], 1)["pairs"][0]
    voting.vote(person, project, [sent_vote(pair, "left")])
    with open_conversations(workspace) as store:
        store.save_setup(person.id, [{"kind": "model", "id": "pocket", "name": "Pocket"}], {})
        store.insert_turn(person.id, StoredTurn(1, f"{SECRET}?", "deed"))
        store.save_reply(person.id, StoredReply(1, "model:pocket", "deed", "done", f"{SECRET}.", {}))
    (folder / "sent.jsonl").write_text(f'{{"prompt": "{SECRET}", "completion": "x"}}')
    _take(person, [str(folder / "sent.jsonl")])


def known_ids(person: Person) -> list[str]:
    """Whatever names something of a person: folders, files, and every id in the database."""
    workspace = person.workspace
    found = {path.name for place in workspace.iterdir() if place.is_dir() for path in place.iterdir()}
    found |= {name.partition(".")[0] for name in found} | {str(path) for path in workspace.glob("sent/*/*")}
    connection = sqlite3.connect(workspace / "studio.db")
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for _, column, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall():
            if column.endswith(("id", "fingerprint")):
                found |= {str(value) for (value,) in connection.execute(f"SELECT {column} FROM {table}")}
    connection.close()
    runs = {f"run:{path.name}" for path in workspace.glob("jobs/*-train-*")}
    models = {f"{workspace.name}/{name}" for name in [p.name for p in workspace.glob("adapters/*")] + sorted(runs)}
    found |= models | {f"model:{model}" for model in models}
    assert len(found) > 15 and not any(SECRET in name for name in found if "/" not in name), found
    return sorted(name for name in found if name and SECRET not in name)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("apart"))
    yield made
    made.close()


@pytest.fixture
def untouched(world) -> Iterator[Callable[[], None]]:
    """Call it: nothing of ann's has changed, and nothing of hers lies with bob."""
    before = fingerprint(world.ann.workspace)

    def check() -> None:
        assert fingerprint(world.ann.workspace) == before
        assert SECRET not in " ".join(contents(world.bob.workspace).values())

    yield check


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder as text; of a database what is in it, however it lies on the disk."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.endswith(("-wal", "-shm"))):
        if path.suffix == ".db":
            connection = sqlite3.connect(path)
            found[str(path)] = "\n".join(connection.iterdump())
            connection.close()
        else:
            found[str(path)] = path.read_bytes().decode("utf-8", "replace")
    return found


def fingerprint(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in contents(folder).items()}


# Server functions -----------------------------------------------------------------------------------------------------


def server_functions(demo: gr.Blocks) -> Iterator[tuple[str, bool, Callable]]:
    """`widget.name`, whether it writes, and the function at the gate, of everything a page can call."""
    for block in demo.blocks.values():
        for function in getattr(block, "server_fns", None) or getattr(block, "_server_fns", None) or ():
            behind = inspect.getclosurevars(function).nonlocals
            for kind in ("reads", "writes"):
                for name in behind[kind]:
                    yield f"{block.elem_id}.{name}", kind == "writes", function


def iterate_calls(world: World, person: Person, function: Callable, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    request = world.request(person)
    call = lambda asked: function({"name": name.rpartition(".")[2], "argument": asked}, request)  # noqa: E731
    yield from iterate_answers(call, world.ids, KNOWN | KNOWN_OF.get(name, {}))


def problems_of(world: World, function: Callable, name: str) -> list[str]:
    """What is wrong with a function when bob calls it with what names ann's things."""
    answers = list(iterate_calls(world, world.bob, function, name))
    shown = [
        f"{asked} shows {answer}"
        for asked, answer in answers
        if SECRET in json.dumps(answer, default=str, ensure_ascii=False)
    ]
    broken = [f"{asked}: {answer['message']}" for asked, answer in answers if answer.get("code") == "Unforeseen"]
    refused = {answer.get("code") for _, answer in answers} == {"RequestRefused"} and name not in WITHOUT_A_REASON
    return shown[:3] + broken[:3] + (["its argument was never understood"] if refused else [])


def test_every_server_function_of_every_widget_keeps_to_its_person(world, untouched):
    found = list(server_functions(world.demo))
    assert len(found) > 50 and {"data-table.page", "compare.look", "preference-pairs.vote"} <= {f[0] for f in found}
    wrong = {}
    for name, _, function in found:
        if problems := problems_of(world, function, name):
            wrong[name] = problems
        untouched()
    assert not wrong, json.dumps(wrong, indent=1, ensure_ascii=False)


def test_the_same_calls_show_ann_what_is_hers(world):
    """Or the test above would prove nothing: every read that takes an id answers whoever it belongs to."""
    silent = []
    for name, writes, function in server_functions(world.demo):
        if not writes and not any(answer["ok"] for _, answer in iterate_calls(world, world.ann, function, name)):
            silent.append(name)
    assert not silent


def test_a_function_that_forgets_the_person_is_found(world):
    """One that reads whatever is named, and one whose argument nobody can make out."""
    queue = world.studio.queue

    def careless(person: Person, asked: dict) -> str:
        return next((f.spec.title for f in queue.all_jobs() if f.id == asked.get("id")), "none")

    reads, writes = {"careless": careless}, {}

    def ws_call(call: Any, request: Request) -> dict[str, Any]:
        return answer(request, (reads | writes)[call["name"]], call["argument"], write=False)

    assert any("shows" in problem for problem in problems_of(world, ws_call, "careless"))


# Events ---------------------------------------------------------------------------------------------------------------


def answers_of(world: World, person: Person, event) -> Iterator[str]:
    """What an event says with each id in each of its inputs, in all of them, and in what the page sends along."""
    wants_data = [p for p in inspect.signature(event.fn).parameters.values() if "EventData" in str(p.annotation)]
    usual = [
        KNOWN.get((block.elem_id or "").rpartition("-")[2], getattr(block, "value", None)) for block in event.inputs
    ]
    for asked_id in world.ids:
        tried = [[asked_id] * len(usual), usual]
        tried += [[*usual[:n], asked_id, *usual[n + 1 :]] for n in range(min(len(usual), 8))]
        for values in tried:
            data = gr.EventData(None, Asked(Shape(), asked_id, KNOWN))
            try:
                yield repr(event.fn(world.request(person), *([data] if wants_data else []), *values))
            except gr.Error as error:
                yield str(error)


def test_every_event_keeps_to_its_person(world, untouched):
    events = [event for event in world.demo.fns.values() if event.fn is not None]
    assert len(events) >= 4
    for event in events:
        for said in answers_of(world, world.bob, event):
            assert SECRET not in said, (event.name, said)
            assert "reference" not in said, (event.name, said)
        untouched()
    assert any(SECRET in said for said in answers_of(world, world.ann, events[0])), "ann sees her own version"


# Routes and files -----------------------------------------------------------------------------------------------------


def all_routes(routes) -> Iterator[Any]:
    """Every route, those of the routers that Gradio includes as well."""
    for route in routes:
        inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
        if inner:
            yield from all_routes(inner)
        elif getattr(route, "path", None) is not None:
            yield route


def said_by(world: World, person: Person, route, asked_id: str) -> str:
    """Everything a route of ours sends, with the id in its path and in whatever it looks for in the query."""
    names = [part.strip("{}").partition(":")[0] for part in route.path.replace(".", "/").split("/") if "{" in part]
    request = world.request(person, method="GET", path=route.path, path_params=dict.fromkeys(names, asked_id))
    found = []
    for known in ({"what": asked_id}, {"what": "votes", "cursor": "null"}, {"what": "kto"}):
        request.scope["path_params"] |= {name: known[name] for name in names if name in known}
        request._query_params = Asked(Shape(), asked_id, known)
        found.append(run_apart(read_response(route.endpoint, request)))
    return "\n".join(found)


async def read_response(endpoint: Callable, request: Request) -> str:
    made = endpoint(request)
    response: Response = await made if inspect.isawaitable(made) else made
    if isinstance(response, FileResponse):
        return Path(response.path).read_bytes().decode("utf-8", "replace")
    if not isinstance(response, StreamingResponse):
        return bytes(response.body).decode("utf-8", "replace")
    parts = [part async for part in response.body_iterator]
    return "".join(part if isinstance(part, str) else part.decode() for part in parts)


def test_every_route_of_ours_keeps_to_its_person(world, untouched):
    routes = [r for r in all_routes(world.demo.app.routes) if r.path.startswith("/whetstone/")]
    personal = [route for route in routes if not route.path.startswith(PUBLIC)]
    assert len(personal) >= 4
    for route in personal:
        for asked_id in world.ids:
            assert SECRET not in said_by(world, world.bob, route, asked_id), route.path
        shown = [asked_id for asked_id in world.ids if SECRET in said_by(world, world.ann, route, asked_id)]
        assert shown, f"{route.path} shows ann nothing of hers: the test asks in the wrong way"
    untouched()


def test_no_file_of_anybody_is_served_by_its_path(world):
    files = [path for path in world.settings.root.rglob("*") if path.is_file()]
    assert len(files) > 20
    for name in ("ann", "bob"):
        with session(world.address, name) as client:
            for path in files:
                for address in (f"gradio_api/file={path}", f"file={path}", f"gradio_api/stream/{path}"):
                    assert client.get(address).status_code in (403, 404), (name, address)


def test_an_upload_belongs_to_whoever_sent_it(world):
    """Also where two people send the very same file: each has one, and neither can name the other's."""
    sent = {}
    own = {"origin": world.address.rstrip("/")}
    for name in ("ann", "bob"):
        with session(world.address, name) as client:
            reply = client.post("gradio_api/upload", files={"files": ("same.txt", b"same")}, headers=own)
            sent[name] = Path(reply.json()[0])
    assert sent["ann"].is_relative_to(world.ann.workspace) and sent["bob"].is_relative_to(world.bob.workspace)
    assert sent["ann"].read_bytes() == sent["bob"].read_bytes() == b"same"
    for path in sent.values():
        path.unlink()
        path.parent.rmdir()


def test_without_a_session_no_route_answers_but_the_login_page(world):
    routes = [route for route in all_routes(world.demo.app.routes) if getattr(route, "methods", None)]
    assert len(routes) > 40
    with httpx.Client(base_url=world.address, timeout=20) as client:
        for route in routes:
            path = "/".join("x" if "{" in part else part for part in route.path.split("/"))
            for method in sorted(route.methods - {"HEAD", "OPTIONS"}):
                reply = client.request(method, path.lstrip("/"), headers={"origin": world.address.rstrip("/")})
                if path in OPEN_WITHOUT_LOGIN or path.startswith(PUBLIC[:4]):
                    assert SECRET not in reply.text
                else:
                    assert reply.status_code == 401, (method, path)
