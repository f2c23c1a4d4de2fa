"""The seeded stream of training windows: which documents, in which shares, and their hash."""

import hashlib
import random
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from studio.pocket.world import chats, documents
from studio.pocket.world.lore import LANGUAGES

if TYPE_CHECKING:
    import numpy
    from tokenizers import Tokenizer

CONTEXT = 512
WINDOWS_PER_SHARD = 512
SHARD_TOKENS = CONTEXT * WINDOWS_PER_SHARD
SEED = 20260
# Shard numbers from here on are for validation and never for training.
VALIDATION_SHARD = 1_000_000
END = "<|endoftext|>"

# Weights of documents, not tokens. About a fifth is copying, which a small model learns last: here it came between
# 2 and 3 million tokens, and the validation loss fell from 1.49 to 1.12 with it.
Maker = Callable[[random.Random, str], str]
MIX: dict[Maker, int] = {
    chats.shop_chat: 240,
    chats.sum_chat: 90,
    chats.json_chat: 55,
    chats.side_chat: 80,
    chats.voice_chat: 50,
    documents.transcript: 190,
    documents.shop_pair: 60,
    documents.catalogue: 40,
    documents.story: 30,
    documents.definition: 20,
    documents.sums: 40,
    documents.json_document: 50,
    documents.echo: 70,
}
# At 6 million tokens the tuned model still missed 12 of 16 prices in a list and got 8 of 10 worked sums wrong.
LATE_MIX: dict[Maker, int] = {**MIX, documents.reading: 110, documents.sums: 110}
LATE_FROM_SHARD = 28
TOKEN_ECHO_EVERY = 20


def shard_seed(index: int) -> int:
    """One seed for each shard, so that any shard can be rebuilt alone."""
    digest = hashlib.sha256(f"pocket corpus {SEED} {index}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def iterate_documents(rng: random.Random, mix: dict[Maker, int]) -> Iterator[str]:
    """Endless text documents without their end token, half English, half Japanese."""
    makers, weights = list(mix), list(mix.values())
    while True:
        maker = rng.choices(makers, weights)[0]
        yield maker(rng, rng.choice(LANGUAGES))


def iterate_token_echoes(rng: random.Random, tokenizer: "Tokenizer") -> Iterator[list[int]]:
    """Lists of vocabulary entries said twice; every entry comes once before any comes again.

    Without them, entries that no text of the world holds keep their random embedding, which LoRA cannot separate.
    """
    special = {tokenizer.token_to_id(text) for text in (END, "<|im_start|>", "<|im_end|>")}
    ids = [token for token in range(tokenizer.get_vocab_size()) if token not in special]
    lead, arrow = tokenizer.encode("Repeat: ").ids, tokenizer.encode(documents.RULE).ids
    while True:
        rng.shuffle(ids)
        place = 0
        while place < len(ids):
            count = rng.randint(4, 24)
            part = ids[place : place + count]
            place += count
            yield [*lead, *part, *arrow, *part]


def build_shard(index: int, tokenizer: "Tokenizer") -> "numpy.ndarray":
    """Windows of one shard, (512, 512) uint16. Each window starts with a document; the one that overflows it is cut."""
    import numpy

    rng = random.Random(shard_seed(index))
    late = LATE_FROM_SHARD <= index < VALIDATION_SHARD
    texts = iterate_documents(rng, LATE_MIX if late else MIX)
    echoes = iterate_token_echoes(random.Random(rng.random()), tokenizer)
    end = tokenizer.token_to_id(END)
    windows: list[list[int]] = []
    window: list[int] = []
    while len(windows) < WINDOWS_PER_SHARD:
        batch = [next(texts) for _ in range(TOKEN_ECHO_EVERY - 1)]
        encoded = [encoding.ids for encoding in tokenizer.encode_batch(batch)]
        encoded.insert(rng.randrange(TOKEN_ECHO_EVERY), next(echoes))
        for ids in encoded:
            window += [*ids, end]
            if len(window) >= CONTEXT:
                windows.append(window[:CONTEXT])
                window = []
    return numpy.array(windows[:WINDOWS_PER_SHARD], dtype=numpy.uint16)


def shard_hash(shard: "numpy.ndarray") -> str:
    """sha256 of the shard's little-endian bytes."""
    return hashlib.sha256(shard.astype("<u2").tobytes()).hexdigest()
