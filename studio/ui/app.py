"""Builds the page and serves it with every launch setting that safety and speed ask for."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request

from studio.errors import LoginMissing, LoginUnreadable, PortTaken
from studio.services.studio import Studio
from studio.settings import LOOPBACK, Settings
from studio.ui.door import Door, login_routes
from studio.ui.downloads import download_routes
from studio.ui.gate import visit_of
from studio.ui.i18n import bundle, tr
from studio.ui.identity import VisitorCookies, read_key
from studio.ui.login import Doorkeeper, Logins
from studio.ui.routes import own_routes
from studio.ui.shell import Page
from studio.ui.streams import stream_routes
from studio.ui.tabs import TABS
from studio.ui.theme import build_theme
from studio.ui.uploads import Uploads

_HOUR_S = 3600


def build_app(studio: Studio) -> gr.Blocks:
    """The tabs, in order."""
    os.environ["GRADIO_TEMP_DIR"] = str(upload_folder(studio.settings))
    demo = gr.Blocks(title="Whetstone", analytics_enabled=False, delete_cache=(_HOUR_S, 24 * _HOUR_S))
    demo.space_id = None  # where it has one, Gradio's page asks other hosts for fonts and for a header of the Hub's
    # Made outside the page, the button brings its routes and no event; the page has a link of its own to them.
    sign_in = gr.LoginButton(visible=False) if studio.settings.has_sign_in else None
    with demo, gr.Tabs(elem_id="ws-tabs"):
        for name, build in TABS:
            with gr.Tab(tr(f"tab.{name}"), id=name, elem_id=f"ws-tab-{name}", elem_classes=["ws-tab"]):
                build(studio)
    if sign_in is not None:
        with demo:
            sign_in.render()
    return demo


def upload_folder(settings: Settings) -> Path:
    """Where Gradio puts an upload until it is moved into its person's workspace."""
    folder = settings.root / "gradio"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def check_settings(settings: Settings) -> None:
    """Raises LoginMissing where strangers could reach a page without a login, LoginUnreadable, PortTaken."""
    if settings.host not in LOOPBACK and settings.login is None and not settings.on_space:
        raise LoginMissing(host=settings.host)
    if settings.login is not None:
        try:
            Logins(settings.login).read()
        except (OSError, ValueError) as error:
            raise LoginUnreadable(file=str(settings.login), cause=error) from error
    if settings.port and not can_bind(settings.host, settings.port):
        raise PortTaken(port=str(settings.port))


def can_bind(host: str, port: int) -> bool:
    """False while another program listens there; a port that only waits after a closed connection is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def serve(demo: gr.Blocks, studio: Studio) -> str:
    """Starts the server in a thread of its own and returns the address. Raises PortTaken."""
    settings = studio.settings
    keeper = Doorkeeper(settings.login) if settings.login else None
    cookies = VisitorCookies(read_key(settings.root)) if settings.is_public else None
    port = settings.port or free_port(settings.host)
    demo.queue(default_concurrency_limit=8, max_size=500)
    try:
        _, address, _ = demo.launch(
            server_name=settings.host,
            server_port=port,
            max_threads=200,
            state_session_capacity=300,
            run_history=False,
            footer_links=[],
            enable_monitoring=False,
            show_error=False,
            strict_cors=True,
            ssr_mode=False,
            share=False,
            quiet=True,
            prevent_thread_lock=True,
            max_file_size=settings.upload_limit_bytes,
            blocked_paths=[str(settings.root)],
            auth_dependency=_name_of if keeper else None,
            i18n=bundle(),
            theme=build_theme(),
            app_kwargs={
                "routes": [
                    *own_routes(studio),
                    *stream_routes(studio),
                    *download_routes(studio),
                    *(login_routes(keeper) if keeper else []),
                ],
                "middleware": [
                    Middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts(settings)),
                    Middleware(Door, settings=settings, keeper=keeper, cookies=cookies, note=studio.visitors.note),
                    Middleware(Uploads),
                    Middleware(GZipMiddleware, minimum_size=1500),
                    Middleware(Page),
                ],
            },
        )
    except OSError as error:
        raise PortTaken(port=str(port)) from error
    return address


def _name_of(request: Request) -> str | None:
    return visit_of(request).username


def allowed_hosts(settings: Settings) -> list[str]:
    """Names this page may be called by; any other is a trick to reach a local page from a foreign one.

    On a Space the platform's proxy stands before it and chooses the name.
    """
    if settings.on_space:
        return ["*"]
    return [*LOOPBACK, "[::1]", settings.host, *settings.hosts]
