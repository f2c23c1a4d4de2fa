"""Whetstone: `python app.py` opens the studio; `python app.py --help` lists what can be set."""

from __future__ import annotations

import gc
import os
import shlex
import signal
import sys
import threading
from collections.abc import Mapping

from studio.errors import StudioError
from studio.settings import Settings, read_settings
from studio.words import join_sentences, known_language, say


def main() -> int:
    settings = read_settings(sys.argv[1:], os.environ)
    language = terminal_language(settings, os.environ)
    try:
        return run(settings, language)
    except StudioError as error:
        print(join_sentences(language, error.message(language), error.hint(language)), file=sys.stderr)
        return 1


def run(settings: Settings, language: str) -> int:
    """Serves until Ctrl+C or SIGTERM. Raises StudioError when it cannot start."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())

    # What the imports make stays for good: looking through it again and again takes a fifth of the start.
    gc.disable()
    from studio.services.studio import Studio
    from studio.ui.app import build_app, check_settings, serve

    check_settings(settings)
    studio = Studio(settings)
    try:
        demo = build_app(studio)
        address = serve(demo, studio)
        print(say(language, "terminal.ready", address=address), flush=True)
        gc.freeze()
        gc.enable()
        ended.wait()
        print(parting_words(studio, language), flush=True)
        studio.prepare_close()
        demo.close(verbose=False)
    finally:
        studio.close()
    return 0


def parting_words(studio, language: str) -> str:
    """What goes on after the app has ended, and how to end it too."""
    running = studio.queue.running()
    if not running:
        return say(language, "terminal.ended")
    lines = [say(language, "terminal.ended_with_jobs", jobs=len(running))]
    lines += [f"  {folder.spec.title}: touch {shlex.quote(str(folder.path / 'stop'))}" for folder in running]
    return "\n".join(lines)


def terminal_language(settings: Settings, environment: Mapping[str, str]) -> str:
    """The operator's choice, else the terminal's own language."""
    found = settings.language or environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG")
    return known_language(found) or "en"


if __name__ == "__main__":
    sys.exit(main())
