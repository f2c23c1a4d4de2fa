"""Replies under way: they share batches, join and leave, stop, are cancelled, and never depend on their neighbours."""

from __future__ import annotations

import os
import sys
import threading
from itertools import islice
from pathlib import Path

import pytest

from studio.errors import BaseUnreadable, ContextTooLong, PromptEmpty, ReplyFailed
from studio.jobs.lease import take_lease
from studio.models.catalogue import read_base_folder
from studio.serving.engine import Engine
from studio.serving.loop import ROWS
from studio.serving.replies import Model, Reply, Request
from studio.serving.speed import Speed, find_speed, write_speed
from tests.processes import wait_for
from tests.served_models import (
    PROMPTS,
    copy_pocket,
    pocket,
    request_for,
    untouched_ids,
    write_tiny_base,
    written_ids,
)

BASE = pocket()
MODEL = Model(BASE, "float32")
SAMPLED = {"temperature": 1.0, "top_p": 0.95, "max_tokens": 60}
LONG = {"max_tokens": 300, "ignore_end": True}


def with_adapter(folder: Path) -> Model:
    return Model(BASE, "float32", folder, folder.name)


def text_of(reply: Reply) -> str:
    return "".join(piece.text for piece in reply)


@pytest.mark.parametrize("seed", [0, 1, 7, 2**40])
def test_a_seed_gives_what_transformers_gives_after_that_seed(engine: Engine, seed):
    reply = engine.submit(request_for(MODEL, PROMPTS[1], seed=seed, **SAMPLED))
    expected = untouched_ids(
        BASE, PROMPTS[1], tokens=60, do_sample=True, temperature=1.0, top_p=0.95, top_k=0, seed=seed
    )
    assert written_ids(reply) == expected
    assert reply.seed == seed


def test_a_sampled_reply_is_the_same_alone_among_others_and_while_adapters_come_and_go(engine: Engine, adapters):
    alone = [written_ids(engine.submit(request_for(MODEL, text, seed=3, **SAMPLED))) for text in PROMPTS]
    together = [engine.submit(request_for(MODEL, text, seed=3, **SAMPLED)) for text in PROMPTS]
    assert [written_ids(reply) for reply in together] == alone
    watched = [engine.submit(request_for(MODEL, text, seed=3, **SAMPLED)) for text in PROMPTS]
    for number, folder in enumerate([*adapters.values()] * 3):
        written_ids(engine.submit(request_for(with_adapter(folder), PROMPTS[number % 4], max_tokens=5)))
    assert [written_ids(reply) for reply in watched] == alone


def test_replies_without_a_seed_differ_and_tell_theirs(engine: Engine):
    first, second = (engine.submit(request_for(MODEL, PROMPTS[1], **SAMPLED)) for _ in range(2))
    assert first.seed != second.seed
    again = engine.submit(request_for(MODEL, PROMPTS[1], seed=first.seed, **SAMPLED))
    assert written_ids(again) == written_ids(first)


def test_a_row_joins_a_reply_that_is_under_way_and_both_are_as_alone(engine: Engine, adapters):
    alone = written_ids(engine.submit(request_for(MODEL, PROMPTS[0], **LONG)))
    long = engine.submit(request_for(MODEL, PROMPTS[0], **LONG))
    pieces = iter(long)
    begun = [next(pieces) for _ in range(3)]
    joined = engine.submit(request_for(with_adapter(adapters["tables"]), PROMPTS[2]))
    written = written_ids(joined)
    assert not long.is_done
    assert written == untouched_ids(BASE, PROMPTS[2], adapters["tables"])
    assert [token for piece in [*begun, *pieces] for token in piece.ids] == alone


def test_requests_that_arrive_together_begin_together(engine: Engine):
    replies = [engine.submit(request) for request in [request_for(MODEL, text, **LONG) for text in PROMPTS]]
    for reply in replies:
        next(iter(reply))
    assert engine.status()["rows"] == len(PROMPTS)
    for reply in replies:
        reply.cancel()


def test_a_cancelled_reply_ends_and_frees_its_row(engine: Engine):
    full = [engine.submit(request_for(MODEL, PROMPTS[3], **LONG)) for _ in range(ROWS)]
    waiting = engine.submit(request_for(MODEL, PROMPTS[3]))
    wait_for(lambda: engine.status()["rows"] == ROWS)
    assert waiting.timing.queued_s is None
    full[5].cancel()
    assert written_ids(waiting) == untouched_ids(BASE, PROMPTS[3])
    assert full[5].finish_reason == "cancelled" and 0 < full[5].tokens < LONG["max_tokens"]
    assert not any(reply.is_done for reply in full[:5])
    for reply in full:
        reply.cancel()
    assert all(reply.wait(10) for reply in full)
    wait_for(lambda: engine.status()["rows"] == 0)


def test_a_reply_cancelled_before_it_began_never_begins(engine: Engine):
    full = [engine.submit(request_for(MODEL, PROMPTS[3], **LONG)) for _ in range(ROWS)]
    waiting = engine.submit(request_for(MODEL, PROMPTS[3]))
    waiting.cancel()
    assert waiting.wait(30) and waiting.finish_reason == "cancelled" and waiting.how is None
    assert not full[0].is_done
    for reply in full:
        reply.cancel()


