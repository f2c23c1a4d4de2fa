"""Text leaves token by token, never half a character and never a part of what was to stop it."""

from __future__ import annotations

import pytest

from studio.models.rendering import Renderer
from studio.serving.stopping import UNFINISHED, TextStream
from tests.served_models import pocket

TEXTS = (
    "営業時間は10時から19時までです。ご来店をお待ちしております。",
    "鬱蒼とした森で、髙橋さんと𠮷野さんが🍣を食べた。👨‍👩‍👧‍👦",
    "Plain words, naïve café, and a tab\tor two.\n\nEnd",
)


@pytest.fixture(scope="module")
def tokenizer():
    return Renderer(pocket()).tokenizer


def pieces_of(tokenizer, text: str, stop: tuple[str, ...] = ()) -> list[str]:
    stream = TextStream(tokenizer, stop)
    found = []
    for token_id in tokenizer.encode(text, add_special_tokens=False).ids:
        found.append(stream.add(token_id))
        if stream.is_stopped:
            return found
    return [*found, stream.finish()]


@pytest.mark.parametrize("text", TEXTS)
def test_pieces_are_whole_characters_and_together_the_text(tokenizer, text):
    pieces = pieces_of(tokenizer, text)
    assert "".join(pieces) == text
    assert not any(UNFINISHED in piece for piece in pieces)
    assert len([piece for piece in pieces if piece]) > 3


def test_a_character_of_several_tokens_waits_for_its_last(tokenizer):
    """The pocket tokenizer spells 🍣 in its four bytes."""
    ids = tokenizer.encode("🍣", add_special_tokens=False).ids
    assert len(ids) > 1
    stream = TextStream(tokenizer, ())
    assert [stream.add(token_id) for token_id in ids] == [""] * (len(ids) - 1) + ["🍣"]


def test_half_a_character_at_the_end_is_shown_as_what_it_is(tokenizer):
    ids = tokenizer.encode("すし🍣", add_special_tokens=False).ids[:-1]
    stream = TextStream(tokenizer, ())
    shown = "".join([*(stream.add(token_id) for token_id in ids), stream.finish()])
    assert shown == tokenizer.decode(ids)
    assert shown.startswith("すし") and shown.endswith(UNFINISHED)


def test_bytes_that_are_no_text_come_out_as_the_decoder_shows_them(tokenizer):
    """Stray continuation bytes, then words: nothing is lost, nothing comes twice."""
    broken = tokenizer.encode("🍣", add_special_tokens=False).ids[1:] * 3
    ids = [*broken, *tokenizer.encode("です。", add_special_tokens=False).ids]
    stream = TextStream(tokenizer, ())
    assert "".join([*(stream.add(i) for i in ids), stream.finish()]) == tokenizer.decode(ids)


def test_special_tokens_are_no_text(tokenizer):
    stream = TextStream(tokenizer, ())
    start = tokenizer.token_to_id("<|im_start|>")
    ids = [start, *tokenizer.encode("はい", add_special_tokens=False).ids, start]
    assert "".join([*(stream.add(i) for i in ids), stream.finish()]) == "はい"


@pytest.mark.parametrize(
    ("stop", "left"),
    [
        (("19時まで",), "営業時間は10時から"),
        (("です。ご来",), "営業時間は10時から19時まで"),
        (("時から", "営業時間は10"), ""),
        (("ございません",), TEXTS[0]),
        (("。ご来店をお待ちしておりません",), TEXTS[0]),
        (("",), TEXTS[0]),
    ],
)
def test_a_stop_text_ends_the_reply_wherever_tokens_begin(tokenizer, stop, left):
    assert "".join(pieces_of(tokenizer, TEXTS[0], stop)) == left


def test_what_may_become_a_stop_text_is_held_until_it_is_sure(tokenizer):
    """ "a" and "aa" may begin "aab"; once three are there, the first can no longer belong to it."""
    one = tokenizer.token_to_id("a")
    stream = TextStream(tokenizer, ("aab",))
    assert [stream.add(one) for _ in range(4)] == ["", "", "a", "a"]
    assert stream.finish() == "aa"
