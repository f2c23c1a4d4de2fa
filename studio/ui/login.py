"""The login: a file of names and salted hashes, sessions in memory, and a growing wait after wrong passwords.

`python -m studio.ui.login add NAME FILE` adds a person or changes their password, `remove NAME FILE` removes one, and
`hash NAME` prints the entry of a person for a file that is kept elsewhere.
"""

from __future__ import annotations

import argparse
import getpass
import hashlib
import hmac
import json
import math
import os
import secrets
import sys
import threading
import time
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from studio.errors import LoginPaused, LoginRefused, NameTaken, NameUnsafe, NotYours, StudioError
from studio.people import folder_name

FORMAT = 1
SESSION_S = 14 * 24 * 3600
NAME_CHARACTERS = 64
FOLDER_BYTES = 200
"""The longest name of a workspace's folder; most disks take 255 bytes, and a part of one is put before it now and then."""
PASSWORD_CHARACTERS = 8
"""The shortest password that is accepted when one is set."""

_SCRYPT = {"n": 2**14, "r": 8, "p": 5, "maxmem": 64 * 2**20}
"""What OWASP recommends for scrypt with 16 MiB; about 0.2 s on a small machine."""

FREE_FAILURES = 4
LONGEST_WAIT_S = 300.0
_FORGET_S = 3600.0


