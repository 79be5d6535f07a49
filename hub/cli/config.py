"""`customs-hub config`: every setting there is, and whether a configuration can stand."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cyclopts import App

from hub.cli import DONE, MISUSED
from hub.cli.show import Columns, print_json, table
from hub.config import CONFIG_VARIABLE, ConfigFaults, Setting, describe, load
from hub.config import example as commented_example

app = App(name="config", help="Every setting with its default; check a configuration.")


COLUMNS: Columns = {
    "SETTING": "setting",
    "DEFAULT": "default",
    "TAKES": "takes",
    "ABOUT": "about",
}


@app.default
def reference(*, json: bool = False) -> int:
    """Every setting: what it takes, its default, what it means.

    Parameters
    ----------
    json
        Print JSON.
    """
    rows = [_row(setting) for setting in describe()]
    if json:
        print_json(rows)
    else:
        table(rows, COLUMNS)
    return DONE


@app.command
def example() -> int:
    """A TOML file with every setting at its default, commented out."""
    print(commented_example(), end="")
    return DONE


@app.command
def check(file: Path | None = None, /) -> int:
    """Check a file and the environment; name every fault at once.

    Parameters
    ----------
    file
        The TOML file; default: the one that CUSTOMS_HUB_CONFIG names.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    try:
        load(file or (Path(named) if named else None), os.environ)
    except ConfigFaults as faults:
        print(faults, file=sys.stderr)
        return MISUSED
    print("the settings can stand")
    return DONE


def _row(setting: Setting) -> dict[str, object]:
    return {
        "setting": setting.path,
        "variable": setting.variable,
        "takes": setting.takes,
        "default": setting.default,
        "about": setting.about,
    }
