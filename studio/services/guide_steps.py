"""The way round the loop, step by step: what is done, what is next, and what to press for it, from what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from studio.jobs.folder import JobFolder
from studio.store.preferences import is_project_id
from studio.training.methods import METHODS

PAIRS_METHOD = "dpo"
EXAMPLES_METHOD = "sft"
VOTES_ASKED = 6
"""So many votes of one's own before the guide offers the labels that came with the pairs: enough to know the keys."""

DONE, RUNNING, NOW, LATER = "done", "running", "now", "later"

Words = tuple[str, Mapping[str, Any]]
"""A code and its values; the page says `guide.detail.<code>`."""


@dataclass(frozen=True)
class Action:
    """What the step's button does. name: words `guide.act.<name>`; asked: what the page opens or sends."""

    name: str
    asked: Mapping[str, Any]


@dataclass(frozen=True)
class Workspace:
    """What there is, newest first. compared: ids of adapters that replied beside another model. exported: of adapters
    that were written out. jobs: all that have not ended, and the newest run of each method that did.
    labels: pairs of each project whose own labels nobody has voted on yet.
    """

    datasets: Sequence[Mapping[str, Any]]
    versions: Sequence[Mapping[str, Any]]
    projects: Sequence[Mapping[str, Any]]
    adapters: Sequence[Mapping[str, Any]]
    compared: Set[str]
    exported: Set[str]
    jobs: Sequence[JobFolder]
    labels: Mapping[str, int]

    @property
    def examples(self) -> Mapping[str, Any] | None:
        """The newest version of a dataset; what votes were compiled to is none."""
        return next((version for version in self.versions if not is_project_id(version["dataset_id"])), None)

    @property
    def trainable(self) -> Mapping[str, Any] | None:
        """The newest version of a dataset from whose rows examples can be learned."""
        kinds = METHODS[EXAMPLES_METHOD].kinds
        own = (version for version in self.versions if not is_project_id(version["dataset_id"]))
        return next((version for version in own if version["kind"] in kinds), None)

    @property
    def pairs(self) -> Mapping[str, Any] | None:
        """The newest version that votes were compiled to."""
        return next((version for version in self.versions if is_project_id(version["dataset_id"])), None)

    def newest(self, of_pairs: bool) -> Mapping[str, Any] | None:
        """The newest adapter that learned from pairs, or from examples."""
        return next((one for one in self.adapters if (one["method"] == PAIRS_METHOD) == of_pairs), None)

    def running(self, *kinds: str, of_pairs: bool | None = None) -> JobFolder | None:
        """A job of these kinds that has not ended. of_pairs: only a run that learns from pairs, or none that does."""
        return next((job for job in self._jobs(kinds, of_pairs) if not job.state().is_ended), None)

    def failed(self, of_pairs: bool) -> JobFolder | None:
        """The newest run of its kind, where it failed."""
        newest = next(iter(self._jobs(("train",), of_pairs)), None)
        return newest if newest is not None and newest.state().status == "failed" else None

    def _jobs(self, kinds: Sequence[str], of_pairs: bool | None) -> list[JobFolder]:
        found = [job for job in self.jobs if job.spec.kind in kinds]
        return [job for job in found if of_pairs in (None, job.spec.options.get("method") == PAIRS_METHOD)]


def list_steps(found: Workspace) -> list[dict[str, Any]]:
    """The seven steps in order: {"name", "state", "detail": {"code", "values"} or None, "action": {"name", "asked"} or None}.

    The first that is not done is `now`; one whose job is at work is `running`. A step's action is there as soon as it
    can be done.
    """
    steps = [
        _data(found),
        _train(found),
        _compare(found, "compare", of_pairs=False),
        _label(found),
        _train_pairs(found),
        _compare(found, "compare_again", of_pairs=True),
        _export(found),
    ]
    first = next((step for step in steps if step["state"] != DONE), None)
    if first is not None and first["state"] == LATER:
        first["state"] = NOW
    return steps


def _step(
    name: str, done: bool, detail: Words | None, action: Action | None, job: JobFolder | None = None
) -> dict[str, Any]:
    """job: what is at work for this step."""
    if job is not None:
        detail = ("running", {"title": job.spec.title})
        action = Action("watch", {"run": job.id}) if job.spec.kind == "train" else None
    return {
        "name": name,
        "state": RUNNING if job is not None else DONE if done else LATER,
        "detail": {"code": detail[0], "values": dict(detail[1])} if detail else None,
        "action": {"name": action.name, "asked": dict(action.asked)} if action else None,
    }


