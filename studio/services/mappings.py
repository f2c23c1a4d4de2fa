"""The mappings that a workspace keeps: saved by name, renamed, deleted, picked again."""

from __future__ import annotations

from typing import Any

from studio.people import Person
from studio.services.dataset_imports import check_name, mapping_json
from studio.store.mappings import SavedMapping, open_mappings


class SavedMappings:
    """The mappings of every workspace."""

    def all(self, person: Person) -> list[dict[str, Any]]:
        """The last used first: name, mapping as JSON, created, used."""
        with open_mappings(person.workspace) as mappings:
            return [_told(one) for one in mappings.all()]

    def save(self, person: Person, name: str, mapping: dict[str, Any]) -> list[dict[str, Any]]:
        """Under this name, in place of what it stood for before; all of them. Raises NameUnsafe, OptionsInvalid."""
        kept = mapping_json(mapping)
        with open_mappings(person.workspace) as mappings:
            mappings.save(check_name(name), kept)
        return self.all(person)

    def rename(self, person: Person, name: str, to: str) -> list[dict[str, Any]]:
        """Raises NotYours, NameUnsafe, NameTaken."""
        with open_mappings(person.workspace) as mappings:
            mappings.rename(name, check_name(to))
        return self.all(person)

    def delete(self, person: Person, name: str) -> list[dict[str, Any]]:
        """Raises NotYours. What was imported with it keeps it."""
        with open_mappings(person.workspace) as mappings:
            mappings.delete(name)
        return self.all(person)


def _told(one: SavedMapping) -> dict[str, Any]:
    return {"name": one.name, "mapping": one.mapping, "created": one.created, "used": one.used}
