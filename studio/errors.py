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

    def __init_subclass__(cls) -> None:
        """An error's code is the name of its class."""
        cls.code = cls.__name__

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


class FileUnreadable(InputError):
    """values: file, row (number or None), cause (a code worded under `unreadable.<cause>`, or a sentence)."""

    def message(self, language: str) -> str:
        cause = _said_if_known(language, f"unreadable.{self.values.get('cause')}", self.values)
        return say(language, f"error.{self.code}.message", **self.values | ({"cause": cause} if cause else {}))


class HubDatasetUnfit(InputError):
    """A dataset of the Hub that is not read here. values: repo, cause (worded under `hub_unfit.<cause>`), kind or found."""

    def message(self, language: str) -> str:
        cause = _said_if_known(language, f"hub_unfit.{self.values.get('cause')}", self.values)
        return say(language, f"error.{self.code}.message", **self.values | ({"cause": cause} if cause else {}))


class FormatUnknown(InputError):
    """values: file, fields (comma-separated names found)."""


class RowInvalid(InputError):
    """values: row, field, and found or cause (a code worded under `refused.<cause>`, with its own values)."""

    def message(self, language: str) -> str:
        found = _said_if_known(language, f"refused.{self.values.get('cause')}", self.values)
        return say(language, f"error.{self.code}.message", **self.values | ({"found": found} if found else {}))


class DatasetEmpty(InputError):
    """values: name."""


class SeedsMissing(InputError):
    """No row holds a question and a reply that a model could learn from. values: none."""


class OptionsInvalid(InputError):
    """All problems of a form at once. values: problems = [{"field", "code", ...}], text = one line in English."""

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

    def message(self, language: str) -> str:
        lines = [
            say(language, "problem.at_field", field=p["field"], words=say(language, f"refused.{p['code']}", **p))
            for p in self.problems
        ]
        return "\n".join([say(language, f"error.{self.code}.message"), *lines])


class NothingToUndo(InputError):
    """Every change is undone. values: none."""


class NothingToRedo(InputError):
    """Nothing was undone since the last change. values: none."""


class ChangedMeanwhile(InputError):
    """Somebody changed the dataset after the person saw what a step would do. values: none."""


class PatternInvalid(InputError):
    """No regular expression. values: pattern, cause (the library's own words), place (from 1, or None)."""


class PatternTooSlow(InputError):
    """A regular expression that one text, or all of a row, keep busy for too long. values: pattern, seconds."""


class ReplacementTooLong(InputError):
    """What a replacement would make of a row is longer than any row may be. values: pattern, limit (characters)."""


class NameTaken(InputError):
    """values: name."""


class NameUnsafe(InputError):
    """values: name."""


class FileTooLarge(InputError):
    """values: file, bytes, limit_bytes."""


class NotYours(InputError):
    """The thing asked for does not exist in this person's workspaces. values: what (worded under `thing.<what>`)."""

    def message(self, language: str) -> str:
        what = _said_if_known(language, f"thing.{self.values.get('what')}", {}) or self.values.get("what")
        return say(language, f"error.{self.code}.message", **self.values | {"what": what})


class VersionUsed(InputError):
    """Something was made from the version, so it stays. values: number, name (of what was made)."""


class EditConflict(InputError):
    """Somebody saved the row in the meantime. values: row."""


class RequestRefused(InputError):
    """A call from another site, or of another shape than the page makes. values: none."""


class VotesMissing(InputError):
    """No vote makes a training row. values: name (of the project)."""


class StillWriting(InputError):
    """A reply is being written; the next prompt has to wait for it. values: none."""


class EndpointKeyMissing(InputError):
    """The variable that an endpoint's key is to be found in is not set. values: name, variable."""


class EndpointsFixed(InputError):
    """Only the operator may add or remove endpoints here. values: none."""


class PromptEmpty(InputError):
    """A prompt without a token. values: none."""


class ContextTooLong(InputError):
    """The prompt leaves no room for a reply. values: tokens, limit."""


class PromptTooLong(InputError):
    """A prompt that no reply has room beside. values: model, tokens, context (both in tokens)."""


class LoginNeeded(InputError):
    """The page asks for a login and the request carries none, or one that has ended. values: none."""


class VisitorUnknown(InputError):
    """On a Space, a request without the cookie that says whose it is. values: none."""


