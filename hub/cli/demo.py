"""`customs-hub demo`: an administration, companies and risk engines on this machine, with live traffic."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from hub.cli import DONE, FAILED, MISUSED

if TYPE_CHECKING:
    from hub.lab.demo.play import Options
    from hub.lab.demo.tally import Tally
    from hub.lab.demo.view import View

PIPED_SECONDS = 30.0

app = App(name="demo", help="An administration, companies and risk engines on this machine, with live traffic.")


@app.default
def demo(
    *,
    for_: Annotated[str | None, Parameter(name="--for")] = None,
    log: Literal["sqlite", "kafka"] = "sqlite",
    kafka: str = "",
    data: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Show a hub at work: three companies send a day of shipments, two risk engines receive what they may see.

    Ends with Ctrl-C, and leaves nothing running.

    Parameters
    ----------
    for_
        How long, such as 20s or 2m; the day itself takes six seconds at least. Default: until Ctrl-C, or 30s where
        there is no terminal.
    log
        Where events are kept: sqlite, or a real Apache Kafka that is started for the length of the demo.
    kafka
        The bootstrap address of an existing Kafka to use instead; its topics begin with demo- and stay there.
    data
        An empty or new directory to keep everything in. Default: a temporary one.
    json
        Show nothing, and print one JSON object at the end.
    """
    seconds = _seconds(for_)
    if for_ is not None and seconds is None:
        print(f"customs-hub demo: --for takes a time such as 20s or 2m, not {for_!r}", file=sys.stderr)
        return MISUSED
    from hub.lab.demo.play import Options

    live = not json and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    if seconds is None and not live:
        seconds = PIPED_SECONDS
    options = Options(ground="kafka" if kafka else log, bootstrap=kafka, data=data, seconds=seconds)
    return _show(options, live=live, json=json)


def _seconds(text: str | None) -> float | None:
    units = {"s": 1.0, "m": 60.0, "h": 3_600.0}
    if text and text[-1] in units and text[:-1].isdecimal() and int(text[:-1]) > 0:
        return int(text[:-1]) * units[text[-1]]
    return None


def _show(options: Options, *, live: bool, json: bool) -> int:
    import orjson
    import uvloop

    from hub.core.errors import HubError
    from hub.lab.demo.closing import closing
    from hub.lab.demo.lines import Lines
    from hub.lab.demo.screen import Screen
    from hub.lab.demo.view import Blind

    view: View = Blind() if json else Screen() if live else Lines()
    code = FAILED
    try:
        tally = uvloop.run(_play(options, view))
        view.end()
        print(orjson.dumps(tally.summary()).decode() if json else "\n".join(closing(tally, options)), flush=True)
        code = DONE
    except* HubError as group:
        view.end()
        for failure in _leaves(group):
            print(f"customs-hub demo: {failure}", file=sys.stderr)
    except* BrokenPipeError:  # Whoever read the lines has gone; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        view.end()
    return code


async def _play(options: Options, view: View) -> Tally:
    import asyncio
    import signal

    from hub.lab.demo.play import Play
    from hub.lab.demo.tally import Tally

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    began = loop.time() - _process_seconds()
    tally = Tally(lambda: loop.time() - began, view.note)
    await Play(options, tally=tally, view=view, stop=stop).run()
    return tally


def _process_seconds() -> float:
    """How long ago this process started: what a user has waited, imports and all."""
    import time

    # The second field is the program's name in parentheses and may hold anything; field 22 is the start, in ticks.
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")


def _leaves(error: BaseException) -> list[BaseException]:
    """The errors in a group of groups."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
