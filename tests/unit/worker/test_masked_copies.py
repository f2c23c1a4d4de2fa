"""What placeholders stand for is still known where a dataset was duplicated, or merged with others that have their own."""

from __future__ import annotations

import secrets
import stat

import pytest

from studio.errors import FileUnreadable
from studio.services.checks import Checks
from studio.services.dataset_bulk import Bulk
from studio.services.datasets import Datasets
from studio.store.dataset_file import remove_abandoned
from studio.store.masks import Masks, masks_path
from tests.checked_datasets import write_dataset
from tests.dataset_jobs import NoQueue, conversation, make_job, run_job

SPAN = {"start": 0, "end": 9, "label": "WHO", "text": "⟨EMAIL_1⟩"}


def placed(person, records: list[dict], *values: str) -> str:
    """A dataset whose ⟨EMAIL_1⟩, ⟨EMAIL_2⟩ … stand for these values."""
    dataset_id = write_dataset(person.workspace, records).dataset_id
    mask(person, dataset_id, *values)
    return dataset_id


def mask(person, dataset_id: str, *values: str) -> None:
    masks = Masks(masks_path(person.workspace, dataset_id))
    for value in values:
        masks.placeholder("email", value)
    masks.save()


def meant(person, dataset_id: str) -> dict[str, str]:
    """Placeholders and what they stand for."""
    known = Masks(masks_path(person.workspace, dataset_id)).iterate()
    return {placeholder: value for _, value, placeholder in known}


def ran(person, job_kind: str, **options) -> str:
    """The dataset that the job has made."""
    options |= {"dataset_id": f"d-{secrets.token_hex(8)}", "name": secrets.token_hex(4)}
    return list(run_job(make_job(person.workspace, job_kind, options)))[-1].result


def merged(person, *dataset_ids: str, kind: str = "conversation") -> str:
    parts = [{"dataset_id": one, "times": 1} for one in dataset_ids]
    return ran(person, "merge_datasets", parts=parts, kind=kind, seed=1)


@pytest.fixture
def datasets(settings) -> Datasets:
    return Datasets(settings, NoQueue())


def records(datasets, person, dataset_id: str) -> list[dict]:
    rows = datasets.page(person, dataset_id, {"page": 1, "page_size": 50})["rows"]
    return [datasets.row(person, dataset_id, row["row_id"])["record"] for row in rows]


def test_a_duplicate_knows_what_its_placeholders_stand_for_and_gives_no_number_twice(datasets, person):
    source = placed(person, [conversation("Mail ⟨EMAIL_2⟩.", "Yes.")], "ann@example.org", "ken@example.org")
    copy = ran(person, "duplicate_dataset", source_id=source)
    datasets.delete(person, source)
    assert meant(person, source) == {}
    assert meant(person, copy) == {"⟨EMAIL_1⟩": "ann@example.org", "⟨EMAIL_2⟩": "ken@example.org"}
    assert stat.S_IMODE(masks_path(person.workspace, copy).stat().st_mode) == 0o600
    mask(person, copy, "mia@example.org")
    assert meant(person, copy)["⟨EMAIL_3⟩"] == "mia@example.org"


def test_merged_placeholders_are_numbered_anew_so_that_each_stands_for_one_value(datasets, person):
    """⟨EMAIL_1⟩ is Ann here and Ken there; who is in both gets one; what no row holds is not taken along.

    Nobody knows what ⟨EMAIL_9⟩ stands for: it stays, and what is known begins above it.
    """
    first = [conversation("Mail ⟨EMAIL_1⟩.", "I told ⟨EMAIL_3⟩.")]
    second = [conversation("Mail ⟨EMAIL_1⟩ or ⟨EMAIL_2⟩.", "Or ⟨EMAIL_9⟩.")]
    made = merged(
        person,
        placed(person, first, "ann@example.org", "gone@example.org", "mia@example.org"),
        placed(person, second, "ken@example.org", "ann@example.org"),
    )
    assert records(datasets, person, made) == [
        conversation("Mail ⟨EMAIL_10⟩.", "I told ⟨EMAIL_11⟩."),
        conversation("Mail ⟨EMAIL_12⟩ or ⟨EMAIL_10⟩.", "Or ⟨EMAIL_9⟩."),
    ]
    assert list(meant(person, made).values()) == ["ann@example.org", "mia@example.org", "ken@example.org"]


