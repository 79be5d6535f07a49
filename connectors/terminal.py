"""A person at a terminal: single keys as they are pressed, and text that cannot command the terminal."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import current_thread, main_thread
from types import FrameType
from typing import Any, NoReturn

from connectors.errors import ConnectorError

TERMINATED = 128 + signal.SIGTERM
"""The exit code of a program that ended because it was asked to."""


def plain(text: str) -> str:
    """The text with everything replaced by which it could move the cursor or give the terminal orders."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def agreed(question: str) -> bool:
    """Whether the person at the terminal says yes. Raises `ConnectorError`: there is nobody to ask."""
    if not sys.stdin.isatty():
        raise ConnectorError("nobody is there to ask; give --yes if it was read before")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes", "o", "oui")


@contextmanager
def keys(on_key: Callable[[str], None]) -> Iterator[bool]:
    """Within, `on_key` is called with each key that is pressed, in the running event loop; True if there is anybody.

    The terminal is put back in the end, and also while the program is stopped (Ctrl-Z).
    """
    if not sys.stdin.isatty() or current_thread() is not main_thread() or os.name != "posix":
        yield False
        return
    terminal = _Terminal(sys.stdin.fileno(), on_key)
    terminal.take()
    try:
        yield True
    finally:
        terminal.give_back()


class _Terminal:
    """A terminal that gives keys one by one (cbreak), as long as the program is in its foreground."""

    def __init__(self, descriptor: int, on_key: Callable[[str], None]) -> None:
        import termios
        import tty

        self._termios, self._tty = termios, tty
        self._descriptor, self._on_key = descriptor, on_key
        self._before: list[Any] | None = None
        self._handlers: dict[signal.Signals, Any] = {}

    def take(self) -> None:
        for each, handler in ((signal.SIGTSTP, self._stop), (signal.SIGCONT, self._go_on)):
            self._handlers[each] = signal.signal(each, handler)
        self._set()
        asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    def give_back(self) -> None:
        with suppress(RuntimeError):  # The loop has ended already.
            asyncio.get_running_loop().remove_reader(self._descriptor)
        self._restore()
        for each, handler in self._handlers.items():
            signal.signal(each, handler)

    @property
    def _is_ours(self) -> bool:
        """Whoever touches the terminal from the background is stopped by it; but not where it controls nobody here."""
        try:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            return True

    def _set(self) -> None:
        if self._is_ours:
            self._before = self._before or self._termios.tcgetattr(self._descriptor)
            self._tty.setcbreak(self._descriptor, self._termios.TCSADRAIN)

    def _restore(self) -> None:
        if self._before is not None and self._is_ours:
            self._termios.tcsetattr(self._descriptor, self._termios.TCSADRAIN, self._before)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._restore()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)  # It returns when the program goes on.
        self._go_on(number, frame)

    def _go_on(self, number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTSTP, self._stop)
        self._set()

    def _read(self) -> None:
        if not self._is_ours:
            return
        if not (pressed := os.read(self._descriptor, 64)):
            asyncio.get_running_loop().remove_reader(self._descriptor)
        for key in pressed.decode(errors="replace"):
            self._on_key(key)


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Within, SIGINT and SIGTERM end the program where it stands, be it in the middle of writing to a full pipe; and
    the reader of its output leaving ends it before the next line would. Raises `KeyboardInterrupt`, `SystemExit` and
    `BrokenPipeError`. To be entered in a running event loop."""
    if current_thread() is not main_thread():
        yield
        return
    before = {each: signal.signal(each, _end) for each in (signal.SIGINT, signal.SIGTERM)}
    task, loop, gone = asyncio.current_task(), asyncio.get_running_loop(), False

    def leave() -> None:
        nonlocal gone
        gone = True
        loop.remove_reader(sys.stdout.fileno())
        if task is not None:
            task.cancel()

    if is_pipe := _is_pipe():
        loop.add_reader(sys.stdout.fileno(), leave)  # Nothing is ever read there: only its end is told.
    try:
        yield
    except asyncio.CancelledError:
        if gone:
            raise BrokenPipeError from None
        raise
    finally:
        if is_pipe and not loop.is_closed():
            loop.remove_reader(sys.stdout.fileno())
        for each, handler in before.items():
            signal.signal(each, handler)


def _end(number: int, _: FrameType | None) -> NoReturn:
    if number == signal.SIGTERM:
        raise SystemExit(TERMINATED)
    raise KeyboardInterrupt


def _is_pipe() -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
    except OSError:
        return False
