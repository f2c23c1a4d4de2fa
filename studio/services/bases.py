"""Base models as the pages use them: listed, looked up on the hub, downloaded."""

from __future__ import annotations

from typing import Any

from studio.models.catalogue import Base, find_bases, read_base
from studio.models.hub import read_hub_files
from studio.people import Person
from studio.services.queue import Queue
from studio.settings import Settings


class Bases:
    """The base models of this app, the same for every person. Thread-safe: everything is read from the disk."""

    def __init__(self, settings: Settings, queue: Queue) -> None:
        self._models = settings.models
        self._hub = settings.root / "hub"
        self._queue = queue

    def list(self, person: Person) -> list[dict[str, Any]]:
        """Pocket first, then the operator's folders, then what was downloaded. bytes: of the weights."""
        return [
            {
                "id": base.id,
                "title": base.title,
                "parameters": base.parameters,
                "bytes": base.bytes,
                "context": base.context,
                "licence": base.licence,
                "template": base.template,
                "source": base.source,
            }
            for base in find_bases(self._models, self._hub)
        ]

    def find(self, base_id: object) -> Base:
        """Raises ModelNotFound for an id that is unknown or no id at all, WeightsUnsafe, BaseUnreadable."""
        return read_base(str(base_id)[:200], self._models, self._hub)

    def hub_files(self, person: Person, repo: str) -> dict[str, Any]:
        """What a download would fetch: {"repo", "files": [{"name", "bytes"}], "bytes", "licence", "revision"}.

        Asks the hub, with a short time limit. Raises NameUnsafe, HubUnreachable, HubRefused, WeightsUnsafe.
        """
        found = read_hub_files(repo)
        files = [{"name": name, "bytes": found.sizes[name]} for name in found.names]
        return {
            "repo": repo,
            "files": files,
            "bytes": found.bytes,
            "licence": found.licence,
            "revision": found.revision,
        }

    def download(self, person: Person, deed: str, repo: str) -> str:
        """Queue the download of a repository whose files were shown; the job's id. Raises as `hub_files` does."""
        read_hub_files(repo)
        return self._queue.submit(person, "download", repo, {"repo": repo}, deed)