def test_a_span_stays_on_the_placeholder_that_it_marks(datasets, person):
    ten = [f"{n}@example.org" for n in range(10)]
    lines = [{"text": f"⟨EMAIL_{n}⟩", "entities": []} for n in range(1, 11)]
    made = merged(
        person,
        placed(person, lines, *ten),
        placed(person, [{"text": "⟨EMAIL_1⟩ came.", "entities": [SPAN]}], "ken@example.org"),
        kind="extraction",
    )
    span = {"start": 0, "end": 10, "label": "WHO", "text": "⟨EMAIL_11⟩"}
    assert records(datasets, person, made)[-1] == {"text": "⟨EMAIL_11⟩ came.", "entities": [span]}


def test_what_is_masked_anew_is_numbered_above_what_stands_in_rows_or_in_the_map(datasets, person):
    """Rows come with numbers that no map knows, as ⟨EMAIL_1⟩ after a merge of datasets without maps, or an import."""
    rows = [
        "I am ann@mugs.shop.",
        "Ask ⟨EMAIL_1⟩, ⟨PHONE_8⟩ or ⟨EMAIL_12⟩.",
        f"Not ⟨EMAIL_{'9' * 5000}⟩ nor ⟨EMAIL_x⟩.",
    ]
    made = write_dataset(person.workspace, [conversation(text, "Or ken@mugs.shop?") for text in [*rows, "⟨EMAIL_20⟩"]])
    datasets.delete_row(person, made.dataset_id, 4, "delete")
    made.check("personal_data")
    queue = NoQueue()
    service = Checks(datasets, None, queue, Bulk(datasets, queue))
    assert service.fix(person, made.dataset_id, "personal_data", "email", "deed")["changed"] == 3
    assert records(datasets, person, made.dataset_id)[0] == conversation("I am ⟨EMAIL_21⟩.", "Or ⟨EMAIL_22⟩?")
    assert meant(person, made.dataset_id) == {"⟨EMAIL_21⟩": "ann@mugs.shop", "⟨EMAIL_22⟩": "ken@mugs.shop"}
    known = Masks(masks_path(person.workspace, made.dataset_id), lambda: {"EMAIL": 5, "PHONE": 8})
    assert [known.placeholder("email", "mia"), known.placeholder("phone", "1")] == ["⟨EMAIL_23⟩", "⟨PHONE_9⟩"]
    for number in (0, 1):
        planted = Masks(masks_path(person.workspace, "d-planted"), lambda: {"IP": 10**15 - 1})
        assert planted.placeholder("ip", f"10.0.0.{number}") == f"⟨IP_{10**15 + number}⟩"
        planted.save()


def test_a_merge_where_nothing_is_masked_makes_no_map_and_one_with_a_damaged_map_makes_nothing(datasets, person):
    one, other = placed(person, [conversation("⟨EMAIL_1⟩?", "No.")]), placed(person, [conversation("Hi", "Yes.")])
    made = merged(person, one, other)
    assert records(datasets, person, made)[0] == conversation("⟨EMAIL_1⟩?", "No.")
    assert not masks_path(person.workspace, made).exists()
    masks_path(person.workspace, one).parent.mkdir(exist_ok=True)
    masks_path(person.workspace, one).write_text("torn", "utf-8")
    with pytest.raises(FileUnreadable):
        merged(person, one, other)
    assert len(datasets.list(person)) == 3


def test_what_a_killed_job_leaves_goes_with_its_map(person):
    """A map is written before the catalogue knows of its dataset, and holds what nobody may find."""
    dataset_id = placed(person, [conversation("⟨EMAIL_1⟩?", "No.")], "ann@example.org")
    part = masks_path(person.workspace, dataset_id).with_name(f"{dataset_id}.json.part")
    part.write_text("torn", "utf-8")
    remove_abandoned(person.workspace / "datasets", lambda _: True)
    assert meant(person, dataset_id) == {"⟨EMAIL_1⟩": "ann@example.org"}
    remove_abandoned(person.workspace / "datasets", lambda _: False)
    assert list(part.parent.iterdir()) == list((person.workspace / "datasets").iterdir()) == []
