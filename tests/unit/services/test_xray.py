"""The X-ray's service: rows through the real model server, lengths through the real measuring job, each person's own."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import orjson
import pytest

from studio.errors import ModelNotFound, NotYours, OptionsInvalid
from studio.people import Person
from studio.services.studio import Studio
from studio.services.xray import BINS, Xray, summarise
from studio.training.measures import Lengths, Measure
from tests.dataset_jobs import conversation, import_file
from tests.processes import marked_processes, wait_for

PATIENCE_S = 60.0
LONG = conversation("word " * 60, "Too late.")


@pytest.fixture
def xray(studio: Studio) -> Xray:
    return studio.xray


@pytest.fixture
def stranger(person: Person, settings) -> Person:
    workspace = settings.root / "people" / "stranger"
    workspace.mkdir(parents=True)
    return Person("stranger", "Stranger", "en", workspace)


@pytest.fixture
def dataset(studio: Studio, person: Person, tmp_path) -> str:
    """20 short rows with a long one as row 5, and a version of them."""
    path = tmp_path / "rows.jsonl"
    records = [conversation(f"Question {n}?", f"Reply {n}.") for n in range(1, 21)]
    records.insert(4, LONG)
    path.write_bytes(b"\n".join(map(orjson.dumps, records)))
    made = import_file(person.workspace, path)
    job = studio.datasets.save_version(person, made.dataset_id, "save", "")
    assert studio.queue.wait(job, PATIENCE_S).status == "finished"
    return made.dataset_id


def measured(xray: Xray, person: Person, dataset_id: str, most: int, number: int | None = 1) -> dict:
    """The lengths of version 1, or of the rows as they stand."""
    found: list[dict] = []

    def look() -> bool:
        found.append(xray.lengths(person, "pocket", dataset_id, number, most))
        return found[-1]["status"] != "measuring" and not found[-1].get("behind")

    wait_for(look, PATIENCE_S)
    return found[-1]


def test_a_record_comes_back_token_by_token_and_a_killed_server_is_started_anew(xray, person, mark):
    first = xray.render(person, "pocket", conversation("Hi", "猫です"), 512)
    assert [side["name"] for side in first["sides"]] == ["conversation"]
    assert first["sides"][0]["trained"] == sum(len(p["ids"]) for p in first["sides"][0]["tokens"] if p["trained"]) > 0
    (server,) = [p for p in marked_processes(mark) if "studio.serving" in " ".join(p.cmdline())]
    os.kill(server.pid, signal.SIGKILL)
    assert xray.render(person, "pocket", conversation("Hi", "猫です"), 512) == first


def test_what_cannot_be_rendered_is_named(xray, person):
    with pytest.raises(ModelNotFound):
        xray.render(person, "folder:../../etc", conversation("Hi", "Yes"), 512)
    for most in (0, -3, 2**30):
        with pytest.raises(OptionsInvalid):
            xray.render(person, "pocket", conversation("Hi", "Yes"), most)
    assert xray.render(person, "pocket", {"messages": "x"}, 8)["problems"][0]["code"] == "messages_not_a_list"
    for text, code in (("a\ud800b", "json_half_surrogate"), ("x" * 1_000_000, "too_long")):
        shown = xray.render(person, "pocket", conversation(text, "Yes"), 512)
        assert (shown["sides"], [problem["code"] for problem in shown["problems"]]) == ([], [code])


def test_the_lengths_of_a_version_are_counted_and_the_rows_that_train_nothing_are_found(xray, studio, person, dataset):
    found = measured(xray, person, dataset, 40)
    assert (found["status"], found["version"], found["versions"], found["behind"]) == ("ready", 1, [1], False)
    assert (found["rows"], found["cut"], found["nothing"], found["listed"]) == (21, 1, 1, 1)
    assert found["longest"] > 60 and sum(rows for _, _, rows in found["bins"]) == 21
    cut = {"base": "pocket", "method": "sft", "max_length": 40}
    lost = xray.lost_rows(person, dataset, cut | {"number": 1})
    page = studio.datasets.page(person, dataset, {"page": 1, "page_size": 50, "row_ids": lost})
    assert [(row["position"], row["cells"][1]) for row in page["rows"]] == [(5, "Too late.")]
    assert xray.lost_rows(person, dataset, cut | {"number": 1, "max_length": 512}) == []
    where = xray.find_lost(person, studio.datasets.versions(person, dataset)[0]["fingerprint"], cut)
    assert where.items() >= cut.items()
    assert (where["id"], where["number"], where["count"], where["listed"]) == (dataset, 1, 1, 1)
    studio.datasets.delete_row(person, dataset, lost[0], "gone")
    assert studio.datasets.page(person, dataset, {"page": 1, "page_size": 50, "row_ids": lost})["total"] == 0


def test_pairs_are_measured_as_a_comparing_method_learns_them(xray, studio, person, tmp_path):
    """Cut to 20 tokens, the two replies that begin alike are the same: that pair teaches nothing."""
    same = "word " * 30
    pairs = [{"prompt": f"{n}?", "chosen": f"Yes {n}.", "rejected": "No."} for n in range(11)]
    pairs.append({"prompt": "Which?", "chosen": same + "yes", "rejected": same + "no"})
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, pairs)))
    dataset_id = import_file(person.workspace, path).dataset_id
    job = studio.datasets.save_version(person, dataset_id, "save", "")
    assert studio.queue.wait(job, PATIENCE_S).status == "finished"
    found = measured(xray, person, dataset_id, 20)
    assert (found["status"], found["method"], found["rows"], found["cut"], found["nothing"]) == (
        "ready",
        "dpo",
        12,
        1,
        1,
    )
    cut = {"base": "pocket", "method": "dpo", "max_length": 20, "number": 1}
    assert xray.lost_rows(person, dataset_id, cut) == [12]


def test_the_rows_as_they_stand_are_counted_as_their_version_is_and_an_edit_counts_one_row_anew(
    xray, studio, person, dataset
):
    version, stand = measured(xray, person, dataset, 40), measured(xray, person, dataset, 40, None)
    same = ("rows", "cut", "tokens", "trained", "nothing", "longest", "middle", "bins", "method")
    assert {name: stand[name] for name in same} == {name: version[name] for name in same}
    assert stand["version"] is None and xray.nothing_rows(person, "pocket", dataset, 40) == [5]
    studio.datasets.save_row(person, dataset, 5, 1, conversation("short", "Now it fits."), "edit")
    behind = xray.lengths(person, "pocket", dataset, None, 40)
    assert (behind["status"], behind["behind"], behind["nothing"]) == ("ready", True, 1), "the last figures meanwhile"
    assert measured(xray, person, dataset, 40, None)["nothing"] == 0
    assert xray.nothing_rows(person, "pocket", dataset, 40) == []
    (job, *_) = studio.queue.jobs(person, ["measure_rows"])
    assert job.state().ended["summary"] == {"rows": 21, "measured": 1}
    studio.datasets.undo(person, dataset, "back")
    assert measured(xray, person, dataset, 40, None)["nothing"] == 1


def test_pairs_and_mixed_rows_as_they_stand_are_counted_as_their_version_is(xray, studio, person, tmp_path):
    pairs = [{"prompt": f"{n}?", "chosen": f"Yes {n}.", "rejected": "No." + " x" * n} for n in range(11)]
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, pairs)))
    dataset_id = import_file(person.workspace, path).dataset_id
    studio.datasets.add_row(person, dataset_id, conversation("A talk", "among pairs."), "add")
    job = studio.datasets.save_version(person, dataset_id, "save", "")
    assert studio.queue.wait(job, PATIENCE_S).status == "finished"
    version, stand = (measured(xray, person, dataset_id, 20, number) for number in (1, None))
    for name in ("rows", "cut", "tokens", "trained", "nothing", "longest", "middle", "bins", "method"):
        assert stand[name] == version[name], name
    assert (stand["rows"], stand["method"]) == (12, "dpo") and 0 < stand["cut"] < 11
    page = studio.datasets.page(person, dataset_id, {"base": "pocket"})["rows"]
    counted = xray.count_rows(person, "pocket", dataset_id, [row["row_id"] for row in page])
    assert counted == {str(row["row_id"]): row["tokens"] for row in page}, "a pair's longer side, as the job counts it"


def test_the_rows_of_a_page_are_counted_as_they_stand_before_any_job_has_measured_them(xray, studio, person, dataset):
    assert xray.count_rows(person, "pocket", dataset, []) == {}
    first = xray.count_rows(person, "pocket", dataset, [1, 5, 99])
    assert first.keys() == {"1", "5"} and first["5"] > 60 > first["1"]
    studio.datasets.save_row(person, dataset, 5, 1, conversation("short", "Now it fits."), "edit")
    assert xray.count_rows(person, "pocket", dataset, [5])["5"] < first["1"] + 10
    huge = {"messages": [*conversation("x", "y")["messages"][:1], {"role": "assistant", "content": "word " * 300_000}]}
    row_id = studio.datasets.add_row(person, dataset, huge, "add")["row_id"]
    assert xray.count_rows(person, "pocket", dataset, [1, row_id]).keys() == {"1"}, "too long for a page to wait for"
    assert xray.measure(person, "pocket", dataset) == "measuring"
    wait_for(lambda: xray.measure(person, "pocket", dataset) == "ready", PATIENCE_S)
    with pytest.raises(ModelNotFound):
        xray.count_rows(person, "folder:none", dataset, [1])


def test_padding_and_packing_are_told_for_a_batch_of_any_size(xray, person, dataset):
    measured(xray, person, dataset, 512, None)
    found = xray.batches(person, "pocket", dataset, None, {"max_length": 512, "batch": 8})
    assert found["status"] == "ready" and found["rows"] == 21 - 2, "rows that are held out are in no batch"
    assert 0 < found["sorted"]["padding"] < found["mixed"]["padding"] < 1 and found["packed"]["tokens"] > 100
    for batch in (0, -1, 10**9):
        with pytest.raises(OptionsInvalid):
            xray.batches(person, "pocket", dataset, None, {"max_length": 512, "batch": batch})


def test_nobody_sees_anothers_lengths(xray, studio, person, stranger, dataset):
    fingerprint = studio.datasets.versions(person, dataset)[0]["fingerprint"]
    cut = {"base": "pocket", "method": "sft", "max_length": 40}
    for call in (
        lambda: xray.lengths(stranger, "pocket", dataset, None, 512),
        lambda: xray.lengths(stranger, "pocket", dataset, 1, 512),
        lambda: xray.nothing_rows(stranger, "pocket", dataset, 512),
        lambda: xray.count_rows(stranger, "pocket", dataset, [1]),
        lambda: xray.measure(stranger, "pocket", dataset),
        lambda: xray.batches(stranger, "pocket", dataset, None, {"max_length": 512, "batch": 8}),
        lambda: xray.lost_rows(stranger, dataset, cut | {"number": 1}),
        lambda: xray.find_lost(stranger, fingerprint, cut),
        lambda: xray.lengths(person, "pocket", dataset, 7, 512),
    ):
        with pytest.raises(NotYours):
            call()


def rows_of(lengths: list[int], first: int = 2) -> Iterator[Lengths]:
    """Two sides with rows of these lengths by turns, trained from `first` to their end."""
    for start in (0, 1):
        side = Lengths()
        for length in lengths[start::2]:
            side.add(length, [(first, length)])
        yield side


def test_shares_and_bars_are_those_of_the_rows():
    """Lengths 3, 10, 20, 100 trained from 2; at 12: 3 + 10 + 12 + 12 tokens, of which all but 2 a row are trained."""
    measure = Measure(6, *rows_of([3, 10, 20, 100]), {"no_reply": 1, "template_refused": 1}, 0)
    found = summarise(measure, 12)
    assert (found["cut"], found["tokens"], found["trained"], found["nothing"]) == (2, 37, 29, 2)
    assert (found["middle"], found["longest"], found["rows"]) == (10, 100, 6)
    bins = found["bins"]
    assert len(bins) <= BINS and bins[0][0] == 1 and bins[-1][1] >= 100
    assert all(after[0] == before[1] + 1 for before, after in pairwise(bins))
    counts = Counter({(first, last): rows for first, last, rows in bins if rows})
    assert all(any(first <= length <= last for first, last in counts) for length in (3, 10, 20, 100))
    assert summarise(measure, 2)["nothing"] == 6


@pytest.mark.parametrize("longest", [1, 2, 39, 40, 41, 512, 99_999, 1_000_001])
def test_bars_are_few_and_hold_every_row_however_long_rows_are(longest: int):
    bins = summarise(Measure(2, *rows_of([1, longest], first=0), {}, 0), 10)["bins"]
    assert 1 <= len(bins) <= BINS
    assert sum(rows for *_, rows in bins) == 2 and bins[0][0] == 1 and bins[-1][0] <= longest <= bins[-1][1]


def test_a_version_of_which_nothing_has_tokens_has_no_bars():
    found = summarise(Measure(3, Lengths(), Lengths(), {"template_refused": 3}, 0), 10)
    assert (found["bins"], found["middle"], found["longest"], found["nothing"]) == ([], None, 0, 3)
