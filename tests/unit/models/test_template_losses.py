"""What a template does with turns it does not know is said: never left out in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.data.records import record_kind
from studio.models.catalogue import POCKET, POCKET_FOLDER, read_base, read_base_folder
from studio.models.rendering import FAMILIES, Renderer
from studio.models.xray import render_record

SYSTEM, ASK = {"role": "system", "content": "Be brief, please."}, {"role": "user", "content": "Weather in 東京?"}
CALL = {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "find_weather", "arguments": {"city": "東京", "days": 2}}}]}  # fmt: skip
RESULT, SAID = {"role": "tool", "content": 'sunny, "22" degrees'}, {"role": "assistant", "content": "Sunny."}
TALK = {"messages": [SYSTEM, ASK, CALL, RESULT, SAID]}


@pytest.fixture(scope="module")
def pocket() -> Renderer:
    return Renderer(read_base(POCKET, (), Path("/nonexistent")))


def losses(renderer: Renderer, record: dict) -> list[str]:
    shown = render_record(renderer, record_kind(record), record, 512)
    return [problem["code"] for problem in shown["problems"]]


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("chatml", ["tool_call_unseen"]),
        ("hermes", []),
        ("llama3", []),
        ("gemma", ["template_refused"]),
        ("mistral", ["system_joined"]),
        ("plain", ["tool_call_unseen", "tool_reply_as_user"]),
    ],
)
def test_each_family_tells_what_becomes_of_a_system_turn_a_tool_call_and_its_reply(pocket, family, expected):
    assert losses(pocket.as_family(family), TALK) == expected


def test_every_family_writes_a_plain_conversation_in_full_and_trains_the_reply_alone(pocket):
    for family in FAMILIES:
        renderer = pocket.as_family(family)
        shown = render_record(renderer, "conversation", {"messages": [SYSTEM, ASK, SAID]}, 512)
        (side,) = shown["sides"]
        text = "".join(piece["text"] for piece in side["tokens"])
        assert all(turn["content"] in text for turn in (SYSTEM, ASK, SAID)), family
        trained = "".join(piece["text"] for piece in side["tokens"] if piece["trained"])
        assert trained.strip() == "Sunny.<|im_end|>", family
        assert shown["template"] == {"source": "family", "name": family}
        assert pocket.choice.source == "own", "the base itself keeps its template"


def test_a_system_turn_that_is_left_out_or_read_as_a_question_is_named(pocket, tmp_path):
    import shutil

    templates = {
        "system_unseen": "{% for m in messages if m.role != 'system' %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}",
        "system_as_user": "{% for m in messages %}{% if m.role == 'assistant' %}A{% else %}Q{% endif %}: {{ m.content }}{{ eos_token }}{% endfor %}",
    }  # fmt: skip
    for code, template in templates.items():
        folder = shutil.copytree(POCKET_FOLDER, tmp_path / code)
        (folder / "chat_template.jinja").write_text(template, "utf-8")
        found = losses(Renderer(read_base_folder("folder:x", folder)), {"messages": [SYSTEM, ASK, SAID]})
        assert code in found and len([one for one in found if one.startswith("system")]) == 1


def test_tools_that_are_only_defined_and_replies_that_are_left_out_are_named(pocket):
    tools = [{"type": "function", "function": {"name": "find_weather"}}]
    assert losses(pocket, {"messages": [ASK, SAID], "tools": tools}) == ["tools_unseen"]
    call = {**CALL, "tool_calls": [{"function": {"name": "f", "arguments": '{"city": "Kyoto"}'}}]}
    assert losses(pocket.as_family("hermes"), {"messages": [ASK, call, RESULT, SAID]}) == []
    assert losses(pocket, {"messages": [ASK, call, RESULT, SAID]}) == ["tool_call_unseen"]


def test_counts_alone_are_the_same_counts(pocket):
    whole = render_record(pocket, "conversation", TALK, 30)["sides"][0]
    brief = render_record(pocket, "conversation", TALK, 30, counts_only=True)["sides"][0]
    assert brief == {**whole, "tokens": []}
    assert 0 < whole["special"] < whole["total"] and whole["cut_at"] == 30
