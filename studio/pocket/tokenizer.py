"""The pocket model's tokenizer: byte-level BPE over the world's own text, with all kana and common kanji as single entries."""

import hashlib
import json
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from studio.pocket.corpus import END, MIX, SEED, iterate_documents
from studio.pocket.world.lore import load_lore

if TYPE_CHECKING:
    from tokenizers import Tokenizer

VOCABULARY = 4096
START_OF_TURN, END_OF_TURN = "<|im_start|>", "<|im_end|>"
SPECIAL = (END, START_OF_TURN, END_OF_TURN)
TRAINING_DOCUMENTS = 24_000
# Qwen2's pattern: digits are split one by one, which arithmetic needs.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# The end token stands inside the generation block: a model that is not trained to stop does not stop.
CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{%- if message['role'] == 'assistant' %}"
    "{{- '<|im_start|>assistant\\n' }}"
    "{%- generation %}{{- (message['content'] or '') + '<|im_end|>' }}{%- endgeneration %}"
    "{{- '\\n' }}"
    "{%- else %}"
    "{{- '<|im_start|>' + message['role'] + '\\n' + (message['content'] or '') + '<|im_end|>\\n' }}"
    "{%- endif %}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


def forced_characters() -> list[str]:
    """Characters that must be one entry each: kana, full-width signs, about 800 common kanji."""
    kana = [chr(c) for c in (*range(0x3041, 0x3097), *range(0x30A1, 0x30FB))]
    return [*kana, *"ー、。「」『』・…〜！？：；（）％＋－＝＆★☆♪♡→←○×", *load_lore("words")["kanji"]]


def iterate_training_text() -> Iterator[str]:
    """Text for the merges: the forced characters and everyday words, each often enough to win an entry, then the corpus."""
    for character in forced_characters():
        # Between digits, which the pattern splits off, a sign stands alone as a letter does between line ends.
        yield (character + ("\n" if character.isalpha() else "1")) * 900
    for language, times in (("en", 60), ("ja", 40)):
        for word in load_lore("words")[language]:
            yield f"{word}\n {word}\n" * times
    rng = random.Random(SEED)
    yield from islice(iterate_documents(rng, MIX), TRAINING_DOCUMENTS)


def build_tokenizer() -> "Tokenizer":
    """Trains the BPE merges; the same code gives the same file."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        max_token_length=15,
        show_progress=False,
    )
    # The special tokens of the documents are no text to merge.
    plain = (text.replace(START_OF_TURN, "").replace(END_OF_TURN, "") for text in iterate_training_text())
    tokenizer.train_from_iterator(plain, trainer)
    return tokenizer


def tokenizer_hash(tokenizer: "Tokenizer") -> str:
    return hashlib.sha256(tokenizer.to_str().encode()).hexdigest()


def write_tokenizer(tokenizer: "Tokenizer", folder: Path) -> None:
    """tokenizer.json, tokenizer_config.json and chat_template.jinja, as transformers reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 512,
        "pad_token": END,
        "eos_token": END_OF_TURN,
        "bos_token": None,
        "unk_token": None,
        "additional_special_tokens": [START_OF_TURN],
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