class Logins:
    """The file, read at each attempt: a person added or removed counts at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, dict[str, str]]:
        """Raises OSError, and ValueError for a file of another shape."""
        found = json.loads(self.path.read_text("utf-8"))
        if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("people"), dict):
            raise ValueError(f"{self.path} is no login file of format {FORMAT}")
        return found["people"]

    def signature(self) -> tuple[int, ...] | None:
        """Changes whenever the file does; None where there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def is_right(self, name: str, password: str) -> bool:
        """Takes the same time for a name that does not exist."""
        kept = self.read().get(name)
        salt = bytes.fromhex(kept["salt"]) if kept else b"nobody has this salt"
        found = hash_password(password, salt)
        return (
            hmac.compare_digest(found, bytes.fromhex(kept["hash"]) if kept else b"\0" * len(found)) and kept is not None
        )

    def write(self, name: str, password: str) -> None:
        """Raises NameUnsafe, NameTaken by a name that some disks cannot tell from it, ValueError for a short password."""
        entry = new_entry(name, password)
        people = self.read() if self.path.exists() else {}
        if any(other != name and _folded(other) == _folded(name) for other in people):
            raise NameTaken(name=name)
        self._replace(people | {name: entry})

    def remove(self, name: str) -> None:
        """Raises NotYours for a name that is not there. What the person made stays."""
        people = self.read()
        if name not in people:
            raise NotYours(what="person")
        self._replace({other: entry for other, entry in people.items() if other != name})

    def _replace(self, people: dict[str, dict[str, str]]) -> None:
        part = self.path.with_name(f"{self.path.name}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"format": FORMAT, "people": people}, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.path)


def new_entry(name: str, password: str) -> dict[str, str]:
    """What the file holds of a person. Raises NameUnsafe, ValueError for a password that is too short."""
    is_plain = name == name.strip() and name.isprintable() and 0 < len(name) <= NAME_CHARACTERS
    if not is_plain or len(folder_name(name).encode()) > FOLDER_BYTES:
        raise NameUnsafe(name=name)
    if len(password) < PASSWORD_CHARACTERS:
        raise ValueError(f"a password has at least {PASSWORD_CHARACTERS} characters")
    salt = secrets.token_bytes(16)
    return {"salt": salt.hex(), "hash": hash_password(password, salt).hex()}


def _folded(name: str) -> str:
    """Two names of the same folded form share a folder where the disk takes upper and lower case for the same."""
    return unicodedata.normalize("NFKC", name).casefold()


def hash_password(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)


@dataclass
class _Failures:
    count: int = 0
    last: float = 0.0


class Throttle:
    """Who has to wait before the next attempt: by name and by address, doubling from the fifth wrong password on.

    clock: seconds that only grow. In memory: a restart forgives.
    """

    def __init__(self, clock=time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._failures: dict[str, _Failures] = {}

    def wait_s(self, *keys: str) -> float:
        """Seconds until an attempt by these keys is looked at; 0 when now."""
        now = self._clock()
        with self._guard:
            return max((self._wait(self._failures[key], now) for key in keys if key in self._failures), default=0.0)

    def note_failure(self, *keys: str) -> None:
        now = self._clock()
        with self._guard:
            for key in [key for key, failures in self._failures.items() if now - failures.last > _FORGET_S]:
                del self._failures[key]
            for key in keys:
                failures = self._failures.setdefault(key, _Failures())
                failures.count += 1
                failures.last = now

    def note_success(self, *keys: str) -> None:
        with self._guard:
            for key in keys:
                self._failures.pop(key, None)

    @staticmethod
    def _wait(failures: _Failures, now: float) -> float:
        if failures.count < FREE_FAILURES:
            return 0.0
        wait = min(LONGEST_WAIT_S, 2.0 ** (failures.count - FREE_FAILURES))
        return max(0.0, failures.last + wait - now)


class Sessions:
    """Who is logged in, by the random token of their cookie. A restart of the app ends every session."""

    def __init__(self, clock=time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._open: dict[str, tuple[str, float]] = {}

    def open(self, name: str) -> str:
        token = secrets.token_urlsafe(32)
        now = self._clock()
        with self._guard:
            self._open = {t: kept for t, kept in self._open.items() if kept[1] > now}
            self._open[token] = (name, now + SESSION_S)
        return token

    def find(self, token: str | None) -> str | None:
        with self._guard:
            name, ends = self._open.get(token or "", (None, 0.0))
        return name if name is not None and ends > self._clock() else None

    def close(self, token: str | None) -> None:
        with self._guard:
            self._open.pop(token or "", None)

    def close_all(self, names: Collection[str]) -> None:
        with self._guard:
            self._open = {token: kept for token, kept in self._open.items() if kept[0] not in names}


class Doorkeeper:
    """Opens a session for the right name and password, and makes everybody else wait longer each time.

    A session ends by itself once its person was removed from the file or given another password.
    """

    def __init__(self, path: Path) -> None:
        self.sessions = Sessions()
        self._logins = Logins(path)
        self._throttle = Throttle()
        self._one_at_a_time = threading.Lock()
        self._guard = threading.Lock()
        self._file: tuple[int, ...] | None = None
        self._people: dict[str, dict[str, str]] = {}
        self._heed_file()

    def find(self, token: str | None) -> str | None:
        """The name behind a session, or None."""
        self._heed_file()
        return self.sessions.find(token)

    def _heed_file(self) -> None:
        """End the sessions of whoever is no longer in the file as they were. A file that cannot be read admits nobody."""
        with self._guard:
            file = self._logins.signature()
            if file == self._file:
                return
            try:
                people = self._logins.read()
            except (OSError, ValueError):
                people = {}
            self.sessions.close_all([name for name, entry in self._people.items() if people.get(name) != entry])
            self._file, self._people = file, people

    def attempt(self, name: str, password: str, address: str) -> str:
        """The token of a new session. Raises LoginRefused, and LoginPaused before the password is even looked at."""
        name = name.strip()
        keys = (f"name {name}", f"address {address}")
        with self._one_at_a_time:
            if (wait_s := self._throttle.wait_s(*keys)) > 0:
                raise LoginPaused(seconds=math.ceil(wait_s))
            if len(name) > NAME_CHARACTERS or not self._logins.is_right(name, password):
                self._throttle.note_failure(*keys)
                raise LoginRefused()
            self._throttle.note_success(*keys)
        self._heed_file()  # or the next look would end this session as one of the old password
        return self.sessions.open(name)


def main(arguments: list[str]) -> int:
    given = _parser().parse_args(arguments)
    try:
        if given.deed == "remove":
            Logins(given.file).remove(given.name)
            print(f"{given.name} can no longer log in.")
        elif given.deed == "hash":
            entry = new_entry(given.name, _ask_password(given.name))
            print(f"{json.dumps(given.name, ensure_ascii=False)}: {json.dumps(entry)}")
        else:
            Logins(given.file).write(given.name, _ask_password(given.name))
            print(f"{given.name} can log in now.")
    except (StudioError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m studio.ui.login", description="Keeps the file that --login reads.")
    deeds = parser.add_subparsers(dest="deed", required=True)
    for deed, says in (
        ("add", "add a person or change a password"),
        ("remove", "remove a person"),
        ("hash", "print a person's entry, to be put under people in such a file"),
    ):
        asked = deeds.add_parser(deed, help=says)
        asked.add_argument("name")
        if deed != "hash":
            asked.add_argument("file", type=Path)
    return parser


def _ask_password(name: str) -> str:
    return getpass.getpass(f"Password of {name}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
