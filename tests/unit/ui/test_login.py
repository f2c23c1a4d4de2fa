"""The login: hashes, sessions, growing waits, and a door that is closed to everybody else."""

from __future__ import annotations

import json
import stat
import subprocess
import sys

import httpx
import pytest

from studio.errors import LoginMissing, LoginPaused, LoginRefused, LoginUnreadable, NameTaken, NameUnsafe
from studio.services.studio import Studio
from studio.settings import read_settings
from studio.ui.app import build_app, check_settings, serve
from studio.ui.login import SESSION_S, Doorkeeper, Logins, Sessions, Throttle


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "logins.json"
    Logins(path).write("ann", "right horse battery")
    return path


def test_the_file_holds_salted_hashes_and_is_readable_by_its_owner_alone(file):
    Logins(file).write("bob", "right horse battery")
    people = json.loads(file.read_text())["people"]
    assert people["ann"]["hash"] != people["bob"]["hash"], "the same password, two salts"
    assert "horse" not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_only_the_right_name_and_password_are_right(file):
    logins = Logins(file)
    assert logins.is_right("ann", "right horse battery")
    assert not logins.is_right("ann", "right horse batterY")
    assert not logins.is_right("nobody", "right horse battery")


def test_short_passwords_and_odd_names_are_refused(file):
    with pytest.raises(ValueError, match="8 characters"):
        Logins(file).write("cara", "short")
    for name in ("", " x", "a\nb", "n" * 65):
        with pytest.raises(NameUnsafe):
            Logins(file).write(name, "long enough password")


def test_the_command_adds_a_person_from_standard_input(tmp_path):
    file = tmp_path / "made.json"
    command = [sys.executable, "-m", "studio.ui.login", "add", "鈴木", str(file)]
    done = subprocess.run(command, input="correct horse\n", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Logins(file).is_right("鈴木", "correct horse")
    short = subprocess.run(command, input="x\n", capture_output=True, text=True, check=False)
    assert short.returncode == 1 and "8 characters" in short.stderr


def run_command(*arguments: str, password: str = "") -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "studio.ui.login", *arguments]
    return subprocess.run(command, input=f"{password}\n", capture_output=True, text=True, check=False)


def test_the_command_prints_an_entry_for_a_file_that_is_kept_elsewhere(tmp_path):
    printed = run_command("hash", "cara", password="correct horse").stdout
    file = tmp_path / "made.json"
    file.write_text('{"format": 1, "people": {' + printed + "}}")
    assert Logins(file).is_right("cara", "correct horse") and not Logins(file).is_right("cara", "correct")
    assert run_command("hash", "cara", password="x").returncode == 1


def test_the_command_removes_a_person_who_is_there(file):
    assert run_command("remove", "ann", str(file)).returncode == 0
    assert Logins(file).read() == {}
    assert run_command("remove", "ann", str(file)).returncode == 1


def test_two_names_that_some_disks_take_for_one_folder_are_not_both_let_in(file):
    for name in ("Ann", "ＡＮＮ"):
        with pytest.raises(NameTaken):
            Logins(file).write(name, "long enough password")
    with pytest.raises(NameUnsafe):
        Logins(file).write("🦓" * 60, "long enough password")
    Logins(file).write("ann", "another long password")


def test_a_session_ends_with_another_password_and_with_the_person(file):
    Logins(file).write("bob", "right horse battery")
    keeper = Doorkeeper(file)
    ann, bob = (keeper.attempt(name, "right horse battery", "10.0.0.1") for name in ("ann", "bob"))
    Logins(file).write("ann", "another long password")
    assert (keeper.find(ann), keeper.find(bob)) == (None, "bob")
    again = keeper.attempt("ann", "another long password", "10.0.0.1")
    assert keeper.find(again) == "ann"
    Logins(file).remove("bob")
    assert (keeper.find(again), keeper.find(bob)) == ("ann", None)
    file.write_text("torn")
    assert keeper.find(again) is None, "a file that cannot be read admits nobody"


def test_the_wait_doubles_from_the_fourth_failure_on_and_a_success_forgives():
    """Failures 1 to 3 cost nothing, the 4th 1 s, the 5th 2 s, the 6th 4 s, and never more than 300 s."""
    clock = Clock()
    throttle = Throttle(clock)
    waits = []
    for _ in range(15):
        throttle.note_failure("name ann")
        waits.append(throttle.wait_s("name ann"))
    assert waits[:7] == [0, 0, 0, 1, 2, 4, 8]
    assert max(waits) == 300
    assert throttle.wait_s("name bob") == 0
    clock.now += 300
    assert throttle.wait_s("name ann") == 0
    throttle.note_success("name ann")
    throttle.note_failure("name ann")
    assert throttle.wait_s("name ann") == 0


