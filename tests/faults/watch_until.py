"""Runs `customs-connect` and kills it (SIGKILL) at a step of `watch`: `watch_until.py STEP before|after ARGUMENT…`."""

from __future__ import annotations

import inspect
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from connectors.cli import run
from connectors.session import HubSession
from connectors.watch.folder import Folder
from connectors.watch.journal import Journal

STEPS: dict[str, tuple[type, str]] = {
    "take": (Journal, "take"),
    "request": (HubSession, "request"),
    "note_job": (Journal, "note_job"),
    "answer": (Journal, "answer"),
    "lay": (Folder, "lay"),
    "remove_details": (Folder, "remove_details"),
    "move": (Folder, "move"),
    "finish": (Journal, "finish"),
}


def patch(step: str, when: str) -> None:
    owner, name = STEPS[step]
    done: Callable[..., Any] = getattr(owner, name)

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if inspect.iscoroutinefunction(done):

        async def awaited(*given: Any, **named: Any) -> Any:
            if when == "after":
                await done(*given, **named)
            die()

        setattr(owner, name, awaited)
        return

    def called(*given: Any, **named: Any) -> Any:
        if when == "after":
            done(*given, **named)
        die()

    setattr(owner, name, called)


if __name__ == "__main__":
    patch(sys.argv[1], sys.argv[2])
    sys.exit(run(sys.argv[3:]))
