"""The pocket model's shape: a four-layer Qwen3 of 2.4 million parameters."""

import copy
from pathlib import Path
from typing import TYPE_CHECKING

from studio.pocket.corpus import CONTEXT
from studio.pocket.tokenizer import VOCABULARY

if TYPE_CHECKING:
    import torch
    from transformers import Qwen3Config

END_ID, START_OF_TURN_ID, END_OF_TURN_ID = 0, 1, 2


def build_config() -> "Qwen3Config":
    from transformers import Qwen3Config

    return Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=192,
        num_hidden_layers=4,
        intermediate_size=512,
        num_attention_heads=3,
        num_key_value_heads=1,
        head_dim=64,
        max_position_embeddings=CONTEXT,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=True,
        attention_dropout=0.0,
        bos_token_id=None,
        eos_token_id=END_OF_TURN_ID,
        pad_token_id=END_ID,
    )


def build_model(seed: int) -> "torch.nn.Module":
    """A freshly initialised model in float32."""
    import torch
    from transformers import Qwen3ForCausalLM

    torch.manual_seed(seed)
    return Qwen3ForCausalLM._from_config(build_config(), attn_implementation="sdpa")


def write_weights(model: "torch.nn.Module", folder: str) -> None:
    """model.safetensors in bfloat16, config.json and generation_config.json; the model itself stays as it is."""
    import torch
    from transformers import GenerationConfig

    small = copy.deepcopy(model).to(torch.bfloat16)
    small.generation_config = GenerationConfig(
        do_sample=True,
        temperature=0.7,
        eos_token_id=[END_OF_TURN_ID, END_ID],
        pad_token_id=END_ID,
        max_new_tokens=96,
    )
    small.save_pretrained(folder)
    (Path(folder) / "model.safetensors").chmod(0o644)
