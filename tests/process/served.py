"""A model server as an app keeps it, and what tests ask of it: with OpenAI's own client, or byte by byte."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import openai

from studio.models.catalogue import POCKET_FOLDER
from studio.people import Person, person_from
from studio.services.studio import Studio
from studio.settings import read_settings

QUESTION = [{"role": "user", "content": "Hello, how much is a teapot?"}]
RUN = "20260101T000000000Z-train-a-test"


class Served:
    """alice has a registered adapter `kind` and a run with a result and a checkpoint; bob has an adapter `plain`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.studio = Studio(read_settings(["--root", str(root), "--port", "0"], {}))
        self.alice, self.bob = (person_from(name, {}, {}, self.studio.settings) for name in ("alice", "bob"))

    @cached_property
    def url(self) -> str:
        return self.studio.server.ensure().url

    @property
    def secret(self) -> str:
        return self.studio.server.ensure().token

    def openai(self, person: Person | None = None) -> openai.OpenAI:
        """OpenAI's client with the app's token, or a person's."""
        key = self.studio.server.token_for(person) if person else self.secret
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0, timeout=120)

    def http(self, token: str | None) -> httpx.Client:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=120, trust_env=False)

    def status(self) -> dict[str, Any]:
        with self.http(self.secret) as http:
            return http.get("/status").json()


@contextmanager
def serve(root: Path) -> Iterator[Served]:
    served = Served(root)
    try:
        write_adapter(served.alice.workspace / "adapters" / "kind" / "1", seed=1)
        write_adapter(served.alice.workspace / "jobs" / RUN / "result" / "adapter", seed=2)
        write_adapter(served.alice.workspace / "jobs" / RUN / "checkpoints" / "step-000020", seed=3)
        write_adapter(served.bob.workspace / "adapters" / "plain" / "1", seed=4)
        yield served
    finally:
        served.studio.close()


def write_adapter(folder: Path, seed: int) -> None:
    """A LoRA adapter of the pocket model that changes what it says: peft's own files, with weights by chance."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(POCKET_FOLDER, dtype=torch.float32)
    config = LoraConfig(r=4, lora_alpha=48, target_modules="all-linear", init_lora_weights=False)
    get_peft_model(model, config).save_pretrained(folder)
    config_path = folder / "adapter_config.json"
    config_path.write_text(config_path.read_text("utf-8").replace(str(POCKET_FOLDER), "pocket"), "utf-8")
