"""Lay the wheel out: `connectors`, which is this project's root, and `schemas`, which stands beside it in the tree and
inside it in the sdist. hatchling can say neither by configuration alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class LayoutHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # `dev-mode-dirs` does it.
            return
        root = Path(self.root)
        schemas = next(folder for folder in (root / "schemas", root.parent / "schemas") if folder.is_dir())
        build_data["force_include"][str(schemas)] = "schemas"
        for entry in root.iterdir():
            is_module = entry.suffix == ".py" and entry.name != "hatch_build.py"
            is_package = (entry / "__init__.py").is_file() and entry.name != "schemas"
            if is_module or is_package:
                build_data["force_include"][str(entry)] = f"connectors/{entry.name}"
