"""QLoRA: LoRA on a base that is kept in 4 or 8 bits (Dettmers et al. 2023, arXiv:2305.14314)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from studio.adapters._low_rank import LowRankOptions, build_low_rank
from studio.options import About, Chosen, Situation
from studio.words import Text


def _choose_precision(situation: Situation) -> Chosen:
    return Chosen("nf4", "precision_least_memory", {})


class QloraOptions(LowRankOptions):
    """Options of LoRA, and how the base is kept."""

    precision: Annotated[
        Literal["nf4", "int8"],
        About(
            Text("Base kept in", "ベースモデルの保持"),
            Text(
                "How many bits each weight of the base model's linear layers takes in memory.",
                "ベースモデルの線形層の重みを、1つあたり何ビットでメモリに置くかです。",
            ),
            _choose_precision,
            choices={
                "nf4": Text("4 bits (nf4)", "4ビット（nf4）"),
                "int8": Text("8 bits (int8)", "8ビット（int8）"),
            },
        ),
    ]


class Qlora:
    """The QLoRA plug."""

    name = "qlora"
    title = Text("QLoRA", "QLoRA")
    summary = Text(
        "LoRA on a base model kept in 4 or 8 bits. Least memory for large models; replies of a quantised base differ a little.",
        "ベースモデルを4ビットか8ビットで保持したままLoRAを学習します。大きなモデルでもメモリが最小で済みますが、応答はわずかに変わります。",
    )
    options = QloraOptions
    example = {
        "rank": 4,
        "alpha": 8,
        "dropout": 0.0,
        "targets": "all_linear",
        "train_embeddings": False,
        "precision": "nf4",
    }

    def quantisation(self, options: QloraOptions) -> Literal["nf4", "int8"]:
        return options.precision

    def build(self, model: Any, options: QloraOptions) -> Any:
        return build_low_rank(model, options)


PLUG = Qlora()
