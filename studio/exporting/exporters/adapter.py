"""The adapter alone: weights in safetensors, configuration, tokenizer, template and a card."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from studio.errors import AdapterUnreadable
from studio.events import Event, Phase, Progress
from studio.exporting.card import render_card
from studio.exporting.packing import iterate_copied
from studio.exporting.source import Source, load_base
from studio.models.catalogue import Base
from studio.models.lineage import find_changed, find_files, write_lineage
from studio.options import About, Chosen, Options, Situation
from studio.words import Text

NEEDED = ("adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "chat_template.jinja")


def _choose_form(situation: Situation) -> Chosen:
    return Chosen("zip", "form_zip", {})


class AdapterExportOptions(Options):
    """Options of exporting an adapter."""

    form: Annotated[
        Literal["zip", "folder"],
        About(
            Text("Form", "形式"),
            Text("One file to download, or a folder on this computer.", "ダウンロードする 1 つのファイルか、このコンピューター上のフォルダーかを選びます。"),
            _choose_form,
            choices={"zip": Text("Zip file to download", "zip ファイル（ダウンロード）"),
                     "folder": Text("Folder on this computer", "このコンピューターのフォルダー")},
        ),
    ]  # fmt: skip


class AdapterExporter:
    """The adapter plug."""

    name = "adapter"
    title = Text("Adapter", "アダプタ")
    summary = Text(
        "The trained weights alone, with tokenizer, chat template and a card. Small; whoever uses it needs the base model too.",
        "学習した重みだけを、トークナイザ・チャットテンプレート・説明カードとともに書き出します。小さなファイルで、使うにはベースモデルも必要です。",
    )
    options = AdapterExportOptions
    example = {"form": "zip"}

    def write(self, source: Source, folder: Path) -> Iterator[Event]:
        """Copies are compared with the hashes that were taken when the adapter was registered."""
        files = find_files(source.folder)
        missing = set(NEEDED) - {path.name for path in files}
        if missing:
            raise AdapterUnreadable(adapter=source.name, file=min(missing))
        total = sum(path.stat().st_size for path in files)
        yield Phase("exporting", total, "bytes")
        done = 0
        for path in files:
            for copied in iterate_copied(path, folder / path.name):
                done += copied
                yield Progress(done, total, "bytes")
        if changed := find_changed(folder, source.lineage.files):
            raise AdapterUnreadable(adapter=source.name, file=changed)
        write_lineage(folder, source.lineage)
        (folder / "README.md").write_text(render_card(source), "utf-8")

    def load(self, folder: Path, base: Base, precision: str) -> tuple[Any, Any]:
        """As the card's own script does."""
        from peft import PeftModel
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = PeftModel.from_pretrained(load_base(base, precision), folder, use_safetensors=True)
        return tokenizer, model.eval()


PLUG = AdapterExporter()
