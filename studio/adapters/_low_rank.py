"""What LoRA and its kin share: their options, and the peft model that is built from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from studio.options import About, Chosen, Options, Situation
from studio.words import Text

TINY_PARAMETERS = 50_000_000


def _choose_rank(situation: Situation) -> Chosen:
    # Rank 8, 16 and 32 were level within noise on the pocket model; 16 is what peers offer.
    return Chosen(16, "rank_common", {})


def _choose_alpha(situation: Situation) -> Chosen:
    return Chosen(32, "alpha_twice_rank", {"rank": 16})


def _choose_dropout(situation: Situation) -> Chosen:
    return Chosen(0.0, "dropout_off", {})


def _choose_targets(situation: Situation) -> Chosen:
    return Chosen("all_linear", "targets_all_linear", {})


def _choose_embeddings(situation: Situation) -> Chosen:
    # Pocket, 1,080 rows of its shop, 136 steps: held-out loss 0.64 to 0.556 without the table, to 0.591 with it.
    if situation.knows_every_token:
        return Chosen(False, "embeddings_known", {})
    if situation.parameters < TINY_PARAMETERS:
        return Chosen(True, "embeddings_tiny_model", {"parameters": situation.parameters})
    return Chosen(False, "embeddings_large_model", {"parameters": situation.parameters})


class LowRankOptions(Options):
    """Options of two small matrices beside every linear layer."""

    rank: Annotated[
        int,
        Field(ge=1, le=512),
        About(
            Text("Rank", "ランク"),
            Text(
                "How much an adapter can learn. Larger costs memory and time, and more data to fill.",
                "アダプタが学べる量です。大きいほどメモリと時間がかかり、データも多く必要になります。",
            ),
            _choose_rank,
            level="advanced",
        ),
    ]
    alpha: Annotated[
        int,
        Field(ge=1, le=2048),
        About(
            Text("Alpha", "アルファ"),
            Text(
                "How strongly the adapter acts: its output is multiplied by alpha ÷ rank.",
                "アダプタの効きの強さです。出力にアルファ÷ランクを掛けます。",
            ),
            _choose_alpha,
            level="advanced",
        ),
    ]
    dropout: Annotated[
        float,
        Field(ge=0.0, le=0.9),
        About(
            Text("Dropout", "ドロップアウト"),
            Text(
                "The share of the adapter's inputs left out at random in each step, against learning by heart.",
                "各ステップで無作為に落とす入力の割合です。丸暗記を防ぎます。",
            ),
            _choose_dropout,
            level="advanced",
        ),
    ]
    targets: Annotated[
        Literal["all_linear", "attention"],
        About(
            Text("Layers", "対象の層"),
            Text("Which layers get an adapter.", "アダプタを付ける層です。"),
            _choose_targets,
            level="advanced",
            choices={
                "all_linear": Text("All linear layers", "すべての線形層"),
                "attention": Text("Attention only", "アテンションのみ"),
            },
        ),
    ]
    train_embeddings: Annotated[
        bool,
        About(
            Text("Train the word table", "埋め込みも学習する"),
            Text(
                "Trains the table of tokens as well, so that a small model can learn words it has hardly seen. "
                "The adapter grows by the size of the table.",
                "トークンの埋め込み表も学習します。小さなモデルがほとんど見たことのない言葉を覚えられるようになります。"
                "アダプタは表の分だけ大きくなります。",
            ),
            _choose_embeddings,
            level="advanced",
        ),
    ]


_ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj", "query_key_value", "c_attn")


def build_low_rank(model: Any, options: LowRankOptions) -> Any:
    """A peft model. Adapter weights are fp32 whatever the base's dtype: bf16 loses small updates."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=options.rank,
        lora_alpha=options.alpha,
        lora_dropout=options.dropout,
        target_modules="all-linear" if options.targets == "all_linear" else _attention_names(model),
        modules_to_save=_embedding_names(model) if options.train_embeddings else None,
        ensure_weight_tying=bool(options.train_embeddings and model.config.tie_word_embeddings),
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def _attention_names(model: Any) -> list[str]:
    names = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    return [name for name in _ATTENTION if name in names]


def _embedding_names(model: Any) -> list[str]:
    """The input table; with untied weights the output table too."""
    wanted = [model.get_input_embeddings()]
    if not model.config.tie_word_embeddings:
        wanted.append(model.get_output_embeddings())
    return [name.rpartition(".")[2] for name, module in model.named_modules() if any(module is w for w in wanted)]
