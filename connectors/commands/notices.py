"""`customs-connect notices`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from connectors.commands.shared import JSON, HubOptions, print_json
from connectors.errors import ConnectorError
from connectors.partner.notices import SCOPE, NoticePage, acknowledge, notices
from connectors.risk.notice_reader import NoticeReader
from connectors.terminal import ending_at_once

app = App(name="customs-connect notices", help="What customs tells you, and that you have read it.")


@app.default
def show(
    *,
    hub: HubOptions,
    cursor: Path | None = None,
    stream: Annotated[bool, Parameter(negative=())] = False,
    count: int | None = None,
    json: JSON = False,
) -> None:
    """Print the notices that the hub has for this partner, oldest first.

    Parameters
    ----------
    cursor
        A file to keep the place in: the next run goes on after what this one printed. Without it, all are printed.
    stream
        Go on with those that come, as they come (Server-Sent Events), also after the hub was away.
    count
        With --stream: stop after so many notices (at the end of their group).
    json
        Print each notice whole, as one JSON object.
    """
    if count is not None and not stream:
        raise ConnectorError("--count goes with --stream: without it, all that there are are printed")
    asyncio.run(_follow(hub, cursor, count, json=json) if stream else _show(hub, cursor, json=json))


@app.command
def ack(notice: str, /, *, hub: HubOptions, json: JSON = False) -> None:
    """Acknowledge a notice, signed with this system's key where it has one.

    Parameters
    ----------
    notice
        Its id, as shown.
    json
        Print one JSON object.
    """
    asyncio.run(_acknowledge(notice, hub, json=json))


async def _acknowledge(notice: str, hub: HubOptions, *, json: bool) -> None:
    async with hub.session(SCOPE) as session:
        moment = await acknowledge(session, notice)
    print_json({"notice": notice, "acknowledged": moment}) if json else print(f"{notice}  acknowledged  {moment}")


async def _show(hub: HubOptions, file: Path | None, *, json: bool) -> None:
    async with hub.session(SCOPE) as session, aclosing(notices(session, _kept(file))) as pages:
        async for page in pages:
            _print(page, json=json)
            _keep(file, page.cursor)


async def _follow(hub: HubOptions, file: Path | None, count: int | None, *, json: bool) -> None:
    printed_count = 0
    with ending_at_once():
        async with hub.session(SCOPE) as session:
            reader = NoticeReader(session, token=_kept(file), push=True)
            async with aclosing(reader.groups()) as groups:
                async for group in groups:
                    _print(NoticePage(group.records, group.token, group.after_gap), json=json)
                    _keep(file, group.token)
                    printed_count += len(group.records)
                    if count is not None and printed_count >= count:
                        return


def _kept(file: Path | None) -> str | None:
    return (file.read_text().strip() or None) if file is not None and file.exists() else None


def _keep(file: Path | None, cursor: str) -> None:
    if file is not None:
        new = file.with_name(f"{file.name}.new")
        new.write_text(cursor)
        new.replace(file)


def _print(page: NoticePage, *, json: bool) -> None:
    if page.after_gap:
        print("The place kept had expired: older notices may be missing.", file=sys.stderr)
    for notice in page.notices:
        if json:
            print_json(notice)
        else:
            for line in _lines(notice):
                print(line, flush=True)


def _lines(notice: Mapping[str, Any]) -> Iterator[str]:
    """One line; of a notice about several events, one for each of them beside."""
    if "notice" not in notice:
        yield _line(notice, "received", "code", "source", "id", "version")
        return
    if "text" in notice:
        yield from _said(notice)
        return
    yield _line(notice, "time", "code", "feed", "since", "key", "expires")
    for event in notice.get("events", ()):
        yield "  " + _line(event, "received", "publisher", "source", "id", "version")


def _said(notice: Mapping[str, Any]) -> Iterator[str]:
    """What customs answered: what it asks, about what, and until when."""
    yield _line(notice, "time", "code", "notice")
    subject = notice.get("object", {})
    about = _line(notice, "source", "id", "version") if "source" in notice else _line(subject, "scheme", "value")
    wanted = f"acknowledge by {notice['deadline']}" if "deadline" in notice else "acknowledge"
    lines = (about, _line(notice, "defect", "pointer"), wanted if "acknowledge" in notice else "")
    yield from (f"  {line}" for line in lines if line)
    yield from (f"  {line}" for line in notice["text"].splitlines())


def _line(members: Mapping[str, Any], *names: str) -> str:
    return "  ".join(str(members.get(name, "")) for name in names).rstrip()