def test_stop_texts_end_only_their_own_row(engine: Engine):
    whole, stopped = (
        engine.submit(request_for(MODEL, PROMPTS[0], stop=stop)) for stop in ((), ("存在しない", "時まで"))
    )
    text = text_of(whole)
    assert "時まで" in text
    assert text_of(stopped) == text.partition("時まで")[0]
    assert (whole.finish_reason, stopped.finish_reason) == ("stop", "stop")
    assert stopped.tokens < whole.tokens


def test_length_ends_a_reply_and_the_context_does(engine: Engine):
    short = engine.submit(request_for(MODEL, PROMPTS[0], max_tokens=3))
    assert len(written_ids(short)) == 3 and short.finish_reason == "length"
    assert (short.usage.prompt_tokens, short.usage.completion_tokens) == (len(short.request.prompt_ids), 3)
    endless = engine.submit(request_for(MODEL, PROMPTS[0], max_tokens=10**6, ignore_end=True))
    assert len(written_ids(endless)) == BASE.context - len(endless.request.prompt_ids)
    assert endless.finish_reason == "length"


def test_pieces_say_where_they_stand_and_together_hold_every_token(engine: Engine):
    reply = engine.submit(request_for(MODEL, PROMPTS[0], temperature=1.0, seed=5, max_tokens=80, ignore_end=True))
    count = 0
    for piece in reply:
        assert piece.index == count and "\ufffd" not in piece.text
        count += len(piece.ids)
    assert count == reply.usage.completion_tokens == 80


def test_probabilities_come_with_their_pieces(engine: Engine):
    """Greedy: the chosen token is the likeliest one told."""
    reply = engine.submit(request_for(MODEL, PROMPTS[1], logprobs=3))
    tokens = [token for piece in reply for token in piece.logprobs or ()]
    assert len(tokens) == reply.tokens
    for token in tokens:
        assert len(token.top) == 3 and token.top[0][:2] == (token.id, token.text)
        assert token.logprob == pytest.approx(token.top[0][2]) and token.logprob <= 0
    bare = engine.submit(request_for(MODEL, PROMPTS[1], logprobs=0))
    assert [token.top for piece in bare for token in piece.logprobs or ()] == [()] * len(tokens)


def test_a_listener_is_told_and_takes_without_waiting(engine: Engine):
    reply = engine.submit(request_for(MODEL, PROMPTS[1]))
    ended, taken = threading.Event(), []

    def wake() -> None:
        taken.extend(reply.take())
        if reply.is_done:
            ended.set()

    reply.listen(wake)
    assert ended.wait(30)
    assert [token for piece in taken for token in piece.ids] == untouched_ids(BASE, PROMPTS[1])


def test_timing_is_told(engine: Engine):
    reply = engine.submit(request_for(MODEL, PROMPTS[1]))
    list(reply)
    timing = reply.timing
    assert 0 < timing.queued_s < timing.first_token_s
    assert timing.tokens_per_s > 1


def test_prompts_that_cannot_be_answered_are_refused_at_once(engine: Engine):
    with pytest.raises(PromptEmpty):
        engine.submit(Request(MODEL, [], 5))
    with pytest.raises(ContextTooLong):
        engine.submit(Request(MODEL, [5] * BASE.context, 5))


def test_another_base_waits_for_the_rows_of_this_one(engine: Engine, engine_root: Path, tmp_path: Path):
    other = read_base_folder("folder:other", copy_pocket(tmp_path / "other"))
    write_speed(engine_root, other, "float32", Speed("float32", "float32", 1, {}))
    first = engine.submit(request_for(MODEL, PROMPTS[0], **LONG))
    next(iter(first))
    second = engine.submit(request_for(Model(other, "float32"), PROMPTS[0]))
    third = engine.submit(request_for(MODEL, PROMPTS[1]))
    written = [written_ids(second), written_ids(third)]
    assert first.is_done and first.tokens == LONG["max_tokens"]
    assert written == [untouched_ids(BASE, text) for text in PROMPTS[:2]]
    assert engine.status()["base"] == BASE.id


def test_a_base_that_cannot_be_loaded_fails_its_own_requests_only(engine: Engine, tmp_path: Path):
    folder = copy_pocket(tmp_path / "torn")
    other = read_base_folder("folder:torn", folder)
    (folder / "model.safetensors").write_bytes(b"nothing")
    failed = engine.submit(request_for(Model(other, "float32")))
    good = engine.submit(request_for(MODEL))
    assert failed.wait(20) and failed.finish_reason == "error" and failed.error is not None
    assert failed.error.code == "BaseUnreadable"
    assert written_ids(good) == untouched_ids(BASE, PROMPTS[0])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nobody_waits_for_a_decode_loop_that_could_not_begin(engine_root: Path, monkeypatch: pytest.MonkeyPatch):
    """A module that cannot be imported stands for a broken torch or driver; once it can, the next request is answered."""
    engine = Engine(engine_root, engine_root / "devices" / "device-0")
    try:
        with monkeypatch.context() as broken:
            broken.setitem(sys.modules, "studio.serving.loop", None)
            reply = engine.submit(request_for(MODEL))
            assert reply.wait(20) and reply.error is not None and reply.error.code == "ReplyFailed"
            assert "studio.serving.loop" in reply.error.message("ja")
            with pytest.raises(ReplyFailed):
                engine.load(BASE, "float32")
        assert written_ids(engine.submit(request_for(MODEL))) == untouched_ids(BASE, PROMPTS[0])
    finally:
        engine.close()


