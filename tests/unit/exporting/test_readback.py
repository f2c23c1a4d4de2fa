"""What is read back is compared with the adapter token by token: each way to differ is found and named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from studio.errors import AdapterUnreadable
from studio.exporting import readback
from studio.exporting.exporters import EXPORTERS
from studio.exporting.readback import Order, Reply, find_difference, read_back
from studio.exporting.source import Source
from tests.adapter_runs import BASE, build_adapter

PROMPTS = ["How much is the mug?", "閉店は何時ですか？"]


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Source:
    folder = tmp_path_factory.mktemp("adapter") / "1"
    return Source(folder, "polite", "Polite", "", build_adapter(folder), BASE, "en")


@pytest.fixture
def export(source, tmp_path) -> Path:
    folder = tmp_path / "polite"
    folder.mkdir()
    list(EXPORTERS["adapter"].write(source, folder))
    return folder


def order(source: Source, export: Path) -> Order:
    return Order(exporter="adapter", base=BASE.id, base_folder=str(BASE.folder), precision="float32",
                 source=str(source.folder), export=str(export), prompts=PROMPTS, threads=1)  # fmt: skip


def last(source: Source, export: Path) -> dict:
    return list(read_back(order(source, export)))[-1]


def test_an_untouched_export_replies_as_the_adapter_does(source, export):
    told = list(read_back(order(source, export)))
    assert [line.get("phase") for line in told[:2]] == ["asking_adapter", "asking_export"]
    checks = told[-1]["checks"]
    assert [check["prompt"] for check in checks] == PROMPTS
    assert all(check["tokens"] > 0 for check in checks) and any(check["ended"] for check in checks)


def test_changed_weights_are_found(source, export):
    from safetensors.torch import load_file, save_file

    path = export / "adapter_model.safetensors"
    turned = {name: -tensor if "lora_B" in name else tensor for name, tensor in load_file(path).items()}
    save_file(turned, path, metadata={"format": "pt"})
    found = last(source, export)["mismatch"]
    assert found["cause"] == "reply" and found["prompt"] in PROMPTS


def test_weights_that_hardly_matter_are_found_by_the_score(source, export):
    """A hundredth of the adapter is lost: the replies stay, their probabilities do not."""
    from safetensors.torch import load_file, save_file

    path = export / "adapter_model.safetensors"
    faded = {name: 0.99 * tensor if "lora_B" in name else tensor for name, tensor in load_file(path).items()}
    save_file(faded, path, metadata={"format": "pt"})
    assert last(source, export)["mismatch"]["cause"] == "score"


def test_another_template_is_found(source, export):
    template = export / "chat_template.jinja"
    template.write_text(template.read_text("utf-8").replace("assistant", "helper"), "utf-8")
    assert last(source, export)["mismatch"] == {"cause": "prompt_tokens", "prompt": PROMPTS[0]}


def lose_end_token(export: Path) -> None:
    (export / "generation_config.json").unlink()
    path = export / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"eos_token": "<|im_start|>"}), "utf-8")


def test_a_lost_end_token_is_found(source, export):
    lose_end_token(export)
    assert last(source, export)["mismatch"]["cause"] == "end_token"


def test_replies_are_read_on_until_one_shows_its_end_token(source, export, monkeypatch):
    """Of replies that are cut after two tokens none has ended; the first alone is read on."""
    monkeypatch.setattr(readback, "NEW_TOKENS", 2)
    first, second = last(source, export)["checks"]
    assert (first["ended"], second["ended"], second["tokens"]) == (True, False, 2) and first["tokens"] > 2
    lose_end_token(export)
    assert last(source, export)["mismatch"] == {"cause": "end_token", "prompt": PROMPTS[0]}


def test_an_adapter_whose_replies_never_end_is_delivered_as_one(tmp_path):
    """With such weights nothing the pocket model says ends: its context of 512 tokens is full before."""
    folder = tmp_path / "adapter" / "1"
    source = Source(folder, "endless", "Endless", "", build_adapter(folder, std=4.0), BASE, "en")
    export = tmp_path / "endless"
    export.mkdir()
    list(EXPORTERS["adapter"].write(source, export))
    checks = last(source, export)["checks"]
    assert [check["ended"] for check in checks] == [False, False]
    assert all(readback.NEW_TOKENS < check["tokens"] < BASE.context for check in checks)


def test_differences_are_told_from_the_prompt_on():
    reply = Reply(asked=[1, 2], ids=[3, 2], score=-0.5, ended=True, text="x")
    assert find_difference(reply, reply) is None
    assert find_difference(reply, reply.model_copy(update={"asked": [1], "ids": [9]})) == "prompt_tokens"
    assert find_difference(reply, reply.model_copy(update={"ids": [4, 2]})) == "reply"
    assert find_difference(reply, reply.model_copy(update={"ids": [3, 2, 5], "ended": False})) == "end_token"
    assert find_difference(reply, reply.model_copy(update={"ids": [3]})) == "end_token"
    assert find_difference(reply, reply.model_copy(update={"ended": False})) == "end_token"
    assert find_difference(reply, reply.model_copy(update={"score": -0.5002})) == "score"


@pytest.mark.parametrize("file", ["adapter_model.safetensors", "tokenizer.json", "chat_template.jinja"])
def test_a_source_that_is_not_what_training_wrote_is_not_exported(source, tmp_path, file):
    folder = shutil.copytree(source.folder, tmp_path / "1")
    with (folder / file).open("ab") as changed:
        changed.write(b" ")
    (tmp_path / "out").mkdir()
    tampered = Source(folder, source.slug, source.name, "", source.lineage, BASE, "en")
    with pytest.raises(AdapterUnreadable) as caught:
        list(EXPORTERS["adapter"].write(tampered, tmp_path / "out"))
    assert caught.value.values["file"] == file
    (folder / file).unlink()
    with pytest.raises(AdapterUnreadable):
        list(EXPORTERS["adapter"].write(tampered, tmp_path / "out"))
