"""Rows of one batch, each with its own adapter or none, write what transformers and peft write alone, in fp32."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PrefixTuningConfig, PromptTuningConfig
from safetensors.torch import load_file, save_file

from studio.models.loading import load_model
from studio.serving.adapterfiles import read_adapter
from studio.serving.engine import Engine
from studio.serving.replies import Model
from studio.serving.stacked import Stack
from studio.serving.weights import build_twin
from tests.served_models import (
    PROMPTS,
    change_json,
    pocket,
    request_for,
    untouched_ids,
    write_lora,
    write_peft,
    written_ids,
)

BASE = pocket()
NAMES = (None, "plain", "attention", "tables", "rank_32")


def model_of(folder: Path | None) -> Model:
    return Model(BASE, "float32", folder, folder and folder.name)


@pytest.fixture(scope="session")
def alone(adapters) -> dict[tuple[str | None, str], list[int]]:
    """What each model writes to each prompt by itself."""
    return {
        (name, text): untouched_ids(BASE, text, adapters[name] if name else None) for name in NAMES for text in PROMPTS
    }


def test_every_row_of_a_mixed_batch_writes_what_its_model_writes_alone(engine: Engine, adapters, alone):
    """Five models, four prompts of different lengths, twenty rows at once."""
    replies = {key: engine.submit(request_for(model_of(adapters[key[0]] if key[0] else None), key[1])) for key in alone}
    assert {key: written_ids(reply) for key, reply in replies.items()} == alone
    assert {reply.how for reply in replies.values()} == {"stacked"}


def test_the_adapters_of_these_tests_do_change_replies(alone):
    for name in NAMES[1:]:
        assert any(alone[name, text] != alone[None, text] for text in PROMPTS), name


def test_rsloras_scaling_is_by_the_root_of_the_rank(engine: Engine, tmp_path: Path):
    config = LoraConfig(r=16, lora_alpha=24, use_rslora=True, target_modules="all-linear", task_type="CAUSAL_LM")
    folder = write_peft(tmp_path / "rslora", 11, config)
    replies = [engine.submit(request_for(model_of(folder), text)) for text in PROMPTS]
    assert [written_ids(reply) for reply in replies] == [untouched_ids(BASE, text, folder) for text in PROMPTS]
    assert replies[0].how == "stacked"


def test_ranks_and_alphas_by_layer_are_followed(engine: Engine, tmp_path: Path):
    patterns = {"rank_pattern": {"q_proj": 3}, "alpha_pattern": {"down_proj": 64}}
    config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM", **patterns)
    folder = write_peft(tmp_path / "patterns", 12, config)
    reply = engine.submit(request_for(model_of(folder)))
    assert written_ids(reply) == untouched_ids(BASE, PROMPTS[0], folder)
    assert reply.how == "stacked"


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (LoraConfig(r=4, use_dora=True, target_modules="all-linear", task_type="CAUSAL_LM"), "use_dora"),
        (LoraConfig(r=4, lora_bias=True, target_modules=["q_proj"], task_type="CAUSAL_LM"), "lora_bias"),
        (LoraConfig(r=4, target_modules=["embed_tokens", "q_proj"], task_type="CAUSAL_LM"), "embed_tokens"),
        (PromptTuningConfig(num_virtual_tokens=6, task_type="CAUSAL_LM"), "PROMPT_TUNING"),
        (PrefixTuningConfig(num_virtual_tokens=6, task_type="CAUSAL_LM"), "PREFIX_TUNING"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.filterwarnings("ignore")  # peft warns of each of these kinds, on purpose
def test_an_adapter_that_cannot_be_stacked_is_decoded_by_peft_and_says_so(engine, tmp_path, config, reason):
    folder = write_peft(tmp_path / "other", 13, config)
    beside = engine.submit(request_for(model_of(None)))
    reply = engine.submit(request_for(model_of(folder)))
    assert written_ids(reply) == untouched_ids(BASE, PROMPTS[0], folder)
    assert written_ids(beside) == untouched_ids(BASE, PROMPTS[0])
    assert (reply.how, beside.how) == ("peft", "stacked")
    (told,) = engine.status()["adapters"]
    assert told["how"] == "peft" and reason in told["reason"]


def test_an_adapter_that_starts_from_the_bases_own_directions_leaves_the_base_alone(engine: Engine, tmp_path: Path):
    """PiSSA subtracts from the base's weights when it is loaded: not from those that others use."""
    config = LoraConfig(r=4, init_lora_weights="pissa", target_modules=["q_proj"], task_type="CAUSAL_LM")
    folder = write_peft(tmp_path / "pissa", 14, config)
    before = written_ids(engine.submit(request_for(model_of(None))))
    assert engine.submit(request_for(model_of(folder))).wait(20)
    assert written_ids(engine.submit(request_for(model_of(None)))) == before


def test_a_changed_file_is_read_anew(engine: Engine, tmp_path: Path, adapters):
    folder = tmp_path / "changing"
    shutil.copytree(adapters["plain"], folder)
    first = written_ids(engine.submit(request_for(model_of(folder), PROMPTS[1])))
    shutil.copy(adapters["tables"] / "adapter_config.json", folder)
    shutil.copy(adapters["tables"] / "adapter_model.safetensors", folder)
    second = written_ids(engine.submit(request_for(model_of(folder), PROMPTS[1])))
    assert (first, second) == tuple(untouched_ids(BASE, PROMPTS[1], adapters[name]) for name in ("plain", "tables"))