def _data(found: Workspace) -> dict[str, Any]:
    version = found.examples
    job = None if version else found.running("import", "save_version")
    if version:
        values = {"name": version["dataset_name"], "number": version["number"], "rows": version["rows"]}
        there = any(one["id"] == version["dataset_id"] for one in found.datasets)
        asked = {"dataset": version["dataset_id"]} if there else {}
        return _step("data", True, ("data", values), Action("open_data", asked), job)
    if found.datasets:
        newest = found.datasets[0]
        values = {"name": newest["name"], "rows": newest["rows"]}
        return _step("data", False, ("unsaved", values), Action("save_version", {"dataset": newest["id"]}), job)
    return _step("data", False, None, Action("load_sample", {}), job)


def _train(found: Workspace) -> dict[str, Any]:
    version, adapter = found.trainable, found.newest(of_pairs=False)
    job = found.running("train", of_pairs=False)
    action = Action("train", {"version": version["fingerprint"], "method": EXAMPLES_METHOD}) if version else None
    return _step("train", adapter is not None, _learned(found, adapter, of_pairs=False), action, job)


def _train_pairs(found: Workspace) -> dict[str, Any]:
    version, adapter, parent = found.pairs, found.newest(of_pairs=True), found.newest(of_pairs=False)
    asked = {"method": PAIRS_METHOD, "version": version["fingerprint"]} if version else {}
    if parent:
        asked |= {"base": parent["base"], "parent": parent["id"]}
    action = Action("train_pairs", asked) if version else None
    job = found.running("train", of_pairs=True)
    return _step("train_pairs", adapter is not None, _learned(found, adapter, of_pairs=True), action, job)


def _learned(found: Workspace, adapter: Mapping[str, Any] | None, of_pairs: bool) -> Words | None:
    if adapter is None:
        return ("failed", {}) if found.failed(of_pairs) else None
    before, after = adapter["held_out_before"], adapter["held_out_after"]
    if before is None or after is None:
        return "adapter", {"name": adapter["name"]}
    return "learned", {"name": adapter["name"], "before": f"{before:.3f}", "after": f"{after:.3f}"}


def _compare(found: Workspace, name: str, of_pairs: bool) -> dict[str, Any]:
    adapter = found.newest(of_pairs)
    if adapter is None:
        return _step(name, False, None, None)
    done = any(one["id"] in found.compared for one in found.adapters if (one["method"] == PAIRS_METHOD) == of_pairs)
    return _step(name, done, None, Action("compare", {"run": adapter["run"]}))


def _label(found: Workspace) -> dict[str, Any]:
    job = found.running("compile_pairs")
    if not found.projects:
        return _step("label", found.pairs is not None, None, Action("make_project", {}), job)
    project = next((one for one in found.projects if one["versions"]), found.projects[0])
    asked, counts = {"project": project["id"]}, project["counts"]
    if project["versions"]:
        newest = project["versions"][0]
        values = {"votes": counts["votes"], "rows": newest["rows"], "number": newest["number"]}
        return _step("label", True, ("compiled", values), Action("open_project", asked), job)
    if counts["votes"] < min(VOTES_ASKED, counts["votes"] + project["open"]):
        values = {"votes": counts["votes"], "asked": VOTES_ASKED}
        return _step("label", False, ("votes", values), Action("vote", asked), job)
    if labels := found.labels.get(project["id"], 0):
        values = {"votes": counts["votes"], "labels": labels}
        return _step("label", False, ("labels", values), Action("take_labels", asked | {"count": labels}), job)
    if counts["dpo"]:
        action = Action("compile", asked | {"count": counts["dpo"]})
        return _step("label", False, ("voted", {"votes": counts["votes"]}), action, job)
    return _step("label", False, ("no_rows", {"votes": counts["votes"]}), Action("open_project", asked), job)


def _export(found: Workspace) -> dict[str, Any]:
    adapter = next(iter(found.adapters), None)
    done = bool(found.exported)
    action = Action("export", {"adapter": adapter["id"]}) if adapter else None
    return _step("export", done, ("exported", {}) if done else None, action, found.running("export"))
