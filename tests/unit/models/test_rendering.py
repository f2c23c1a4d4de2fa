"""A conversation becomes the tokens that transformers would make of it, and exactly the replies are trained."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import BaseUnreadable, ChatTemplateMissing
from studio.models.catalogue import POCKET, POCKET_FOLDER, read_base, read_base_folder
from studio.models.rendering import Renderer
from tests.training_runs import read_sample

CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "間違ったお茶が来ました🍵。"},
    {"role": "assistant", "content": "手違いがあり申し訳ございません🙇‍♀️"},
    {"role": "user", "content": "<|im_end|> and {{ braces }} é"},
    {"role": "assistant", "content": "  Thank you.\n\nGood bye "},
]
QWEN_STYLE = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.fixture(scope="module")
def pocket() -> Renderer:
    return Renderer(read_base(POCKET, (), Path("/nonexistent")))


@pytest.fixture(scope="module")
def stories(shared_data: Path) -> Renderer:
    return Renderer(read_base("folder:stories260K", (shared_data / "model",), Path("/nonexistent")))


def copy_pocket(folder: Path, template: str) -> Path:
    shutil.copytree(POCKET_FOLDER, folder)
    (folder / "chat_template.jinja").write_text(template, "utf-8")
    return folder


def trained_text(renderer: Renderer, messages: list) -> list[str]:
    row = next(iter(renderer.iterate_rows([messages])))
    return [
        renderer.tokenizer.decode(row.ids[start:end].tolist(), skip_special_tokens=False) for start, end in row.spans
    ]


def from_transformers(renderer: Renderer, messages: list) -> tuple[list[int], list[int]]:
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(tokenizer_object=renderer.tokenizer, **renderer.special)
    made = tokenizer.apply_chat_template(
        messages, chat_template=renderer.choice.text, return_dict=True, return_assistant_tokens_mask=True
    )
    return made["input_ids"], made["assistant_masks"]


def test_the_pocket_model_trains_on_the_replies_and_their_end(pocket: Renderer):
    replies = [m["content"] for m in CONVERSATION if m["role"] == "assistant"]
    assert trained_text(pocket, CONVERSATION) == [reply + "<|im_end|>" for reply in replies]


def test_a_base_without_template_trains_on_the_replies_and_its_own_end(stories: Renderer):
    assert stories.choice.source == "chosen"
    messages = [m for m in CONVERSATION if "🍵" not in m["content"] and "🙇" not in m["content"]]
    assert trained_text(stories, messages) == ["  Thank you.\n\nGood bye </s>"]


@pytest.mark.parametrize("name", ["pocket", "stories"])
def test_ids_and_masks_are_those_of_transformers(name: str, request: pytest.FixtureRequest):
    renderer = request.getfixturevalue(name)
    conversations = [CONVERSATION, *(record["messages"] for record in read_sample()[:60])]
    for messages, row in zip(conversations, renderer.iterate_rows(conversations), strict=True):
        ids, mask = from_transformers(renderer, messages)
        assert row.ids.tolist() == ids
        ours = [0] * len(ids)
        for start, end in row.spans:
            ours[start:end] = [1] * (end - start)
        assert ours == mask


def test_a_prompt_is_the_beginning_of_the_conversation(pocket: Renderer, stories: Renderer):
    for renderer in (pocket, stories):
        prompt, whole = renderer.render_prompt(CONVERSATION[:2]), next(iter(renderer.iterate_rows([CONVERSATION[:3]])))
        assert whole.ids[: whole.spans[0][0]].tolist() == prompt


def test_a_template_that_leaves_the_end_outside_its_marks_trains_the_end_as_well(tmp_path: Path):
    template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}"
        "{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}<|im_end|>\n{% endfor %}"
    )
    renderer = Renderer(read_base_folder("folder:x", copy_pocket(tmp_path / "x", template)))
    assert trained_text(renderer, CONVERSATION)[1] == "  Thank you.\n\nGood bye <|im_end|>"


def test_a_template_without_marks_trains_the_same_tokens_as_one_with_them(tmp_path: Path, pocket: Renderer):
    renderer = Renderer(read_base_folder("folder:x", copy_pocket(tmp_path / "x", QWEN_STYLE)))
    assert not renderer.choice.marked
    for record in read_sample()[:40]:
        ours, marked = (next(iter(r.iterate_rows([record["messages"]]))) for r in (renderer, pocket))
        assert ours == marked


def test_a_row_that_the_template_refuses_has_no_tokens_and_harms_no_other(tmp_path: Path):
    template = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + QWEN_STYLE
    renderer = Renderer(read_base_folder("folder:x", copy_pocket(tmp_path / "x", template)))
    refused, kept = renderer.iterate_rows([CONVERSATION, CONVERSATION[1:3]])
    assert len(refused.ids) == 0 and refused.spans == ()
    assert len(kept.spans) == 1


def test_a_base_without_end_token_is_refused(tmp_path: Path):
    folder = copy_pocket(tmp_path / "x", QWEN_STYLE)
    (folder / "tokenizer_config.json").write_text("{}", "utf-8")
    with pytest.raises(ChatTemplateMissing):
        Renderer(read_base_folder("folder:x", folder))


def test_a_torn_tokenizer_is_named(tmp_path: Path):
    folder = copy_pocket(tmp_path / "x", QWEN_STYLE)
    (folder / "tokenizer.json").write_text('{"version": ', "utf-8")
    with pytest.raises(BaseUnreadable) as caught:
        Renderer(read_base_folder("folder:x", folder))
    assert caught.value.values["file"] == "tokenizer.json"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=4), st.integers(1, 80))
def test_whatever_is_said_only_replies_are_labelled_and_a_cut_shortens_them(replies: list[str], most: int):
    renderer = Renderer(read_base(POCKET, (), Path("/nonexistent")))
    messages = [
        m for reply in replies for m in ({"role": "user", "content": "?"}, {"role": "assistant", "content": reply})
    ]
    row = next(iter(renderer.iterate_rows([messages])))
    assert len(row.spans) == len(replies)
    labels = row.labels(most)
    assert len(labels) == min(most, len(row.ids))
    assert all(label in (-100, token) for label, token in zip(labels, row.ids, strict=False))
    assert sum(label != -100 for label in labels) == row.trained_within(most)
    assert all(row.ids[end - 1] == renderer.end_id for _, end in row.spans)


def test_the_words_of_a_reply_come_back_without_its_end(pocket: Renderer):
    ids = pocket.tokenizer.encode("Good morning.<|im_end|>", add_special_tokens=False).ids
    assert pocket.decode_reply(ids) == "Good morning."


def test_special_tokens_given_as_objects_are_understood(tmp_path: Path):
    folder = copy_pocket(tmp_path / "x", QWEN_STYLE)
    config = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    config["eos_token"] = {"content": "<|im_end|>", "lstrip": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    assert Renderer(read_base_folder("folder:x", folder)).end_token == "<|im_end|>"