def test_base_rows_keep_the_bases_very_numbers_beside_adapters(adapters):
    """Bit for bit in one forward pass: what is added to a base row is exactly nothing, whatever the neighbours are."""
    model = load_model(BASE, "float32", "cpu")
    ids = torch.tensor([[5, 700, 33, 12]] * 3)
    with torch.inference_mode():
        bare = model(input_ids=ids).logits
        stack = Stack(model)
        files = [read_adapter(adapters[name], BASE, dict(build_twin(model).named_modules()), ()) for name in NAMES[1:3]]
        first, second = (stack.attach(file) for file in files)
        stack.use([first, None, second])
        mixed = model(input_ids=ids).logits
        stack.use([None, None, None])
        none = model(input_ids=ids).logits
    assert torch.equal(mixed[1], bare[1]) and torch.equal(none, bare)
    assert not torch.equal(mixed[0], bare[0]) and not torch.equal(mixed[2], bare[2])


def test_adapters_in_use_lie_in_memory_once(adapters):
    """Their pairs become parts of the stack, and get memory of their own again when they leave it."""
    model = load_model(BASE, "float32", "cpu")
    stack = Stack(model)
    modules = dict(build_twin(model).named_modules())
    first, second = (stack.attach(read_adapter(adapters[name], BASE, modules, ())) for name in ("plain", "rank_32"))
    stack.use([first, second])
    name = "model.layers.0.mlp.up_proj"
    parts = [adapter.layers[name][0].untyped_storage() for adapter in (first, second)]
    assert parts[0].data_ptr() == parts[1].data_ptr()
    stack.use([second])
    stack.trim()
    for adapter in (first, second):
        a = adapter.layers[name][0]
        assert a.untyped_storage().nbytes() == a.nbytes


def test_a_twin_takes_no_memory_and_no_hooks():
    model = load_model(BASE, "float32", "cpu")
    twin = build_twin(model)
    pairs = zip(model.named_parameters(), twin.named_parameters(), strict=True)
    assert all(name == other and one.data_ptr() == two.data_ptr() for (name, one), (other, two) in pairs)
    Stack(model)
    assert not any(module is other for module, other in zip(model.modules(), twin.modules(), strict=True))


def broken(folder: Path, change: str, adapters: dict[str, Path]) -> Path:
    shutil.copytree(adapters["plain"], folder)
    weights = folder / "adapter_model.safetensors"
    tensors = load_file(weights)
    name = next(key for key in tensors if "lora_A" in key)
    if change == "torn":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif change == "pickled":
        torch.save(tensors, folder / "adapter_model.bin")
        weights.unlink()
    elif change == "no_config":
        (folder / "adapter_config.json").unlink()
    elif change == "config_is_a_list":
        (folder / "adapter_config.json").write_text("[]")
    elif change == "not_finite":
        save_file(tensors | {name: tensors[name] * float("nan")}, weights)
    elif change == "half_a_pair":
        save_file({key: tensor for key, tensor in tensors.items() if key != name}, weights)
    elif change == "empty":
        save_file({}, weights)
    elif change == "other_shape":
        save_file(tensors | {name: torch.zeros(8, 100)}, weights)
    elif change == "other_layers":
        save_file({key.replace("layers.3", "layers.30"): tensor for key, tensor in tensors.items()}, weights)
    elif change == "other_modules":
        save_file(tensors | {"base_model.model.score.weight": torch.zeros(2, 192)}, weights)
    elif change == "other_base":
        (folder / "whetstone.json").write_text("{}")
        change_json(folder / "whetstone.json", {"base": "hub:some/other"})
    elif change == "unknown_kind":
        change_json(folder / "adapter_config.json", {"peft_type": "SORCERY"})
    return folder


@pytest.mark.parametrize(
    ("change", "code"),
    [
        *((change, "AdapterUnreadable") for change in ("torn", "pickled", "no_config", "config_is_a_list")),
        *((change, "AdapterUnreadable") for change in ("not_finite", "half_a_pair", "empty")),
        *((change, "AdapterMismatch") for change in ("other_shape", "other_layers", "other_modules", "other_base")),
        ("unknown_kind", "AdapterMismatch"),
        ("nowhere", "AdapterUnreadable"),
    ],
)
def test_a_folder_that_is_no_adapter_of_this_base_is_refused_and_disturbs_nobody(
    engine: Engine, tmp_path: Path, adapters, change, code
):
    folder = tmp_path / "missing" if change == "nowhere" else broken(tmp_path / "broken", change, adapters)
    beside = engine.submit(request_for(model_of(None)))
    reply = engine.submit(request_for(model_of(folder)))
    assert reply.wait(20) and reply.finish_reason == "error"
    assert reply.error is not None and reply.error.code == code
    assert reply.error.message("en") and reply.error.message("ja")
    assert beside.wait(20) and beside.finish_reason in ("stop", "length")


def test_an_adapter_of_a_quantised_base_is_decoded_on_it(engine: Engine, tmp_path: Path):
    folder = write_lora(tmp_path / "on-nf4", 21, quantisation="nf4")
    model = Model(BASE, "nf4", folder, "on-nf4")
    assert written_ids(engine.submit(request_for(model))) == untouched_ids(BASE, PROMPTS[0], folder, quantisation="nf4")
