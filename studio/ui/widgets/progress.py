"""How far a light job is, as the panels of the Data tab show it."""

from __future__ import annotations

from typing import Any

from studio.jobs.log import read_events
from studio.people import Person
from studio.services.dataset_words import problem_words


def read_progress(studio, person: Person, job_id: str) -> dict[str, Any]:
    """{status, title, phase, done, total, unit, share, result, summary, problem}.

    share: 0..1, or None where the whole is unknown. result, summary: of a finished job; problem: of a failed one,
    {code, message, hint} in the person's language. The log of a light job is short (two lines a second), so it is read whole. Raises JobNotFound.
    """
    folder = studio.queue.find(person, job_id)
    state = folder.state()
    events, _ = read_events(folder.events_path, 0)
    phase = next((event for event in reversed(events) if event["kind"] == "phase"), {})
    progress = next((event for event in reversed(events) if event["kind"] == "progress"), {})
    done, total = progress.get("done"), progress.get("total")
    ended = state.ended or {}
    return {
        "job_id": folder.id,
        "status": state.status,
        "title": folder.spec.title,
        "phase": phase.get("name"),
        "done": done,
        "total": total,
        "unit": progress.get("unit"),
        "share": done / total if done is not None and total else None,
        "result": ended.get("result"),
        "summary": ended.get("summary"),
        "problem": problem_words(person.language, ended) if state.status == "failed" else None,
    }
