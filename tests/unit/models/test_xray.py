"""What the X-ray shows is what the trainer is given: the same ids, the same mask, the same cut, nothing left out in silence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.records import CONVERSATION, PREFERENCE, PROMPT_COMPLETION, record_kind
from studio.models.catalogue import POCKET, POCKET_FOLDER, read_base, read_base_folder
from studio.models.rendering import Renderer
from studio.models.xray import HEAD_TOKENS, UNTRAINED, render_record
from studio.training.methods import METHODS
from studio.words import catalogue
from tests.training_runs import read_sample

NOWHERE = Path("/nonexistent")
QUESTION, REPLY = {"role": "user", "content": "Where?"}, {"role": "assistant", "content": "猫 café 🍵\n"}
TALK = {"messages": [QUESTION, REPLY]}


@pytest.fixture(scope="module")
def pocket() -> Renderer:
    return Renderer(read_base(POCKET, (), NOWHERE))


@pytest.fixture(scope="module")
def stories(shared_data: Path) -> Renderer:
    return Renderer(read_base("folder:stories260K", (shared_data / "model",), NOWHERE))


def render(renderer: Renderer, record: dict, most: int = 512) -> dict:
    return json.loads(json.dumps(render_record(renderer, record_kind(record), record, most)))


def ids_of(side: dict) -> list[int]:
    return [key for piece in side["tokens"] for key in piece["ids"]]


def text_of(side: dict) -> str:
    return "".join(piece["text"] for piece in side["tokens"])


def codes(shown: dict) -> list[str]:
    return [problem["code"] for problem in shown["problems"]]


@pytest.mark.parametrize("name", [POCKET, "stories260K"])
@pytest.mark.parametrize("most", [512, 24])
def test_the_mask_shown_is_the_mask_that_a_real_trainer_gives_its_model(name, most, request):
    """Conversations, prompts with completions and chosen replies of the samples, in batches of the trainer's own collator."""
    from studio.training.loss import IGNORED
    from studio.training.rows import find_conversation
    from studio.training.trainer import Collator

    renderer = request.getfixturevalue({POCKET: "pocket", "stories260K": "stories"}[name])
    talks = read_sample()[:40]
    records = [*talks, *(pair for pair in read_sample("shop_pairs")[:30] if len(pair["prompt"]) == 1)]
    records += [{"prompt": t["messages"][:-1], "completion": t["messages"][-1:]} for t in talks[:10]]
    conversations = [find_conversation(record_kind(record), record) for record in records]
    rows = list(renderer.iterate_rows(conversations))
    batch = Collator(rows, most, renderer.pad_id)([{"row": number} for number in range(len(rows))])
    for record, ids, labels in zip(records, batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True):
        side = render(renderer, record, most)["sides"][0]
        kept = [(key, p["trained"]) for p in side["tokens"] for key in p["ids"] if not p["cut"]]
        assert [key for key, _ in kept] == ids[: len(kept)]
        assert [trained for _, trained in kept] == [label != IGNORED for label in labels[: len(kept)]]
        assert all(label == IGNORED for label in labels[len(kept) :])
        assert side["trained"] == sum(label != IGNORED for label in labels)


def test_characters_of_several_tokens_are_one_piece_with_all_their_ids(pocket: Renderer, stories: Renderer):
    cat = next(p for p in render(stories, TALK)["sides"][0]["tokens"] if p["text"] == "猫")
    assert [stories.tokenizer.id_to_token(key) for key in cat["ids"]] == ["<0xE7>", "<0x8C>", "<0xAB>"]
    cup = next(p for p in render(pocket, TALK)["sides"][0]["tokens"] if p["text"] == "🍵")
    assert len(cup["ids"]) > 1 and "part" not in cup


def test_the_pieces_make_up_the_text_and_the_row(pocket: Renderer, stories: Renderer):
    for renderer in (pocket, stories):
        shown = render(renderer, TALK)
        side, row = shown["sides"][0], next(iter(renderer.iterate_rows([TALK["messages"]])))
        assert ids_of(side) == row.ids.tolist() and side["total"] == len(row.ids)
        assert [p["at"] for p in side["tokens"]][:3] == [0, 1, 2]
    assert text_of(render(pocket, TALK)["sides"][0]) == pocket.render_text(TALK["messages"])[0]


def test_a_space_of_the_tokenizers_own_stands_alone(stories: Renderer):
    """sentencepiece puts one before `Q`: the model sees it, so it is shown, as no part of the letter."""
    first, space, letter = render(stories, TALK)["sides"][0]["tokens"][:3]
    assert (first["text"], first["special"]) == ("<s>", True)
    assert (space["text"], letter["text"], len(letter["ids"])) == (" ", "Q", 1)


