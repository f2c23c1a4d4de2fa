"""Builds the page and serves it: settings in, an address out, a clean end on Ctrl+C."""

from __future__ import annotations

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000")

import gradio as gr
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.settings import Settings
from studio.ui.gate import SCOPE_KEY, Visit
from studio.ui.i18n import bundle, tr
from studio.ui.routes import own_routes
from studio.ui.shell import Page
from studio.ui.tabs import tab_builders
from studio.ui.theme import build_theme


class Door:
    """Middleware that says with each request who is asking."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope[SCOPE_KEY] = Visit(self.settings, None)
        await self.app(scope, receive, send)


def build_app(studio) -> gr.Blocks:
    """The tabs, in order. studio: services.studio.Studio."""
    with gr.Blocks(title="Whetstone", fill_width=True, analytics_enabled=False, delete_cache=(3600, 86400)) as demo:
        with gr.Tabs(elem_id="ws-tabs"):
            for name, build in tab_builders().items():
                with gr.Tab(tr(f"tab.{name}"), id=name, elem_id=f"ws-tab-{name}", elem_classes=["ws-tab"]):
                    build(studio)
    return demo


def serve(demo: gr.Blocks, settings: Settings) -> str:
    """Starts the server in its thread and returns the address."""
    demo.queue(default_concurrency_limit=8, max_size=500)
    hosts = ["127.0.0.1", "localhost", "[::1]", settings.host, *settings.hosts]
    _, address, _ = demo.launch(
        server_name=settings.host,
        server_port=settings.port or None,
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
        i18n=bundle(),
        theme=build_theme(),
        app_kwargs={
            "routes": own_routes(),
            "middleware": [
                Middleware(TrustedHostMiddleware, allowed_hosts=hosts),
                Middleware(Door, settings=settings),
                Middleware(GZipMiddleware, minimum_size=1500),
                Middleware(Page),
            ],
        },
    )
    return address
