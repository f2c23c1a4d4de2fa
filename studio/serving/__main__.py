"""`python -m studio.serving`, started by the app: answers on loopback, and ends when its stdin does.

Reads one JSON line (root, models, hub, lease) from stdin and the token from the environment; prints {"port"} when it
answers and {"replied": true} after its first whole reply. What anything else prints goes to stderr, the app's log of it.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from studio.serving.desk import Desk
from studio.serving.http import Routes
from studio.serving.names import Places
from studio.serving.tokens import TOKEN_VARIABLE

STDIN = 0
KEEP_ALIVE_S = 60
"""Longer than our client keeps a connection: it must never find one closed just as it sends."""

OOM_SCORE = 500
"""When memory runs out the kernel should end the server rather than the page: it comes back with the next request."""


def main() -> None:
    """Does not return."""
    secret = os.environ.pop(TOKEN_VARIABLE)
    offer_to_be_killed_first()
    tell = take_stdout()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    places = read_places()
    threading.Thread(target=end_with_stdin, name="stdin", daemon=True).start()
    desk = Desk(places, replied=lambda: tell({"replied": True}))
    app = Routes(desk, secret).build()
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,
    )
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    # asyncio does not know this socket for TCP: without it each short answer waits 40 ms for the other side's receipt.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    tell({"port": listening.getsockname()[1]})
    uvicorn.Server(config).run(sockets=[listening])
    os._exit(1)  # the app ends it by closing stdin; whoever else asked it to end is told of by the code


def take_stdout() -> Callable[[dict[str, Any]], None]:
    """A function that tells the app one object a line. Afterwards stdout is stderr: libraries print where they like."""
    sys.stdout.flush()
    ours = os.dup(1)
    os.dup2(2, 1)

    def tell(what: dict[str, Any]) -> None:
        os.write(ours, json.dumps(what).encode() + b"\n")

    return tell


def read_places() -> Places:
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(STDIN, 1)
        if not piece:
            os._exit(0)
        line += piece
    told = json.loads(line)
    return Places(
        root=Path(told["root"]),
        models=tuple(map(Path, told["models"])),
        hub=Path(told["hub"]),
        lease=Path(told["lease"]),
    )


def end_with_stdin() -> None:
    """The app closed it or is gone. Nothing here is worth a slow farewell: files are replaced whole, locks go with us."""
    while os.read(STDIN, 4096):
        pass
    os._exit(0)


def offer_to_be_killed_first() -> None:
    try:
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE), "ascii")
    except OSError:
        pass


if __name__ == "__main__":
    main()