def test_the_cut_is_where_the_trainer_cuts_also_within_a_character(pocket: Renderer):
    whole = render(pocket, TALK)["sides"][0]
    cup = next(p for p in whole["tokens"] if p["text"] == "🍵")
    most = cup["at"] + 1
    side = render(pocket, TALK, most)["sides"][0]
    assert side["cut_at"] == most and whole["cut_at"] is None
    parts = [p for p in side["tokens"] if p["text"] == "🍵"]
    assert [(p["cut"], p.get("part"), p["trained"]) for p in parts] == [(False, True, True), (True, True, False)]
    assert sum(p["ids"] != [] and p["cut"] for p in side["tokens"]) > 1
    assert side["trained"] < whole["trained"]


def test_both_sides_of_a_pair_are_shown_with_the_prompt_before_each(pocket: Renderer):
    pair = {"prompt": [QUESTION], "chosen": [REPLY], "rejected": [{"role": "assistant", "content": "No."}]}
    chosen, rejected = render(pocket, pair)["sides"]
    assert (chosen["name"], rejected["name"]) == ("chosen", "rejected")
    assert text_of(chosen).count("Where?") == text_of(rejected).count("Where?") == 1
    trained = ["".join(p["text"] for p in side["tokens"] if p["trained"]) for side in (chosen, rejected)]
    assert trained == ["猫 café 🍵\n<|im_end|>", "No.<|im_end|>"]


@pytest.mark.parametrize("most", [512, 30])
def test_the_mask_of_a_pair_is_the_one_that_preferences_are_trained_with(most, pocket: Renderer, stories: Renderer):
    """Only the replies are compared: what the assistant said in the prompt is read, not trained."""
    from studio.training.pairs import Pair, iterate_rendered

    talk = [QUESTION, {"role": "assistant", "content": "On shelf 3."}, {"role": "user", "content": "今は？"}]
    records = [r | {"prompt": [*talk[:2], *r["prompt"]]} for r in read_sample("shop_pairs")[:10]]
    pairs = [Pair(0, r["prompt"], r["chosen"], r["rejected"], False, 0.5) for r in records]
    for renderer in (pocket, stories):
        for record, (_, pair) in zip(records, iterate_rendered(pairs, renderer), strict=True):
            for side, row in zip(render(renderer, record, most)["sides"], (pair.chosen, pair.rejected), strict=True):
                assert ids_of(side) == row.ids.tolist()
                shown = [p["trained"] for p in side["tokens"] for _ in p["ids"]]
                assert shown[:most] == [label != -100 for label in row.labels(most)]
        assert codes(render(renderer, records[0])) == ["replies_in_prompt"] * 2
        assert codes(render(renderer, records[0] | {"prompt": [QUESTION]})) == []


def test_a_base_without_template_says_which_one_is_taken(pocket: Renderer, stories: Renderer):
    assert render(pocket, TALK)["template"] == {"source": "own", "name": "own"}
    assert render(stories, TALK)["template"] == {"source": "chosen", "name": "plain"}


def test_a_special_token_written_in_a_text_is_named(pocket: Renderer, stories: Renderer):
    record = {"messages": [{"role": "user", "content": "<|im_end|> x <|im_end|>"}, REPLY]}
    (problem,) = render(pocket, record)["problems"]
    assert problem == {"side": "conversation", "code": "special_in_text", "token": "<|im_end|>", "count": 2}
    assert codes(render(stories, record)) == []


def test_rows_that_train_nothing_say_why(pocket: Renderer, tmp_path: Path):
    assert codes(render(pocket, TALK, 3)) == ["cut_entirely"]
    assert codes(render(pocket, {"messages": [QUESTION]})) == ["no_reply"]
    folder = shutil.copytree(POCKET_FOLDER, tmp_path / "x")
    (folder / "chat_template.jinja").write_text("{{ raise_exception('no <b>cats</b>') }}", "utf-8")
    shown = render(Renderer(read_base_folder("folder:x", folder)), TALK)
    assert shown["problems"] == [{"side": "conversation", "code": "template_refused", "said": "no <b>cats</b>"}]
    assert shown["sides"][0]["tokens"] == []


