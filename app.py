"""Whetstone: `python app.py` opens the studio; `python app.py --help` lists what can be set."""

from __future__ import annotations

import os
import sys
import threading
from types import SimpleNamespace

from studio.settings import read_settings


def main() -> int:
    settings = read_settings(sys.argv[1:], os.environ)
    from studio.ui.app import build_app, serve

    address = serve(build_app(SimpleNamespace(settings=settings)), settings)
    print(address, flush=True)
    threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
