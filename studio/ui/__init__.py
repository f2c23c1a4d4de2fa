"""The page: the only place that imports Gradio."""

from __future__ import annotations

import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# After each queued event Gradio rebuilds a table of up to 10,000 events for a dashboard that is off.
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000")


class _WithoutStubs(MetaPathFinder):
    """Lets Gradio's import skip writing `.pyi` files for editors beside its components: 0.9 of its 2.4 s at each start."""

    @staticmethod
    def find_spec(name: str, path=None, target=None) -> ModuleSpec | None:
        if name != "gradio.component_meta" or (spec := PathFinder.find_spec(name, path)) is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module) -> None:
            execute(module)
            module.create_or_modify_pyi = lambda component_class, class_name, events: None

        spec.loader.exec_module = exec_module
        return spec


if "gradio" not in sys.modules:
    sys.meta_path.insert(0, _WithoutStubs())
