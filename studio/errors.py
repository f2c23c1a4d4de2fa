"""Every error a person can meet: one class per thing that can be done about it, worded in both languages by its code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.words import catalogue, say


class StudioError(Exception):
    """An error with a code, values, and words in every language of the catalogue.

    The words live in the catalogue under `error.<code>.message` and `error.<code>.hint`; `values` fill their
    placeholders. `str()` gives English, for logs.
    """

    code = "StudioError"

    def __init__(self, **values: Any) -> None:
        super().__init__(self.code)
        self.values = values

    def message(self, language: str) -> str:
        return say(language, f"error.{self.code}.message", **self.values)

    def hint(self, language: str) -> str:
        return say(language, f"error.{self.code}.hint", **self.values)

    def __str__(self) -> str:
        return f"{self.message('en')} {self.hint('en')}"


def _titled(problem: Mapping[str, Any], language: str) -> dict[str, Any]:
    """A problem's values, with the field's title in the language where it carries one in both."""
    title = problem.get("title")
    named = {"title": title["ja" if language == "ja" else "en"]} if isinstance(title, Mapping) else {}
    return {**problem, **named}


class InputError(StudioError):
    """Something the person can mend."""

    code = "InputError"


class FileUnreadable(InputError):
    """values: file, row (number or None), cause (a code worded under `unreadable.<cause>`, or a sentence)."""

    code = "FileUnreadable"

    def message(self, language: str) -> str:
        cause = _said_if_known(language, f"unreadable.{self.values.get('cause')}", self.values)
        return say(language, f"error.{self.code}.message", **self.values | ({"cause": cause} if cause else {}))


class FormatUnknown(InputError):
    """values: file, fields (comma-separated names found)."""

    code = "FormatUnknown"


class RowInvalid(InputError):
    """values: row, field, and found or cause (a code worded under `refused.<cause>`, with its own values)."""

    code = "RowInvalid"

    def message(self, language: str) -> str:
        found = _said_if_known(language, f"refused.{self.values.get('cause')}", self.values)
        return say(language, f"error.{self.code}.message", **self.values | ({"found": found} if found else {}))


class DatasetEmpty(InputError):
    """values: name."""

    code = "DatasetEmpty"


class OptionsInvalid(InputError):
    """All problems of a form at once. values: problems = [{"field", "code", ...}], text = one line in English."""

    code = "OptionsInvalid"

    def __init__(self, problems: list[dict[str, Any]], **values: Any) -> None:
        super().__init__(problems=problems, **values)

    @property
    def problems(self) -> list[dict[str, Any]]:
        return self.values["problems"]

    def message(self, language: str) -> str:
        lines = [say(language, f"problem.{p['code']}", **_titled(p, language)) for p in self.problems]
        return "\n".join([say(language, f"error.{self.code}.message"), *lines])


class RecordInvalid(OptionsInvalid):
    """All problems of a record at once; their codes are worded under `refused.<code>`, like those of refused rows."""

    code = "RecordInvalid"

    def message(self, language: str) -> str:
        lines = [
            say(language, "problem.at_field", field=p["field"], words=say(language, f"refused.{p['code']}", **p))
            for p in self.problems
        ]
        return "\n".join([say(language, f"error.{self.code}.message"), *lines])


class NothingToUndo(InputError):
    """Every change is undone. values: none."""

    code = "NothingToUndo"


class NameTaken(InputError):
    """values: name."""

    code = "NameTaken"


class NameUnsafe(InputError):
    """values: name."""

    code = "NameUnsafe"


class FileTooLarge(InputError):
    """values: file, bytes, limit_bytes."""

    code = "FileTooLarge"


class NotYours(InputError):
    """The thing asked for does not exist in this person's workspaces. values: what (worded under `thing.<what>`)."""

    code = "NotYours"

    def message(self, language: str) -> str:
        what = _said_if_known(language, f"thing.{self.values.get('what')}", {}) or self.values.get("what")
        return say(language, f"error.{self.code}.message", **self.values | {"what": what})


class EditConflict(InputError):
    """Somebody saved the row in the meantime. values: row."""

    code = "EditConflict"


class RequestRefused(InputError):
    """A call from another site, or of another shape than the page makes. values: none."""

    code = "RequestRefused"


class VotesMissing(InputError):
    """No vote makes a training row. values: name (of the project)."""

    code = "VotesMissing"


class StillWriting(InputError):
    """A reply is being written; the next prompt has to wait for it. values: none."""

    code = "StillWriting"


class EndpointKeyMissing(InputError):
    """The variable that an endpoint's key is to be found in is not set. values: name, variable."""

    code = "EndpointKeyMissing"


class EndpointsFixed(InputError):
    """Only the operator may add or remove endpoints here. values: none."""

    code = "EndpointsFixed"


class PromptEmpty(InputError):
    """A prompt without a token. values: none."""

    code = "PromptEmpty"


class ContextTooLong(InputError):
    """The prompt leaves no room for a reply. values: tokens, limit."""

    code = "ContextTooLong"


class LoginNeeded(InputError):
    """The page asks for a login and the request carries none, or one that has ended. values: none."""

    code = "LoginNeeded"


class LoginRefused(InputError):
    """Wrong name or password; which of the two is not told. values: none."""

    code = "LoginRefused"


class LoginPaused(InputError):
    """Too many wrong attempts. values: seconds until the next is looked at."""

    code = "LoginPaused"


class MachineError(StudioError):
    """Something the computer cannot do."""

    code = "MachineError"


