"""What every method that learns from rows can be set to, and how supervised fine-tuning chooses it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from studio.options import About, Chosen, Options, Situation
from studio.words import Text

MANY_ROWS = 640
STEPS_FOR_MANY_ROWS = 60
STEPS_FOR_FEW_ROWS = 120
MOST_EPOCHS_TINY = 8
MOST_EPOCHS = 3
TINY_PARAMETERS = 50_000_000
SMALL_PARAMETERS = 500_000_000


def count_training_rows(situation: Situation) -> int:
    """Rows of the version that are not held out, at least one."""
    return max(1, round(situation.rows * (1 - situation.held_out_fraction)))


def _choose_epochs(situation: Situation) -> Chosen:
    """Whole passes until there are enough steps: sixty for many rows, twice as many for few.

    Pocket, 200 rows in a new voice: 13 steps taught none of it, 100 to 200 steps 96 % and more. Larger models learn a
    small set by heart sooner.
    """
    rows = count_training_rows(situation)
    steps_an_epoch = -(-rows // _choose_batch(situation).value)
    wanted = STEPS_FOR_MANY_ROWS if rows >= MANY_ROWS else STEPS_FOR_FEW_ROWS
    most = MOST_EPOCHS_TINY if situation.parameters < TINY_PARAMETERS else MOST_EPOCHS
    epochs = min(most, max(1, -(-wanted // steps_an_epoch)))
    values = {"rows": rows, "epochs": epochs, "steps": epochs * steps_an_epoch}
    return Chosen(epochs, "epochs_for_steps" if epochs < most else "epochs_most", values)


def _choose_learning_rate(situation: Situation) -> Chosen:
    # 2e-4, right for large models, hardly moves a tiny one: 80 % of replies on topic against 88 % at 2e-3, same steps.
    if situation.parameters < TINY_PARAMETERS:
        return Chosen(2e-3, "learning_rate_tiny_model", {"parameters": situation.parameters})
    if situation.parameters < SMALL_PARAMETERS:
        return Chosen(5e-4, "learning_rate_small_model", {"parameters": situation.parameters})
    return Chosen(2e-4, "learning_rate_large_model", {"parameters": situation.parameters})


def _choose_batch(situation: Situation) -> Chosen:
    rows = count_training_rows(situation)
    if situation.device == "cpu" and situation.parameters >= TINY_PARAMETERS:
        return Chosen(4, "batch_processor", {"parameters": situation.parameters})
    size = 16 if rows >= MANY_ROWS else 8 if rows >= 64 else 4
    return Chosen(size, "batch_by_rows", {"rows": rows})


def _choose_accumulation(situation: Situation) -> Chosen:
    if situation.device == "cpu" and situation.parameters >= TINY_PARAMETERS and count_training_rows(situation) >= 64:
        return Chosen(2, "accumulation_small_batch", {})
    return Chosen(1, "accumulation_off", {})


def _choose_max_length(situation: Situation) -> Chosen:
    if situation.row_tokens is not None and situation.row_tokens < situation.context:
        return Chosen(max(8, situation.row_tokens), "max_length_longest_row", {"tokens": situation.row_tokens})
    if situation.context > 2048:
        return Chosen(2048, "max_length_memory", {"context": situation.context})
    return Chosen(situation.context, "max_length_context", {"context": situation.context})


def _choose_held_out(situation: Situation) -> Chosen:
    return Chosen(situation.held_out_fraction, "held_out_of_version", {})


def _choose_warm_up(situation: Situation) -> Chosen:
    return Chosen(0.05, "warm_up_usual", {})


def _choose_schedule(situation: Situation) -> Chosen:
    return Chosen("cosine", "schedule_cosine", {})


def _choose_decay(situation: Situation) -> Chosen:
    return Chosen(0.0, "decay_off", {})


def _choose_refusal(situation: Situation) -> Chosen:
    return Chosen(False, "lost_rows_refused", {})


def _choose_seed(situation: Situation) -> Chosen:
    return Chosen(42, "seed_fixed", {})


EPOCHS = About(
    Text("Epochs", "エポック数"),
    Text("How often every row is learned.", "すべての行を何回学習するかです。"),
    _choose_epochs,
)
LEARNING_RATE = About(
    Text("Learning rate", "学習率"),
    Text(
        "How large each step is. Too large and the loss jumps, too small and nothing changes.",
        "1ステップの大きさです。大きすぎると損失が暴れ、小さすぎると何も変わりません。",
    ),
    _choose_learning_rate,
)
BATCH_SIZE = About(
    Text("Batch", "バッチサイズ"),
    Text(
        "Rows seen at once. Larger is steadier and takes more memory.",
        "一度に見る行数です。大きいほど安定しますが、メモリを使います。",
    ),
    _choose_batch,
    level="advanced",
    unit="rows",
)


class LearningOptions(Options):
    """Options of a method that learns from rows; a method of its own mind chooses some of them anew."""

    epochs: Annotated[
        int,
        Field(ge=1, le=1000),
        EPOCHS,
    ]
    learning_rate: Annotated[
        float,
        Field(gt=0.0, le=1.0),
        LEARNING_RATE,
    ]
    batch_size: Annotated[
        int,
        Field(ge=1, le=1024),
        BATCH_SIZE,
    ]
    max_length_tokens: Annotated[
        int,
        Field(ge=8, le=1_048_576),
        About(
            Text("Maximum length", "最大長"),
            Text("Longer rows are cut here; what is cut off is not learned.",
                 "これより長い行はここで切られ、切られた部分は学習されません。"),
            _choose_max_length,
            level="advanced",
            unit="tokens",
        ),
    ]  # fmt: skip
    held_out_fraction: Annotated[
        float,
        Field(ge=0.0, le=0.5),
        About(
            Text("Held-out share", "評価用の割合"),
            Text("Rows kept out of training, to measure on what the model has not seen.",
                 "学習に使わず、見たことのない行での損失を測るために取っておく割合です。"),
            _choose_held_out,
            level="advanced",
            unit="fraction",
        ),
    ]  # fmt: skip
    gradient_accumulation: Annotated[
        int,
        Field(ge=1, le=1024),
        About(
            Text("Gradient accumulation", "勾配累積"),
            Text("Batches added up before a step: a larger batch in the memory of a small one.",
                 "1ステップの前に足し合わせるバッチ数です。少ないメモリで大きなバッチと同じ効果になります。"),
            _choose_accumulation,
            level="advanced",
            unit="batches",
        ),
    ]  # fmt: skip
    warm_up_fraction: Annotated[
        float,
        Field(ge=0.0, le=0.5),
        About(
            Text("Warm-up", "ウォームアップ"),
            Text("The share of the steps in which the learning rate rises from zero.",
                 "学習率をゼロから上げていくステップの割合です。"),
            _choose_warm_up,
            level="advanced",
            unit="fraction",
        ),
    ]  # fmt: skip
    schedule: Annotated[
        Literal["cosine", "linear", "constant"],
        About(
            Text("Schedule", "学習率の推移"),
            Text("How the learning rate goes on after the warm-up.", "ウォームアップ後の学習率の変わり方です。"),
            _choose_schedule,
            level="advanced",
            choices={
                "cosine": Text("Cosine, down to zero", "コサイン（ゼロまで下げる）"),
                "linear": Text("Linear, down to zero", "線形（ゼロまで下げる）"),
                "constant": Text("Constant", "一定"),
            },
        ),
    ]
    weight_decay: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About(
            Text("Weight decay", "重み減衰"),
            Text("Pulls the adapter's weights towards zero.", "アダプタの重みをゼロの方へ引き戻します。"),
            _choose_decay,
            level="advanced",
        ),
    ]
    allow_lost_rows: Annotated[
        bool,
        About(
            Text("Go on without rows that are cut entirely", "全部切られる行を除いて続ける"),
            Text(
                "A run is refused when more than 30 % of its rows would be cut before the reply begins, unless this is on.",
                "応答が始まる前に切られる行が30％を超えると、これをオンにしない限り学習を始めません。",
            ),
            _choose_refusal,
            level="advanced",
        ),
    ]
    seed: Annotated[
        int,
        Field(ge=0, le=2**31 - 1),
        About(
            Text("Seed", "乱数シード"),
            Text(
                "The same seed draws the same order and the same start.", "同じシードなら、並び順も初期値も同じです。"
            ),
            _choose_seed,
            level="advanced",
        ),
    ]