def test_weights_are_given_up_and_come_back(engine: Engine):
    engine.load(BASE, "float32")
    assert engine.status()["base"] == "pocket" and engine.status()["bytes"] > BASE.parameters * 4 * 0.9
    engine.unload()
    assert engine.status()["base"] is None
    assert written_ids(engine.submit(request_for(MODEL))) == untouched_ids(BASE, PROMPTS[0])


def test_loading_tells_what_is_wrong(engine: Engine, tmp_path: Path):
    folder = copy_pocket(tmp_path / "pickled")
    base = read_base_folder("folder:pickled", folder)
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(BaseUnreadable):
        engine.load(base, "float32")


def test_one_thread_while_a_job_has_the_processor(engine_root: Path):
    write_speed(engine_root, BASE, "float32", Speed("float32", "float32", 2, {}))
    lease = engine_root / "devices" / "device-0"
    engine = Engine(engine_root, lease)

    def sees(is_running: bool) -> bool:
        list(engine.submit(request_for(MODEL, max_tokens=2)))
        return engine.status()["job_running"] is is_running

    try:
        wait_for(lambda: sees(False))
        assert engine.status()["threads"] == 2
        held = take_lease(lease, {"who": "job"})
        assert held is not None
        wait_for(lambda: sees(True))
        assert engine.status()["threads"] == 1
        os.close(held)
        wait_for(lambda: sees(False))
        assert engine.status()["threads"] == 2
    finally:
        engine.close()


def test_closing_ends_what_is_under_way_and_what_comes_later(engine: Engine):
    long = engine.submit(request_for(MODEL, PROMPTS[0], **LONG))
    list(islice(long, 2))
    engine.close()
    late = engine.submit(request_for(MODEL))
    assert (long.finish_reason, late.finish_reason) == ("cancelled", "cancelled")


def test_speed_is_measured_once_and_kept(tmp_path: Path):
    engine = Engine(tmp_path, tmp_path / "lease")
    try:
        reply = engine.submit(request_for(Model(BASE)))
        assert written_ids(reply)
        kept = find_speed(tmp_path, BASE, None)
        assert kept is not None and kept.precision == reply.precision
        assert kept.precision in ("float32", "bfloat16") and "float32/1/4" in kept.measured
        written_at = {path: path.stat().st_mtime_ns for path in (tmp_path / "machine").iterdir()}
        engine.unload()
        assert written_ids(engine.submit(request_for(Model(BASE))))
        assert {path: path.stat().st_mtime_ns for path in (tmp_path / "machine").iterdir()} == written_at
    finally:
        engine.close()


@pytest.mark.parametrize("precision", ["nf4", "int8"])
def test_a_quantised_base_writes_on_a_cpu(engine: Engine, engine_root: Path, precision):
    write_speed(engine_root, BASE, precision, Speed(precision, "float32", 1, {}))
    engine.load(BASE, precision)
    replies = [engine.submit(request_for(Model(BASE, precision), text)) for text in PROMPTS[:2]]
    expected = [untouched_ids(BASE, text, quantisation=precision) for text in PROMPTS[:2]]
    assert [written_ids(reply) for reply in replies] == expected
    assert replies[0].precision == precision and engine.status()["dtype"] == "float32"


def test_a_base_that_remembers_more_than_keys_and_values_is_decoded_alone(engine: Engine, tmp_path: Path):
    """Convolutions and attention in turns: its rows cannot be padded, so they are written one after the other."""
    base = write_tiny_base(tmp_path / "convolving", "Lfm2", layer_types=["conv", "full_attention"])
    expected = [untouched_ids(base, text) for text in PROMPTS[:2]]
    replies = [engine.submit(request_for(Model(base, "float32"), text)) for text in PROMPTS[:2]]
    assert [written_ids(reply) for reply in replies] == expected
    assert all(expected) and {reply.how for reply in replies} == {"alone"}


def test_attention_that_looks_back_a_few_tokens_only_shares_batches_too(engine: Engine, tmp_path: Path):
    """A window of 8 tokens, shorter than either prompt; the prompts differ in length, so one is padded."""
    window = {"use_sliding_window": True, "sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]}
    base = write_tiny_base(tmp_path / "sliding", "Qwen3", head_dim=32, **window)
    expected = [untouched_ids(base, text) for text in PROMPTS[:2]]
    replies = [engine.submit(request_for(Model(base, "float32"), text)) for text in PROMPTS[:2]]
    assert [written_ids(reply) for reply in replies] == expected
    assert all(expected) and {reply.how for reply in replies} == {"stacked"}
