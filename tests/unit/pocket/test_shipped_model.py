"""The folder `assets/pocket` loads anywhere, and tokenizer and corpus can be rebuilt to the recorded hash."""

import hashlib
import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from studio.pocket.corpus import CONTEXT, LATE_FROM_SHARD, LATE_MIX, MIX, SHARD_TOKENS, build_shard, shard_hash
from studio.pocket.tokenizer import VOCABULARY, build_tokenizer, forced_characters, tokenizer_hash

SHIPPED = Path(__file__).parents[3] / "assets" / "pocket"
BUILD = json.loads((SHIPPED / "build.json").read_text(encoding="utf-8"))
TALK = [
    {"role": "system", "content": "Answer politely."},
    {"role": "user", "content": "マグカップはいくらですか。"},
    {"role": "assistant", "content": "500円です。"},
    {"role": "user", "content": "And the pen?"},
    {"role": "assistant", "content": "200 yen."},
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))


@pytest.fixture(scope="module")
def rebuilt() -> Tokenizer:
    return build_tokenizer()


def test_the_folder_stays_small():
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 6_000_000


def test_the_tokenizer_is_rebuilt_to_the_recorded_hash(rebuilt: Tokenizer, tokenizer: Tokenizer):
    assert tokenizer_hash(rebuilt) == BUILD["corpus"]["tokenizer_sha256"]
    assert rebuilt.get_vocab() == tokenizer.get_vocab()
    assert tokenizer.get_vocab_size() == VOCABULARY


def test_the_first_shard_is_rebuilt_to_the_recorded_hash(rebuilt: Tokenizer):
    shard = build_shard(0, rebuilt)
    assert shard.shape == (SHARD_TOKENS // CONTEXT, CONTEXT)
    assert shard_hash(shard) == BUILD["corpus"]["first_shard_sha256"]
    assert shard_hash(build_shard(1, rebuilt)) != shard_hash(shard)


def test_every_vocabulary_entry_was_trained(tokenizer: Tokenizer):
    """The record of the whole corpus says none was missed; six shards (1.6 M tokens) rebuilt here show it again."""
    import numpy

    assert BUILD["corpus"]["entries_never_seen"] == 0
    assert BUILD["corpus"]["tokens"] >= BUILD["pretraining"]["tokens_seen"]
    seen = numpy.zeros(VOCABULARY, dtype=int)
    for index in range(6):
        seen += numpy.bincount(build_shard(index, tokenizer).ravel(), minlength=VOCABULARY)
    assert int((seen == 0).sum()) == 0


def test_kana_and_common_kanji_are_single_entries_and_digits_are_split(tokenizer: Tokenizer):
    assert [c for c in forced_characters() if len(tokenizer.encode(c).ids) != 1] == []
    assert tokenizer.encode("1750").tokens == ["1", "7", "5", "0"]


@pytest.mark.parametrize(
    "text", ["Ahoy 🏴‍☠️ matey\n\tx", "にゃっほー！髙橋さん、ﾏｸﾞ①", "\ufffd\u200b ç ß 한국어", "a  b\r\n c"]
)
def test_any_text_comes_back_from_its_tokens(tokenizer: Tokenizer, text: str):
    import unicodedata

    assert tokenizer.decode(tokenizer.encode(text).ids) == unicodedata.normalize("NFC", text)


def test_the_template_marks_the_replies_and_their_end_and_nothing_else():
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(SHIPPED)
    out = loaded.apply_chat_template(TALK, tokenize=True, return_dict=True, return_assistant_tokens_mask=True)
    trained = [token for token, kept in zip(out["input_ids"], out["assistant_masks"], strict=True) if kept]
    assert loaded.decode(trained) == "500円です。<|im_end|>200 yen.<|im_end|>"
    text = loaded.apply_chat_template(TALK[:2], tokenize=False, add_generation_prompt=True)
    assert text == (
        "<|im_start|>system\nAnswer politely.<|im_end|>\n<|im_start|>user\nマグカップはいくらですか。<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert loaded.pad_token_id != loaded.eos_token_id
    assert loaded.eos_token == "<|im_end|>"


def test_the_documents_of_the_corpus_are_written_as_the_template_writes():
    from transformers import AutoTokenizer

    from studio.pocket.world.chats import render_chat

    loaded = AutoTokenizer.from_pretrained(SHIPPED)
    assert loaded.apply_chat_template(TALK, tokenize=False) == render_chat(TALK)


def test_the_weights_are_the_recorded_ones():
    assert hashlib.sha256((SHIPPED / "model.safetensors").read_bytes()).hexdigest() == BUILD["weights_sha256"]


def test_the_model_loads_with_tied_embeddings_and_stops_on_both_ends():
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(SHIPPED)
    assert model.dtype == torch.bfloat16
    assert model.config.architectures == ["Qwen3ForCausalLM"]
    assert model.config.max_position_embeddings == CONTEXT
    assert sum(p.numel() for p in model.parameters()) == BUILD["parameters"] < 2_500_000
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    assert model.generation_config.eos_token_id == [2, 0]
    assert model.generation_config.pad_token_id == 0


def test_the_shipped_weights_have_the_recorded_validation_loss(tokenizer: Tokenizer):
    """On 32 of the recorded windows: within 0.1 of the record, which is over four times as many; not on noise."""
    import torch
    from transformers import AutoModelForCausalLM

    from studio.pocket.pretraining import validation_loss

    model = AutoModelForCausalLM.from_pretrained(SHIPPED, dtype=torch.float32)
    assert abs(validation_loss(model, tokenizer, 32) - BUILD["pretraining"]["validation_loss"]) < 0.1


def test_late_shards_lean_on_reading_and_sums(tokenizer: Tokenizer):
    """110 sums documents of 1,200 instead of 40, and 110 more price lists: ` =` and ` list` about double from shard to shard."""
    equals, lists = tokenizer.encode(" =").ids[0], tokenizer.encode(" list").ids[0]
    early, late = build_shard(LATE_FROM_SHARD - 1, tokenizer), build_shard(LATE_FROM_SHARD, tokenizer)
    for token in (equals, lists):
        assert int((late == token).sum()) > 1.5 * int((early == token).sum())
    assert set(MIX) < set(LATE_MIX)