def test_a_paused_name_is_not_even_looked_at_with_the_right_password(file):
    keeper = Doorkeeper(file)
    for _ in range(4):
        with pytest.raises(LoginRefused):
            keeper.attempt("ann", "wrong", "10.0.0.1")
    with pytest.raises(LoginPaused) as paused:
        keeper.attempt("ann", "right horse battery", "10.0.0.2")
    assert paused.value.values["seconds"] == 1


def test_a_session_ends_by_itself_and_by_logging_out():
    clock = Clock()
    sessions = Sessions(clock)
    first, second = sessions.open("ann"), sessions.open("ann")
    assert (sessions.find(first), sessions.find("made up"), sessions.find(None)) == ("ann", None, None)
    sessions.close(first)
    assert (sessions.find(first), sessions.find(second)) == (None, "ann")
    clock.now += SESSION_S
    assert sessions.find(second) is None


def test_an_open_host_needs_a_login_except_on_a_space(tmp_path, file):
    def settings(*arguments: str, **environment: str):
        return read_settings(["--root", str(tmp_path), "--port", "0", *arguments], environment)

    with pytest.raises(LoginMissing):
        check_settings(settings("--host", "0.0.0.0"))
    check_settings(settings("--host", "0.0.0.0", "--login", str(file)))
    check_settings(settings("--host", "0.0.0.0", SPACE_ID="a/b"))
    file.write_text("{}")
    with pytest.raises(LoginUnreadable):
        check_settings(settings("--login", str(file)))


@pytest.fixture
def guarded(tmp_path, file):
    studio = Studio(read_settings(["--root", str(tmp_path / "root"), "--port", "0", "--login", str(file)], {}))
    demo = build_app(studio)
    address = serve(demo, studio)
    yield address, demo
    demo.close(verbose=False)
    studio.close()


def test_without_a_session_only_the_login_page_and_its_looks_are_open(guarded):
    address, demo = guarded
    with httpx.Client(base_url=address, timeout=20) as http:
        assert http.get("").headers["location"] == "whetstone/login"
        page = http.get("whetstone/login", headers={"accept-language": "ja"})
        assert page.status_code == 200 and "パスワード" in page.text and "gradio_config" not in page.text
        closed = [route.path for route in demo.app.routes if "GET" in (getattr(route, "methods", None) or ())]
        left_open = {"/", "/favicon.ico", "/whetstone/login", "/gradio_api/startup-events"}
        for path in {path for path in closed if "{" not in path} - left_open:
            assert http.get(path).status_code == 401, path
        for path in ("config", "gradio_api/info", "gradio_api/file=/etc/passwd", "assets/x.js", "whetstone/status"):
            assert http.get(path).status_code == 401, path
        for path in (
            "gradio_api/queue/join",
            "gradio_api/upload",
            "gradio_api/component_server/",
            "gradio_api/run/predict",
        ):
            assert http.post(path, json={}).status_code == 401, path


def test_a_login_opens_the_page_as_that_person_and_leaving_closes_it(guarded):
    address, demo = guarded
    own = {"origin": address.rstrip("/")}
    form = {"name": "ann", "password": "right horse battery"}
    with httpx.Client(base_url=address, timeout=20) as http:
        assert http.post("whetstone/login", data=form, headers={"origin": "http://evil.example"}).status_code == 403
        wrong = http.post("whetstone/login", data={**form, "password": "wrong"}, headers=own)
        assert wrong.status_code == 403 and "Name or password is wrong." in wrong.text
        entered = http.post("whetstone/login", data=form, headers=own)
        assert (entered.status_code, entered.headers["location"]) == (303, "../")
        assert (
            "httponly" in entered.headers["set-cookie"].lower()
            and "samesite=lax" in entered.headers["set-cookie"].lower()
        )
        assert http.get("").status_code == 200
        component = next(block._id for block in demo.blocks.values() if block.elem_id == "settings")
        body = {
            "data": {"name": "facts", "argument": {}},
            "component_id": component,
            "fn_name": "ws_call",
            "session_hash": "t",
        }
        facts = http.post("gradio_api/component_server/", json=body).json()["value"]
        assert facts["name"] == "ann" and facts["places"][0]["path"].endswith("/people/ann")
        http.post("whetstone/logout", headers=own)
        assert http.get("whetstone/status").status_code == 401
