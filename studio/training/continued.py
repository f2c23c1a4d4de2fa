"""An adapter that is trained further, on the base that it was made for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.errors import AdapterMismatch, AdapterUnreadable
from studio.models.catalogue import Base
from studio.models.lineage import read_lineage
from studio.training.reporting import TRAINED
from studio.training.trainspec import Parent

WEIGHTS = "adapter_model.safetensors"


def load_adapter(model: Any, parent: Parent, base: Base) -> Any:
    """The model with the parent's adapter, ready to be trained; its weights in fp32.

    Raises AdapterUnreadable where its files are gone or torn (pickled weights are never read), AdapterMismatch where
    they were made for another base, or for this one before it was changed.
    """
    from peft import PeftModel
    from safetensors import SafetensorError

    folder = Path(parent.folder)
    lineage = read_lineage(folder)
    if lineage and (lineage.base != base.id or lineage.base_bytes not in (None, base.bytes)):
        raise AdapterMismatch(adapter=parent.name, base=base.title)
    if not (folder / WEIGHTS).is_file():
        raise AdapterUnreadable(adapter=parent.name, file=WEIGHTS)
    try:
        continued = PeftModel.from_pretrained(model, folder, is_trainable=True)
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        raise AdapterUnreadable(adapter=parent.name, file=WEIGHTS) from error
    except RuntimeError as error:  # weights of other shapes than the base's layers
        raise AdapterMismatch(adapter=parent.name, base=base.title) from error
    # The saved name is no path: with it peft would ask the hub for a model of that name when it saves.
    continued.peft_config[TRAINED].base_model_name_or_path = str(base.folder)
    return continued
