"""Our own widgets: a gr.HTML that mounts a script from assets/js and talks to the services through the gate."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from studio.errors import RequestRefused
from studio.people import Person
from studio.ui.gate import answer

WidgetFunction = Callable[[Person, dict], Any]


def build_widget(
    name: str,
    *,
    elem_id: str,
    reads: dict[str, WidgetFunction] | None = None,
    writes: dict[str, WidgetFunction] | None = None,
    value: Any = None,
) -> gr.HTML:
    """A place where `whetstone.widget(name, mount)` of the page's scripts is mounted.

    reads, writes: what the script may call as `ctx.server.<name>(argument)`, each fn(person, argument) -> JSON-able;
    writes are refused unless they come from our own page as JSON. value: given to the script as `ctx.value`, and to
    its `update` whenever an event sets the component's value; every visitor may see it, so no secrets.
    """
    reads, writes = reads or {}, writes or {}

    def ws_call(call: Any, request: gr.Request) -> dict[str, Any]:
        asked, argument = (call.get("name"), call.get("argument")) if isinstance(call, dict) else (None, None)
        fn = writes.get(asked) or reads.get(asked) or _unknown
        return answer(request, fn, argument, write=asked in writes)

    return gr.HTML(
        value=value,
        html_template='<div class="ws-widget"></div>',
        js_on_load=_mount_script(name),
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes=["ws-host"],
        server_functions=[ws_call],
    )


def _unknown(person: Person, argument: dict) -> Any:
    raise RequestRefused()


def _mount_script(name: str) -> str:
    return f"whetstone.mount({json.dumps(name)}, element, {{ trigger, props, server, upload, watch }});"
