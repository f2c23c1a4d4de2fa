"""Who asks, whether they may, and what they are told: over real HTTP against the real page, without a browser."""

from __future__ import annotations

import re

import httpx
import pytest

from studio.services.studio import Studio
from studio.settings import read_settings
from studio.ui.app import allowed_hosts, build_app, serve


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    studio = Studio(read_settings(["--root", str(tmp_path_factory.mktemp("gate") / "root"), "--port", "0"], {}))
    demo = build_app(studio)
    address = serve(demo, studio)
    yield demo, address
    demo.close(verbose=False)
    studio.close()


@pytest.fixture
def http(served):
    with httpx.Client(base_url=served[1], timeout=20) as client:
        yield client


def call(client: httpx.Client, demo, elem_id: str, name: str, argument=None, **headers):
    """One call of a widget as the page makes it."""
    component = next(block._id for block in demo.blocks.values() if block.elem_id == elem_id)
    body = {"data": {"name": name, "argument": {} if argument is None else argument}, "component_id": component,
            "fn_name": "ws_call", "session_hash": "test"}  # fmt: skip
    return client.post("gradio_api/component_server/", json=body, headers=headers)


def test_a_read_answers_the_page(http, served):
    reply = call(http, served[0], "settings", "facts").json()
    assert reply["ok"] and reply["value"]["machine"]["cores"] >= 1


def test_a_name_that_is_no_function_of_the_widget_is_refused(http, served):
    for name in ("read", "__class__", "build", None, 3):
        reply = call(http, served[0], "settings", name).json()
        assert (reply["ok"], reply["code"]) == (False, "RequestRefused"), name


def test_an_argument_of_another_shape_is_refused(http, served):
    for argument in ([1], "x", 7):
        assert call(http, served[0], "settings", "facts", argument).json()["code"] == "RequestRefused"


def test_a_write_that_names_no_page_of_ours_is_refused_in_the_persons_language(http, served):
    origin = served[1].rstrip("/")
    delete = lambda **headers: call(http, served[0], "runs", "delete", {"id": "x"}, **headers).json()  # noqa: E731
    assert delete()["code"] == "RequestRefused", "a page always says where it is from"
    assert delete(origin=origin)["code"] != "RequestRefused"
    japanese = delete(cookie="whetstone_language=ja")
    assert japanese["message"] == "この要求は受け付けられません。"


def test_another_site_can_send_nothing_not_even_an_upload(http, served):
    """A form of another site may send an upload without asking first; only its Origin tells."""
    foreign = {"origin": "http://evil.example"}
    assert call(http, served[0], "settings", "facts", **foreign).status_code == 403
    assert http.post("gradio_api/upload", files={"files": ("a.txt", "x")}, headers=foreign).status_code == 403
    assert (
        http.post("gradio_api/upload", files={"files": ("a.txt", "x")}, headers={"origin": "null"}).status_code == 403
    )
    own = {"origin": served[1].rstrip("/")}
    assert http.post("gradio_api/upload", files={"files": ("a.txt", "x")}, headers=own).status_code == 200


def test_the_page_may_ask_nothing_of_other_hosts_nor_be_framed_by_them(http):
    policy = http.get("").headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'self'" in policy and "http" not in policy


def test_a_call_as_plain_text_is_refused(http, served):
    """Gradio's endpoint reads text/plain, which any site may send without asking first."""
    component = next(block._id for block in served[0].blocks.values() if block.elem_id == "runs")
    body = f'{{"data": {{"name": "delete", "argument": {{"id": "x"}}}}, "component_id": {component}, "fn_name": "ws_call", "session_hash": "t"}}'
    headers = {"content-type": "text/plain", "origin": served[1].rstrip("/")}
    assert http.post("gradio_api/component_server/", content=body, headers=headers).json()["code"] == "RequestRefused"


def test_another_host_name_is_refused_and_ipv6_loopback_is_not(http):
    assert http.get("", headers={"host": "evil.example"}).status_code == 400
    assert http.get("", headers={"host": "localhost:1"}).status_code == 200
    assert http.get("", headers={"host": "[::1]:7860"}).status_code == 200


def test_on_a_space_the_platform_chooses_the_host():
    assert allowed_hosts(read_settings([], {"SPACE_ID": "a/b"})) == ["*"]
    assert "studio.lan" in allowed_hosts(read_settings(["--allow-host", "studio.lan"], {}))


def test_the_page_comes_compressed_in_the_language_of_the_person(http):
    reply = http.get("", headers={"accept-language": "ja"})
    assert reply.headers["content-encoding"] == "gzip"
    assert reply.headers["cache-control"] == "no-store"
    assert '<html lang="ja" data-language="ja"' in reply.text
    assert '<html lang="en"' in http.get("", headers={"accept-language": "ja", "cookie": "whetstone_language=en"}).text


def test_scripts_styles_and_words_may_be_kept_for_good(http):
    page = http.get("").text
    addresses = re.findall(r'(?:src|href)="(whetstone/[^"]+)"', page)
    assert any("/js/core.js" in found for found in addresses) and any("/css/tokens.css" in found for found in addresses)
    for address in addresses:
        reply = http.get(address)
        assert reply.status_code == 200 and "immutable" in reply.headers["cache-control"], address


def test_no_file_outside_the_listed_ones_is_served(http):
    folder = re.search(r"whetstone/asset/\w+/", http.get("").text).group(0)
    for name in ("../app.py", "..%2f..%2fapp.py", "js/../../app.py", "/etc/passwd", "pocket/config.json"):
        assert http.get(folder + name, follow_redirects=True).status_code in (400, 404), name


def test_every_event_is_private_and_nothing_is_offered_as_an_api(http, served):
    assert {fn.api_visibility for fn in served[0].fns.values()} <= {"private"}
    assert http.get("gradio_api/info").json()["named_endpoints"] == {}


def test_history_monitoring_and_footer_are_off(served):
    config = served[0].config
    assert config["run_history"] is False
    assert config["footer_links"] == []
    assert served[0].app.monitoring_enabled is False
    assert served[0].share is False and served[0].show_error is False


def test_the_root_is_never_served(http, served):
    secret = served[0].blocked_paths[0]
    assert http.get(f"gradio_api/file={secret}/app.lock").status_code in (403, 404)
