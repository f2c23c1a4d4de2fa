"""Who comes to a Space: a visitor by a signed cookie, or somebody who signed in; over real HTTP."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from studio.people import Identity, person_from
from studio.services.studio import Studio
from studio.settings import read_settings
from studio.ui.app import build_app, serve
from studio.ui.identity import COOKIE, VisitorCookies, find_profile, read_key

SPACE = {"SPACE_ID": "someone/whetstone", "SPACE_HOST": "someone-whetstone.hf.space"}


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    root = tmp_path_factory.mktemp("space") / "root"
    studio = Studio(read_settings(["--root", str(root), "--port", "0", "--host", "127.0.0.1"], SPACE))
    demo = build_app(studio)
    yield serve(demo, studio), root
    demo.close(verbose=False)
    studio.close()


@contextmanager
def visitor(address: str) -> Iterator[httpx.Client]:
    """A browser that has opened the page."""
    with httpx.Client(base_url=address, timeout=20) as client:
        assert client.get("").status_code == 200
        yield client


def test_only_what_was_signed_with_the_key_is_a_visitor():
    cookies = VisitorCookies(b"k" * 32)
    token = cookies.make()
    number, _, signature = token.partition(".")
    assert cookies.find(token) == Identity(f"visitor-{number}", None)
    other = VisitorCookies(b"l" * 32).make()
    changed = f"{number[:-1]}{'0' if number[-1] != '0' else '1'}.{signature}"
    forged = [None, "", number, f"{number}.", f".{signature}", changed, other, f"{token}x", f"../{token}", "é.é"]
    assert [cookies.find(token) for token in forged] == [None] * len(forged)


def test_the_key_of_a_root_stays_and_only_its_owner_can_read_it(tmp_path):
    key = read_key(tmp_path)
    assert len(key) == 32 and read_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "visitors.key").stat().st_mode) == 0o600
    (tmp_path / "visitors.key").write_bytes(b"torn")
    assert len(read_key(tmp_path)) == 32


def test_the_account_and_not_its_name_owns_the_workspace(settings):
    """A name given up on the Hub may be taken by somebody else; the account's id may not."""
    session = {
        "oauth_info": {"expires_at": time.time() + 60, "userinfo": {"sub": "65b2", "preferred_username": "visitor-x"}}
    }
    person = person_from(None, {}, {}, settings, find_profile(session))
    assert (person.id, person.name) == ("hf-65b2", "visitor-x")
    for wrong in (None, {}, {"oauth_info": 3}, {"oauth_info": {"userinfo": session["oauth_info"]["userinfo"]}}):
        assert find_profile(wrong) is None
    session["oauth_info"]["expires_at"] = time.time() - 1
    assert find_profile(session) is None


def test_the_page_brings_a_cookie_and_keeps_the_one_that_is_good(space):
    address, _ = space
    with visitor(address) as client:
        first = client.cookies[COOKIE]
        reply = client.get("")
        assert "set-cookie" not in reply.headers and client.cookies[COOKIE] == first
        assert client.get("whetstone/status").json()["banners"][0]["code"] == "visitor"
    given = httpx.get(address).headers["set-cookie"]
    assert "HttpOnly" in given and "SameSite=Lax" in given and "Secure" not in given


def test_behind_the_proxy_of_a_space_the_cookie_is_kept_in_the_frame_of_another_site(space):
    given = httpx.get(space[0], headers={"x-forwarded-proto": "https"}).headers["set-cookie"]
    assert given.endswith("HttpOnly; SameSite=None; Secure; Partitioned")


def test_a_forged_cookie_is_refused_with_a_sentence_and_the_page_brings_a_new_one(space):
    address, _ = space
    forged = {"cookie": f"{COOKIE}={'0' * 32}.{'0' * 64}", "accept-language": "ja"}
    refused = httpx.get(f"{address}whetstone/status", headers=forged)
    assert (refused.status_code, refused.json()["code"]) == (403, "VisitorUnknown")
    assert "Cookie" in refused.json()["message"] and "ウィンドウ" in refused.json()["hint"]
    assert f"{COOKIE}=" in httpx.get(address, headers=forged).headers["set-cookie"]


def test_whoever_only_looks_leaves_nothing_on_the_disk(space):
    address, root = space
    with visitor(address) as client:
        client.get("whetstone/status")
    assert not list(root.glob("people/*"))


def test_another_site_cannot_even_read_what_a_visitor_sees(space):
    """Gradio lets every site read a page that is not on loopback, with the cookies of the Space's own frame."""
    address, _ = space
    with visitor(address) as client:
        for origin in ("https://evil.example", "null", "https://huggingface.co"):
            assert client.get("whetstone/status", headers={"origin": origin}).status_code == 403, origin
        for origin in (address.rstrip("/"), "https://someone-whetstone.hf.space"):
            assert client.get("whetstone/status", headers={"origin": origin}).status_code == 200, origin


def test_folders_and_endpoints_are_refused_at_the_start(tmp_path, capsys):
    for flags in (["--models", str(tmp_path)], ["--endpoint", "local=http://127.0.0.1:9"]):
        with pytest.raises(SystemExit):
            read_settings(flags, SPACE)
        assert "a Space, which anybody may visit, has neither" in capsys.readouterr().err


def test_a_space_serves_its_proxy_and_signs_in_only_where_it_was_told_how(tmp_path):
    assert read_settings([], SPACE).host == "0.0.0.0" and not read_settings([], SPACE).has_sign_in
    names = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL")
    told = SPACE | dict.fromkeys(names, "x") | {"SYSTEM": "spaces"}
    assert read_settings([], told).has_sign_in
    assert not read_settings([], told | {"OAUTH_CLIENT_SECRET": ""}).has_sign_in
    assert not read_settings([], dict.fromkeys(names, "x")).has_sign_in