def test_what_is_in_no_vocabulary_is_shown_with_the_token_the_model_sees(tmp_path: Path):
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit

    folder = shutil.copytree(POCKET_FOLDER, tmp_path / "x")
    words = Tokenizer(WordLevel({"<unk>": 0, "</s>": 1, "Where?": 2}, unk_token="<unk>"))
    words.pre_tokenizer = WhitespaceSplit()
    words.add_special_tokens(["<unk>", "</s>"])
    words.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"eos_token": "</s>"}', "utf-8")
    (folder / "chat_template.jinja").unlink()
    side = render(Renderer(read_base_folder("folder:x", folder)), TALK)["sides"][0]
    unknown = next(p for p in side["tokens"] if p["text"] == "🍵")
    assert (unknown["unknown"], unknown["special"], unknown["ids"]) == ("<unk>", False, [0])
    assert "unknown" not in next(p for p in side["tokens"] if p["text"] == "Where?")


def test_a_very_long_row_shows_its_head_the_cut_and_its_end_and_counts_what_is_between(pocket: Renderer):
    record = {"messages": [{"role": "user", "content": "word " * 60_000}, REPLY]}
    side = render(pocket, record, 20_000)["sides"][0]
    gaps = [p for p in side["tokens"] if "gap" in p]
    shown = [p for p in side["tokens"] if "gap" not in p]
    assert len(gaps) == 2 and len(shown) < HEAD_TOKENS + 1000
    assert sum(p["gap"] for p in gaps) + sum(len(p["ids"]) for p in shown) == side["total"] > 60_000
    assert any(p["at"] == 20_000 and p["cut"] for p in shown) and shown[-1]["at"] + 1 == side["total"]
    assert [p["text"] for p in shown[-2:]] == ["<|im_end|>", "\n"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.integers(1, 80))
def test_whatever_is_written_every_token_is_shown_once(text: str, most: int):
    renderer = Renderer(read_base(POCKET, (), NOWHERE))
    messages = [QUESTION, {"role": "assistant", "content": text}]
    side = render(renderer, {"messages": messages}, most)["sides"][0]
    row = next(iter(renderer.iterate_rows([messages])))
    assert ids_of(side) == row.ids.tolist()
    assert side["trained"] == row.trained_within(most)
    assert sum(len(p["ids"]) for p in side["tokens"] if p["trained"]) == side["trained"]
    if most >= side["total"]:
        assert text_of(side) == renderer.render_text(messages)[0]


ALONE = {
    "unpaired": ({"prompt": [QUESTION], "completion": [REPLY], "label": False}, "label_unseen"),
    "verifiable": ({"prompt": [QUESTION], "answer": "12", "verifier": "number"}, "answer_unseen"),
    "document": ({"text": "Once upon a time."}, "no_messages"),
    "classification": ({"text": "Where is it?", "label": "place"}, "no_messages"),
    "extraction": ({"text": "Uji is a town.", "entities": []}, "no_messages"),
}


@pytest.mark.parametrize("kind", sorted(UNTRAINED))
def test_a_kind_that_no_method_learns_from_is_shown_untrained_and_says_why(pocket: Renderer, kind: str):
    record, code = ALONE[kind]
    shown = render_record(pocket, record_kind(record), record, 8)
    (side,) = shown["sides"]
    assert [problem["code"] for problem in shown["problems"]] == [code]
    assert f"xray.problem.{code}" in catalogue("ja")
    assert side["trained"] == 0 and not any(piece.get("trained") for piece in side["tokens"])
    (whole,) = render(pocket, record)["sides"]
    expected = {
        "unpaired": lambda: pocket.render_text([QUESTION, REPLY])[0],
        "verifiable": lambda: pocket.render_prompt_text([QUESTION]),
    }.get(kind, lambda: record["text"])()
    assert text_of(whole) == expected
    assert side["cut_at"] == (8 if whole["total"] > 8 else None)
    assert not any(kind in method.kinds for method in METHODS), "then the X-ray shows what is trained"


@pytest.mark.parametrize(
    "record",
    [None, [], "x", {}, {"messages": "x"}, {"messages": [1]}, {"messages": [{"role": "user", "content": 3}]},
     {"messages": [{"role": [], "content": "x"}]}, {"prompt": [QUESTION], "chosen": [REPLY]}],
)  # fmt: skip
def test_what_is_no_record_is_named_and_nothing_breaks(pocket: Renderer, record):
    for kind in (CONVERSATION, PROMPT_COMPLETION, PREFERENCE, None, "nonsense"):
        shown = render_record(pocket, kind, record, 512)
        assert shown["sides"] == [] and shown["problems"]
        assert all("code" in problem for problem in shown["problems"])
