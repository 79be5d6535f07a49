"""Keys of a terminal, where its jobs are not under its control."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from connectors.terminal import keys


async def test_keys_are_taken_from_a_terminal_that_does_not_control_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    typing, read = os.openpty()
    pressed: asyncio.Queue[str] = asyncio.Queue()
    with os.fdopen(typing, "wb", buffering=0) as person, os.fdopen(read) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)

        with keys(pressed.put_nowait) as is_there:
            person.write(b"q")

            assert (is_there, await pressed.get()) == (True, "q")
