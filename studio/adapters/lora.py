"""LoRA: two small matrices beside every linear layer; the base stays as it is (Hu et al. 2021, arXiv:2106.09685)."""

from __future__ import annotations

from typing import Any

from studio.adapters._low_rank import LowRankOptions, build_low_rank
from studio.words import Text


class Lora:
    """The LoRA plug."""

    name = "lora"
    title = Text("LoRA", "LoRA")
    summary = Text(
        "Trains small matrices beside the model's layers. Little memory, a small file, the base model stays as it is.",
        "モデルの各層に小さな行列を加えて学習します。メモリもファイルも小さく、ベースモデルはそのまま残ります。",
    )
    options = LowRankOptions
    example = {"rank": 4, "alpha": 8, "dropout": 0.0, "targets": "all_linear", "train_embeddings": False}

    def quantisation(self, options: LowRankOptions) -> None:
        return None

    def build(self, model: Any, options: LowRankOptions) -> Any:
        return build_low_rank(model, options)


PLUG = Lora()