class LoginRefused(InputError):
    """Wrong name or password; which of the two is not told. values: none."""


class LoginPaused(InputError):
    """Too many wrong attempts. values: seconds until the next is looked at."""


class MachineError(StudioError):
    """Something the computer cannot do."""


class OutOfMemory(MachineError):
    """values: asked_bytes, free_bytes (either may be None)."""


class DiskFull(MachineError):
    """values: free_bytes."""


class DatabaseBusy(MachineError):
    """Another change is being written, and takes longer than one waits for it. values: none."""


class DeviceMissing(MachineError):
    """values: device."""


class DeviceTaken(MachineError):
    """A job has the device, so the weights cannot be loaded. values: job (its id, or None)."""


class ToolMissing(MachineError):
    """values: tool, install."""


class RootTaken(MachineError):
    """Another app works in this root. values: root, pid (a name of a process, not an amount)."""

    def __init__(self, root: str, pid: int | None) -> None:
        super().__init__(root=root, pid=None if pid is None else str(pid))


class PortTaken(MachineError):
    """Another program answers on the port. values: port."""


class LoginMissing(MachineError):
    """The page would be open to everybody who reaches the machine. values: host."""


class LoginUnreadable(MachineError):
    """The file given with --login cannot be used. values: file, cause."""


class ServerFailed(MachineError):
    """The model server ended again and again before it replied. values: none, for its log names models of all people."""


class ServerLost(MachineError):
    """The model server ended before it had answered; it starts anew with the next request. values: none."""


class ModelError(StudioError):
    """Something about a base model or an adapter."""


class ModelNotFound(ModelError):
    """values: model."""


class WeightsUnsafe(ModelError):
    """The folder holds pickled weights only. values: model."""


class TokenizerMissing(ModelError):
    """The folder has no tokenizer.json. values: model."""


class BaseUnreadable(ModelError):
    """A file of the base is torn or holds something else. values: model, file."""


class ChatTemplateMissing(ModelError):
    """values: model."""


class AdapterMismatch(ModelError):
    """values: adapter, base."""


class AdapterUnreadable(ModelError):
    """A file of the adapter is missing, torn or not the one that training wrote. values: adapter, file."""


class ReplyNotFinite(ModelError):
    """The model's numbers overflowed while it wrote. values: model."""


class ReplyFailed(ModelError):
    """An error in the model server that no rule of ours foresaw. values: type, text."""


class ReplyUnforeseen(ModelError):
    """An error in the app, while it wrote a reply, that no rule of ours foresaw. values: type, reference."""


class CannotMerge(ModelError):
    """values: adapter, cause."""


class TrainingDiverged(ModelError):
    """The loss stopped being a number. values: step, steps (how many in a row), learning_rate."""


class JobError(StudioError):
    """Something about a job."""


class JobNotFound(JobError):
    """values: job."""


class JobRunning(JobError):
    """The deed needs an ended job. values: job."""


class CheckpointUnreadable(JobError):
    """values: checkpoint, cause."""


class WorkerLost(JobError):
    """The worker died. values: exit_code, signal (name or None), last_event (kind), log_tail."""


class KeeperLost(JobError):
    """The keeper died, so the worker stopped. values: last_event (kind), log_tail."""


class JobLost(JobError):
    """Worker and keeper are gone and nobody saw how. values: last_event (kind), log_tail."""


class PythonError(JobError):
    """An error in a worker that no rule of ours foresaw. values: type, text; the traceback is in output.log."""


class RemoteError(StudioError):
    """A hub or an endpoint failed. values: address, status, retries."""


class HubUnreachable(RemoteError):
    """The Hugging Face Hub did not answer. values: address, status (None), retries."""


class HubRefused(RemoteError):
    """The Hugging Face Hub has no such model, or not for everybody. values: address, status, retries."""


class EndpointUnreachable(RemoteError):
    """An endpoint did not answer. values: address (its name), status (None), retries."""


class ServerRefused(RemoteError):
    """Our own model server took a request for a wrong one, or has too many. values: said (its own words)."""


class EndpointRefused(RemoteError):
    """An endpoint answered with an error. values: address (its name), status, retries, said (its own words)."""


class EndpointBroken(RemoteError):
    """An endpoint ended in the middle of an answer. values: address (its name), status, retries."""


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
