"""The app without its page: `python -m tests.process.small_app ROOT MODULE [--spare]`, to be killed by tests.

Reads one JSON job a line from stdin ({"kind", "options", "deed"}), answers with its id; ends at EOF.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from studio.jobs.launchers.local import LocalLauncher
from studio.people import person_from
from studio.services.studio import Studio
from studio.settings import read_settings


def main(root: str, module: str, *flags: str) -> None:
    # A test run in the background of a shell inherits a deaf ear for Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    settings = read_settings(["--root", root], {})
    Path(root).mkdir(parents=True, exist_ok=True)
    studio = Studio(settings, LocalLauncher(module, Path(root) / "keepers.log"))
    person = person_from(None, {}, {}, settings)
    if "--spare" in flags:
        studio.queue.ensure_spare()
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(studio.queue.submit(person, asked["kind"], "A test", asked["options"], asked["deed"]), flush=True)
    studio.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
