"""Prompts are rendered as the adapter was trained, and tokenizers are kept while they are in use."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from studio.models.catalogue import POCKET, POCKET_FOLDER, Base, read_base
from studio.models.loading import write_tokenizer
from studio.serving.errors_http import RequestError
from studio.serving.renderers import KEPT, Renderers, render_prompt
from studio.serving.replies import Model

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def base() -> Base:
    return read_base(POCKET, (), Path("/nonexistent"))


def rendered(renderers: Renderers, model: Model) -> str:
    with renderers.lent(model) as renderer:
        return renderer.tokenizer.decode(render_prompt(renderer, HELLO), skip_special_tokens=False)


def test_an_adapter_is_asked_with_the_template_it_was_trained_with(base: Base, tmp_path: Path):
    renderers = Renderers()
    write_tokenizer(base, "{{ 'USER: ' + messages[0]['content'] + ' ASSISTANT:' }}", tmp_path)
    assert rendered(renderers, Model(base, adapter=tmp_path)) == "USER: Hello ASSISTANT:"
    assert rendered(renderers, Model(base)) == "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"


def test_an_adapter_with_the_bases_own_template_shares_its_renderer(base: Base, tmp_path: Path):
    renderers = Renderers()
    write_tokenizer(base, (POCKET_FOLDER / "chat_template.jinja").read_text("utf-8"), tmp_path)
    with renderers.lent(Model(base)) as one:
        pass
    with renderers.lent(Model(base, adapter=tmp_path)) as other:
        assert other is one


def test_a_tokenizer_that_was_replaced_is_read_anew_and_old_ones_are_let_go(base: Base, tmp_path: Path):
    renderers = Renderers()
    kept = []
    for number in range(KEPT + 1):
        folder = shutil.copytree(POCKET_FOLDER, tmp_path / str(number))
        with renderers.lent(Model(replace(base, folder=folder))) as renderer:
            kept.append(renderer)
    with renderers.lent(Model(replace(base, folder=tmp_path / str(KEPT)))) as last:
        assert last is kept[-1]
    with renderers.lent(Model(replace(base, folder=tmp_path / "0"))) as first:
        assert first is not kept[0]


def test_a_renderer_is_lent_to_one_thread_at_a_time(base: Base):
    renderers = Renderers()
    got = threading.Event()

    def borrow() -> None:
        with renderers.lent(Model(base)):
            got.set()

    with renderers.lent(Model(base)):
        other = threading.Thread(target=borrow)
        other.start()
        assert not got.wait(0.1)
    other.join()
    assert got.is_set()


def test_a_template_that_refuses_is_told_with_its_reason(base: Base, tmp_path: Path):
    write_tokenizer(base, "{{ raise_exception('roles must alternate') }}", tmp_path)
    with Renderers().lent(Model(base, adapter=tmp_path)) as renderer, pytest.raises(RequestError) as caught:
        render_prompt(renderer, HELLO)
    assert (caught.value.status, caught.value.param) == (422, "messages")
    assert "roles must alternate" in caught.value.message
