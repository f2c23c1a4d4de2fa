"""Imports as the pages use them: an upload, a sample or a kept file becomes a job, and the job's report is told."""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import time
from pathlib import Path
from typing import Any

import orjson

from studio.data.formats import FORMATS
from studio.data.mapping import read_mapping
from studio.data.samples import find_sample, read_samples
from studio.data.sources import CHOICES, check_choices
from studio.data.splits import DEFAULT_HELD_OUT_FRACTION
from studio.errors import FileTooLarge, NameTaken, NameUnsafe, NotYours, OptionsInvalid
from studio.jobs.folder import JobFolder
from studio.people import Person
from studio.services.dataset_rows import LARGEST_FRACTION
from studio.services.dataset_words import cause_words, found_words, notice_words, problem_words, refused_words
from studio.services.queue import Queue
from studio.settings import Settings
from studio.store.catalogue import open_catalogue

LONGEST_NAME = 80
LONGEST_FILE_NAME = 255
UPLOAD_KEPT_S = 7 * 24 * 3600
"""How long a file is kept of which no dataset was made, so that it can be imported again with other settings."""

_CHOICES = (*CHOICES, "format", "mapping", "mapping_name")
# Controls, and the marks that turn the direction of writing, by which one name passes for another.
_UNSAFE = re.compile("[/\\\\\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Imports:
    """The imports of every workspace."""

    def __init__(self, settings: Settings, queue: Queue) -> None:
        self._settings = settings
        self._queue = queue

    def samples(self, person: Person) -> list[dict[str, Any]]:
        """The samples that come with the app: id, kind, rows, and title and description in both languages."""
        return [{name: value for name, value in entry.items() if name != "file"} for entry in read_samples()]

    def import_upload(
        self, person: Person, deed: str, path: Path, file_name: str, name: str | None, choices: dict[str, Any]
    ) -> str:
        """Move an uploaded file under the workspace and queue its import; the job's id.

        choices: container, encoding, delimiter, format (None: found by the import), held_out_fraction. Raises
        NotYours, FileTooLarge, NameUnsafe, NameTaken, OptionsInvalid; then the file stays where it was.
        """
        if done := self._done_before(person, deed):
            return done
        _check_file_name(file_name)
        path = Path(path)
        if path.is_symlink() or not path.is_file():
            raise NotYours(what="upload")
        size = path.stat().st_size
        if size > self._settings.upload_limit_bytes:
            raise FileTooLarge(file=file_name, bytes=size, limit_bytes=self._settings.upload_limit_bytes)
        options = checked_choices(choices) | {"file_name": file_name, "source": f"upload:{_upload_id(deed)}"}
        options["name"] = self._free_name(person, name, Path(file_name).stem)
        uploads = person.workspace / "uploads"
        uploads.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = uploads / f"{_upload_id(deed)}.part"
        shutil.move(path, part)
        part.touch()  # its age is counted from now, not from when the person saved it
        part.replace(uploads / _upload_id(deed))
        return self._submit(person, deed, options)

    def import_sample(
        self, person: Person, deed: str, sample_id: str, name: str | None = None, choices: dict[str, Any] | None = None
    ) -> str:
        """Raises NotYours, and what `import_upload` raises for names and choices."""
        if done := self._done_before(person, deed):
            return done
        entry, path = find_sample(sample_id)
        title = entry["title"]["ja" if person.language == "ja" else "en"]
        options = checked_choices(choices or {}) | {"file_name": path.name, "source": f"sample:{sample_id}"}
        options["name"] = self._free_name(person, name, title)
        return self._submit(person, deed, options)

    def import_fetched(
        self, person: Person, deed: str, kept: tuple[str, str], name: str | None, choices: dict[str, Any]
    ) -> str:
        """Import a file that a job left under uploads/. kept: its name there, and the name it is shown under.

        Raises NotYours where it is gone, and what `import_upload` raises for names and choices.
        """
        if done := self._done_before(person, deed):
            return done
        upload, file_name = kept
        if not (person.workspace / "uploads" / upload).exists():
            raise NotYours(what="upload")
        options = checked_choices(choices) | {"file_name": file_name, "source": f"upload:{upload}"}
        options["name"] = self._free_name(person, name, Path(file_name).stem)
        return self._submit(person, deed, options)

    def import_again(self, person: Person, deed: str, job_id: str, name: str | None, choices: dict[str, Any]) -> str:
        """Import the file of an earlier import once more, with other choices, as another dataset."""
        if done := self._done_before(person, deed):
            return done
        before = self._import_spec(self._queue.find(person, job_id))
        self.kept_file(person, job_id)
        options = checked_choices(choices) | {"file_name": before["file_name"], "source": before["source"]}
        options["name"] = self._free_name(person, name, Path(before["file_name"]).stem)
        return self._submit(person, deed, options)

    def kept_file(self, person: Person, job_id: str) -> tuple[Path, str]:
        """The file of an earlier import and its name. Raises NotYours where it is gone."""
        before = self._import_spec(self._queue.find(person, job_id))
        kind, kept = before["source"].split(":")
        path = person.workspace / "uploads" / kept if kind == "upload" else find_sample(kept)[1]
        if not path.exists():
            raise NotYours(what="upload")
        return path, before["file_name"]

    def report(self, person: Person, job_id: str) -> dict[str, Any]:
        """What an import found and why, and what became of the rows. Before its end the numbers are None."""
        folder = self._queue.find(person, job_id)
        options = self._import_spec(folder)
        state, language = folder.state(), person.language
        made = _read_report(folder.result_path / "report.json")
        return {
            "job_id": job_id,
            "status": state.status,
            "dataset_id": made.get("dataset_id"),
            "file_name": options["file_name"],
            "rows_in": made.get("read"),
            "understood": made.get("understood"),
            "refused": made.get("refused"),
            "causes": cause_words(language, made.get("causes", {})),
            "examples": [refused_words(language, row) for row in made.get("examples", [])],
            "found": found_words(language, made.get("guesses", {})),
            "notices": notice_words(language, made.get("notices", [])),
            "problem": problem_words(language, state.ended) if state.ended and state.status == "failed" else None,
            "again": {
                "job_id": job_id,
                "name": options["name"],
                "file_name": options["file_name"],
                "choices": {choice: options.get(choice) for choice in _CHOICES},
                "held_out_fraction": options["held_out_fraction"],
            },
        }

    def _submit(self, person: Person, deed: str, options: dict[str, Any]) -> str:
        options["dataset_id"] = f"d-{secrets.token_hex(8)}"
        return self._queue.submit(person, "import", options["name"], options, deed)

    def _done_before(self, person: Person, deed: str) -> str | None:
        """The job that this very deed has made: a double click must not meet its own name as taken."""
        return next((job.id for job in self._queue.jobs(person, ["import"]) if job.spec.deed == deed), None)

    def _import_spec(self, folder: JobFolder) -> dict[str, Any]:
        if folder.spec.kind != "import":
            raise NotYours(what="import")
        return folder.spec.options

    def _free_name(self, person: Person, wanted: str | None, proposed: str) -> str:
        """A given name must be free; a proposed one gets a number where it is taken."""
        with open_catalogue(person.workspace) as catalogue:
            taken = catalogue.names()
        waiting = (job for job in self._queue.jobs(person, ["import"]) if not job.state().is_ended)
        taken |= {job.spec.options["name"] for job in waiting}
        if wanted:
            if wanted in taken:
                raise NameTaken(name=wanted)
            return check_name(wanted)
        name, number = check_name(proposed.strip()[:LONGEST_NAME] or "data"), 2
        while name in taken:
            suffix = f" ({number})"
            name, number = f"{proposed.strip()[: LONGEST_NAME - len(suffix)]}{suffix}", number + 1
        return name


def remove_old_uploads(folder: Path, needed: set[str]) -> None:
    """needed: the sources of datasets, `upload:<name>`; their files stay."""
    now_s = time.time()
    for path in folder.iterdir() if folder.is_dir() else ():
        if f"upload:{path.name}" not in needed and now_s - path.stat().st_mtime > UPLOAD_KEPT_S:
            path.unlink(missing_ok=True)


def check_name(name: str) -> str:
    """The name as it is. Raises NameUnsafe: it is checked, not cleaned."""
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or name != name.strip() or _UNSAFE.search(name):
        raise NameUnsafe(name=_shown(name))
    return name


def _check_file_name(name: str) -> None:
    """The name a browser gave. It is only ever shown: the file itself lies under a name of ours."""
    is_text = isinstance(name, str) and 0 < len(name) <= LONGEST_FILE_NAME
    if not is_text or name in (".", "..") or not name.strip() or _UNSAFE.search(name):
        raise NameUnsafe(name=_shown(name))


def _shown(name: object) -> str:
    return _UNSAFE.sub("\ufffd", str(name))[:LONGEST_NAME]


def _upload_id(deed: str) -> str:
    return hashlib.blake2b(deed.encode(), digest_size=16).hexdigest()


def _read_report(path: Path) -> dict[str, Any]:
    try:
        return orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return {}


def checked_choices(choices: dict[str, Any]) -> dict[str, Any]:
    """The choices an import job takes. Raises OptionsInvalid with every one that cannot be."""
    made: dict[str, Any] = {choice: choices.get(choice) or None for choice in _CHOICES}
    fraction = choices.get("held_out_fraction")
    made["held_out_fraction"] = DEFAULT_HELD_OUT_FRACTION if fraction is None else fraction
    problems = check_choices(**{name: made[name] for name in CHOICES})
    if made["mapping"] is not None:
        made |= {"mapping": mapping_json(made["mapping"]), "format": None}
    elif made["format"] is not None and made["format"] not in FORMATS:
        problems.append({"field": "format", "code": "not_a_choice", "found": str(made["format"])[:80]})
    if not 0 <= made["held_out_fraction"] <= LARGEST_FRACTION:
        problems.append(
            {"field": "held_out_fraction", "code": "out_of_range", "minimum": 0, "maximum": LARGEST_FRACTION}
        )
    if problems:
        raise OptionsInvalid(problems)
    return made


def mapping_json(value: Any) -> dict[str, Any]:
    """A mapping as it is kept: only what was said, and its format. Raises OptionsInvalid."""
    mapping = read_mapping(value)
    return mapping.model_dump(mode="json", exclude_defaults=True) | {"format": mapping.format}