class OutOfMemory(MachineError):
    """values: asked_bytes, free_bytes (either may be None)."""

    code = "OutOfMemory"


class DiskFull(MachineError):
    """values: free_bytes."""

    code = "DiskFull"


class DeviceMissing(MachineError):
    """values: device."""

    code = "DeviceMissing"


class DeviceTaken(MachineError):
    """A job has the device, so the weights cannot be loaded. values: job (its id, or None)."""

    code = "DeviceTaken"


class ToolMissing(MachineError):
    """values: tool, install."""

    code = "ToolMissing"


class RootTaken(MachineError):
    """Another app works in this root. values: root, pid (a name of a process, not an amount)."""

    code = "RootTaken"

    def __init__(self, root: str, pid: int | None) -> None:
        super().__init__(root=root, pid=None if pid is None else str(pid))


class PortTaken(MachineError):
    """Another program answers on the port. values: port."""

    code = "PortTaken"


class LoginMissing(MachineError):
    """The page would be open to everybody who reaches the machine. values: host."""

    code = "LoginMissing"


class LoginUnreadable(MachineError):
    """The file given with --login cannot be used. values: file, cause."""

    code = "LoginUnreadable"


class ServerFailed(MachineError):
    """The model server ended again and again before it replied to anything. values: log_tail."""

    code = "ServerFailed"


class ServerLost(MachineError):
    """The model server ended before it had answered; it starts anew with the next request. values: none."""

    code = "ServerLost"


class DeviceWanted(MachineError):
    """A job waits for the device, so the model server loads nothing for now. values: none."""

    code = "DeviceWanted"


class ModelError(StudioError):
    """Something about a base model or an adapter."""

    code = "ModelError"


class ModelNotFound(ModelError):
    """values: model."""

    code = "ModelNotFound"


class WeightsUnsafe(ModelError):
    """The folder holds pickled weights only. values: model."""

    code = "WeightsUnsafe"


class TokenizerMissing(ModelError):
    """The folder has no tokenizer.json. values: model."""

    code = "TokenizerMissing"


class BaseUnreadable(ModelError):
    """A file of the base is torn or holds something else. values: model, file."""

    code = "BaseUnreadable"


class ChatTemplateMissing(ModelError):
    """values: model."""

    code = "ChatTemplateMissing"


class AdapterMismatch(ModelError):
    """values: adapter, base."""

    code = "AdapterMismatch"


class AdapterUnreadable(ModelError):
    """A file of the adapter is missing, torn or not the one that training wrote. values: adapter, file."""

    code = "AdapterUnreadable"


class ReplyNotFinite(ModelError):
    """The model's numbers overflowed while it wrote. values: model."""

    code = "ReplyNotFinite"


class ReplyFailed(ModelError):
    """An error in the model server that no rule of ours foresaw. values: type, text."""

    code = "ReplyFailed"


class CannotMerge(ModelError):
    """values: adapter, cause."""

    code = "CannotMerge"


class TrainingDiverged(ModelError):
    """The loss stopped being a number. values: step, steps (how many in a row), learning_rate."""

    code = "TrainingDiverged"


class JobError(StudioError):
    """Something about a job."""

    code = "JobError"


class JobNotFound(JobError):
    """values: job."""

    code = "JobNotFound"


class JobRunning(JobError):
    """The deed needs an ended job. values: job."""

    code = "JobRunning"


class CheckpointUnreadable(JobError):
    """values: checkpoint, cause."""

    code = "CheckpointUnreadable"


class WorkerLost(JobError):
    """The worker died. values: exit_code, signal (name or None), last_event (kind), log_tail."""

    code = "WorkerLost"


class KeeperLost(JobError):
    """The keeper died, so the worker stopped. values: last_event (kind), log_tail."""

    code = "KeeperLost"


class JobLost(JobError):
    """Worker and keeper are gone and nobody saw how. values: last_event (kind), log_tail."""

    code = "JobLost"


class PythonError(JobError):
    """An error in a worker that no rule of ours foresaw. values: type, text; the traceback is in output.log."""

    code = "PythonError"


class RemoteError(StudioError):
    """A hub or an endpoint failed. values: address, status, retries."""

    code = "RemoteError"


class HubUnreachable(RemoteError):
    """The Hugging Face Hub did not answer. values: address, status (None), retries."""

    code = "HubUnreachable"


class HubRefused(RemoteError):
    """The Hugging Face Hub has no such model, or not for everybody. values: address, status, retries."""

    code = "HubRefused"


class EndpointUnreachable(RemoteError):
    """An endpoint did not answer. values: address (its name), status (None), retries."""

    code = "EndpointUnreachable"


class EndpointRefused(RemoteError):
    """An endpoint answered with an error. values: address (its name), status, retries, said (its own words)."""

    code = "EndpointRefused"


class EndpointBroken(RemoteError):
    """An endpoint ended in the middle of an answer. values: address (its name), status, retries."""

    code = "EndpointBroken"


def error_classes() -> list[type[StudioError]]:
    """Every error class, for the test that holds their words."""
    found: list[type[StudioError]] = [StudioError]
    for cls in found:
        found.extend(cls.__subclasses__())
    return found


def error_of_code(code: str, values: Mapping[str, Any]) -> StudioError | None:
    """The error that an event of a log tells of, to be worded again in a person's language; None for no code of ours."""
    for cls in error_classes():
        if cls.code == code:
            return cls(**values)
    return None


def _said_if_known(language: str, key: str, values: Mapping[str, Any]) -> str | None:
    return say(language, key, **values) if key in catalogue(language) else None
