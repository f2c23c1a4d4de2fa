"""Signing in on a Space, with a provider of the test's own in the place of the Hub: the account is the person."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from contextlib import closing
from functools import partial
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from studio.ui.app import free_port
from studio.words import say
from tests.browser.conftest import PATIENCE_MS, open_tab
from tests.browser.secured import BEHIND_THE_PROXY, secured, serving

CLIENT, SECRET = "a-client", "s" * 32


class Provider(BaseHTTPRequestHandler):
    """Speaks OpenID Connect to the app; whoever asks is let through at once. nonces: what the app asked with."""

    def __init__(self, nonces: list[str], *arguments) -> None:
        self.nonces = nonces
        super().__init__(*arguments)

    def do_GET(self) -> None:
        here = f"http://{self.headers['host']}"
        path, asked = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if path == "/.well-known/openid-configuration":
            places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            told = {name: f"{here}/{place}" for name, place in places.items()}
            self.answer(told | {"issuer": here, "id_token_signing_alg_values_supported": ["HS256"]})
        elif path == "/keys":
            self.answer({"keys": [{"kty": "oct", "kid": "1", "alg": "HS256", "k": coded(SECRET.encode())}]})
        else:
            self.nonces.append(asked["nonce"][0])
            back = asked["redirect_uri"][0]
            self.send_response(302)
            query = urlencode({"code": "x", "state": asked["state"][0]})
            self.send_header("location", f"{back}{'&' if '?' in back else '?'}{query}")
            self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        now = int(time.time())
        names = {"name": "Ann", "preferred_username": "ann-hf", "profile": "http://x", "picture": "http://x/p.png"}
        claims = {"iss": f"http://{self.headers['host']}", "sub": "65b2c3", "aud": CLIENT, "iat": now, "exp": now + 600}
        token = signed(claims | names | {"nonce": self.nonces[-1]})
        self.answer(
            {"access_token": "t", "token_type": "bearer", "expires_in": 600, "id_token": token, "scope": "openid"}
        )

    def answer(self, told: dict) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *arguments) -> None:
        pass


def coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(claims: dict) -> str:
    head = f"{coded(json.dumps({'alg': 'HS256', 'kid': '1'}).encode())}.{coded(json.dumps(claims).encode())}"
    return f"{head}.{coded(hmac.new(SECRET.encode(), head.encode(), hashlib.sha256).digest())}"


@pytest.fixture
def space(make_app, tmp_path, monkeypatch):
    """The app as a Space with `hf_oauth: true` starts it, and its address over HTTPS."""
    port = free_port("127.0.0.1")
    with serving(partial(Provider, [])) as provider, secured(tmp_path, port) as outside:
        told = {
            "SYSTEM": "spaces", "SPACE_ID": "someone/whetstone", "SPACE_HOST": f"127.0.0.1:{outside}",
            "OAUTH_CLIENT_ID": CLIENT, "OAUTH_CLIENT_SECRET": SECRET, "OAUTH_SCOPES": "openid profile",
            "OPENID_PROVIDER_URL": f"http://127.0.0.1:{provider}",
        }  # fmt: skip
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        yield make_app(port=port, arguments=("--host", "127.0.0.1")), f"https://127.0.0.1:{outside}/"


def test_whoever_signs_in_works_under_their_account_and_is_a_visitor_again_after_signing_out(space, chromium, faults):
    app, address = space
    with closing(chromium.new_context(**BEHIND_THE_PROXY)) as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        faults.watch(page)
        page.goto(address)
        page.wait_for_selector("html[data-ready]")
        page.get_by_role("link", name=say("en", "banner.sign_in")).click()
        page.wait_for_url(f"{address}**")
        page.wait_for_selector("html[data-ready]")
        open_tab(page, "settings")
        expect(page.locator("#settings-panel")).to_contain_text("ann-hf")
        expect(page.locator('[data-banner="visitor"]')).to_have_count(0)
        open_tab(page, "data")
        expect(page.get_by_role("button", name=say("en", "data.load_sample"))).to_be_visible()
        assert (app.root / "people" / "hf-65b2c3").is_dir()
        open_tab(page, "settings")
        page.get_by_role("button", name=say("en", "login.leave")).click()
        expect(page.locator('[data-banner="visitor"]')).to_be_visible()
        expect(page.locator("#settings-panel")).not_to_contain_text("ann-hf")
