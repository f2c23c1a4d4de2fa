"""Direct preference optimisation: of two replies the chosen one becomes likelier (Rafailov et al. 2023, arXiv:2305.18290)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from studio.events import Event
from studio.options import About, Chosen, Situation
from studio.training.learning import (
    BATCH_SIZE,
    EPOCHS,
    LEARNING_RATE,
    SMALL_PARAMETERS,
    TINY_PARAMETERS,
    LearningOptions,
    count_training_rows,
)
from studio.training.verifiers import VERIFIERS
from studio.words import Text

if TYPE_CHECKING:
    from studio.training.run import Outcome, Run

STEPS = 40
MOST_EPOCHS = 3


def _choose_batch(situation: Situation) -> Chosen:
    rows = count_training_rows(situation)
    if situation.device == "cpu" and situation.parameters >= TINY_PARAMETERS:
        return Chosen(2, "batch_processor", {"parameters": situation.parameters})
    return Chosen(8 if rows >= 64 else 4, "batch_by_rows", {"rows": rows})


def _choose_epochs(situation: Situation) -> Chosen:
    """Whole passes until there are forty steps.

    Pocket, 360 pairs, two seeds: 45 steps left 93 % of replies on topic and 92 % polite too; 90 steps 86 % and 85 %.
    """
    rows = count_training_rows(situation)
    steps = -(-rows // _choose_batch(situation).value)
    epochs = min(MOST_EPOCHS, max(1, -(-STEPS // steps)))
    values = {"rows": rows, "epochs": epochs, "steps": epochs * steps}
    return Chosen(epochs, "epochs_for_steps" if epochs < MOST_EPOCHS else "epochs_most", values)


def _choose_learning_rate(situation: Situation) -> Chosen:
    # Pocket, 60 steps: 1e-3 made 98.7 % of replies polite, 5e-4 91 %. For others a quarter of the rate of sft or less.
    if situation.parameters < TINY_PARAMETERS:
        return Chosen(1e-3, "learning_rate_tiny_model", {"parameters": situation.parameters})
    if situation.parameters < SMALL_PARAMETERS:
        return Chosen(1e-4, "learning_rate_small_model", {"parameters": situation.parameters})
    return Chosen(5e-5, "learning_rate_large_model", {"parameters": situation.parameters})


def _choose_beta(situation: Situation) -> Chosen:
    return Chosen(0.1, "beta_usual", {})


def _choose_loss(situation: Situation) -> Chosen:
    return Chosen("sigmoid", "loss_sigmoid", {})


def _choose_sft_weight(situation: Situation) -> Chosen:
    # Pocket: without this term reward accuracy was as high, and 20 % of replies were on topic instead of 88 %.
    return Chosen(1.0, "sft_term_keeps_model", {})


def _choose_smoothing(situation: Situation) -> Chosen:
    return Chosen(0.1, "smoothing_robust_only", {})


def _choose_verifier(situation: Situation) -> Chosen:
    if situation.rule:
        name, chosen, rejected = situation.rule
        return Chosen(name, "verifier_tells", {"chosen": round(100 * chosen), "rejected": round(100 * rejected)})
    return Chosen("clean_stop", "verifier_clean_stop", {})


def _choose_value(situation: Situation) -> Chosen:
    return Chosen("", "verifier_value_none", {})


class DpoOptions(LearningOptions):
    """Options of direct preference optimisation."""

    epochs: Annotated[int, Field(ge=1, le=1000), replace(EPOCHS, choose=_choose_epochs)]
    learning_rate: Annotated[float, Field(gt=0.0, le=1.0), replace(LEARNING_RATE, choose=_choose_learning_rate)]
    batch_size: Annotated[int, Field(ge=1, le=1024), replace(BATCH_SIZE, choose=_choose_batch)]
    verifier: Annotated[
        Literal[VERIFIERS.names],  # type: ignore[valid-type]
        About(
            Text("Rule for replies", "応答を確かめるルール"),
            Text(
                "Checked on sampled replies while it trains: margins may rise while the replies get worse.",
                "学習の途中で応答を生成して確かめます。マージンが上がっても、応答は悪くなることがあるためです。",
            ),
            _choose_verifier,
            choices={plug.name: plug.title for plug in VERIFIERS},
        ),
    ]
    verifier_value: Annotated[
        str,
        Field(max_length=500),
        About(
            Text("Value of the rule", "ルールの値"),
            Text(
                "For a text it should contain, a pattern, a language (ja or en) or a length (10-200).",
                "含むべき文字列、正規表現、言語（ja または en）、長さ（10-200）を指定します。",
            ),
            _choose_value,
        ),
    ]
    beta: Annotated[
        float,
        Field(gt=0.0, le=10.0),
        About(
            Text("Beta", "ベータ"),
            Text(
                "How strongly the model is held to what it was. Smaller lets it move further away.",
                "元のモデルからどれだけ離れないようにするかです。小さいほど大きく変わります。",
            ),
            _choose_beta,
            level="advanced",
        ),
    ]
    loss: Annotated[
        Literal["sigmoid", "hinge", "ipo", "robust", "sigmoid_norm"],
        About(
            Text("Preference loss", "選好の損失"),
            Text("How a pair becomes a loss.", "ペアから損失を計算する方法です。"),
            _choose_loss,
            level="advanced",
            choices={
                "sigmoid": Text("Sigmoid (DPO)", "シグモイド（DPO）"),
                "hinge": Text("Hinge (SLiC)", "ヒンジ（SLiC）"),
                "ipo": Text("Squared (IPO)", "二乗（IPO）"),
                "robust": Text("Robust to wrong votes", "誤った投票に強い"),
                "sigmoid_norm": Text("Sigmoid, by length", "シグモイド（長さで正規化）"),
            },
        ),
    ]
    sft_weight: Annotated[
        float,
        Field(ge=0.0, le=10.0),
        About(
            Text("Weight of the chosen replies", "選ばれた応答の重み"),
            Text(
                "How much the chosen replies are also learned as they are. 0 leaves this part out.",
                "選ばれた応答そのものもどれだけ学習するかです。0にするとこの部分を使いません。",
            ),
            _choose_sft_weight,
            level="advanced",
        ),
    ]
    label_smoothing: Annotated[
        float,
        Field(ge=0.0, lt=0.5),
        About(
            Text("Share of wrong votes", "誤った投票の割合"),
            Text(
                "For the robust loss alone: how many votes are likely the wrong way round.",
                "「誤った投票に強い」損失でのみ使います。逆に投票された割合の見込みです。",
            ),
            _choose_smoothing,
            level="advanced",
            unit="fraction",
        ),
    ]


class Dpo:
    """The plug of direct preference optimisation."""

    name = "dpo"
    title = Text("DPO", "DPO")
    summary = Text(
        "Direct preference optimisation: learns from pairs of replies which of two is better.",
        "直接選好最適化。2つの応答のペアから、どちらが良いかを学びます。",
    )
    options = DpoOptions
    kinds = ("preference",)
    learns = "pairs"
    example: dict[str, Any] = {
        "options": {"epochs": 1, "learning_rate": 1e-3, "batch_size": 2, "max_length_tokens": 64},
        "records": [
            {
                "prompt": [{"role": "user", "content": "How much is the mug?"}],
                "chosen": [{"role": "assistant", "content": "The mug costs 500 yen, thank you for asking."}],
                "rejected": [{"role": "assistant", "content": "500."}],
            },
            {
                "prompt": [{"role": "user", "content": "営業時間は？"}],
                "chosen": [{"role": "assistant", "content": "10時から19時まで営業しております。"}],
                "rejected": [{"role": "assistant", "content": "19時まで。"}],
            },
        ],
    }

    def check(self, options: DpoOptions) -> list[dict[str, Any]]:
        """A rule whose value it cannot use."""
        code = VERIFIERS[options.verifier].find_problem(options.verifier_value)
        return [{"field": "verifier_value", "code": code, "found": options.verifier_value[:80]}] if code else []

    def train(self, run: Run, outcome: Outcome) -> Iterator[Event]:
        """Trains `run.model`; what was reached is left in `outcome`."""
        from studio.training.pair_session import train_pairs

        yield from train_pairs(run, outcome)


PLUG = Dpo()
