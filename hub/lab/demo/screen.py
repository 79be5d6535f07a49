"""The live view: one screen, redrawn a few times a second, that says everything in 80 columns and 24 lines.

Larger terminals show more refusals, alerts and acts of the operator; smaller ones cut them first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hub.lab.demo.cast import COMPANIES, ENGINES, shows
from hub.lab.demo.pulse import Pulse
from hub.lab.demo.shipment import DEPARTED, DOCUMENT, FILING, GATE_IN, LOADED, SEAL_BROKEN
from hub.lab.demo.tally import LATENCIES_RECENT, Note, Tally, counted, percentile
from hub.lab.demo.view import Stage

HEAD_LINES = 14
"""What stands above the notes: title, companies, types beside engines, and the lines between."""
HEADING_WIDTH = 9
NOTE_LINES_MAX = 3
TALL_LINES = 34
"""From this height on there is room for what an officer is to do."""
GROUNDS = {"sqlite": "on embedded storage", "kafka": "on Apache Kafka"}
TYPES = tuple(sorted((GATE_IN, LOADED, DEPARTED, FILING, SEAL_BROKEN, DOCUMENT)))
"""The types of the day, out of all that the hub takes."""
NAMES = {each.id: each.name for each in (*COMPANIES, *ENGINES)}
STYLES = {"refused": "yellow", "alert": "bold red", "withdrawn": "green", "operator": "cyan", "milestone": "dim"}
STATES = {"sending": "green", "SUSPENDED": "bold red", "starting": "dim"}


class Screen:
    """Draws on the alternate screen, and gives the terminal back as it was."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live = Live(console=self._console, screen=True, auto_refresh=False)
        self._pulse = Pulse()
        self._stage: Stage | None = None

    def begin(self, stage: Stage) -> None:
        self._stage = stage

    def note(self, note: Note) -> None:
        """Notes are drawn from the tally."""

    def draw(self, tally: Tally) -> None:
        if not self._live.is_started:
            self._live.start()
        self._live.update(self.frame(tally), refresh=True)

    def end(self) -> None:
        self._live.stop()

    def frame(self, tally: Tally) -> RenderableType:
        """The whole screen as it is now."""
        self._pulse.look(tally.seconds(), _counters(tally))
        middle = Table.grid(expand=True, padding=(0, 2, 0, 0))
        middle.add_column(ratio=10)
        middle.add_column(ratio=11)
        middle.add_row(self._types(tally), self._engines(tally))
        return Group(self._title(tally), self._companies(tally), Text(), middle, Text(), *self._notes(tally))

    def _title(self, tally: Tally) -> Text:
        minutes, seconds = divmod(int(tally.seconds()), 60)
        where = f"{GROUNDS[self._stage.ground]}  {self._stage.url}" if self._stage else "starting …"
        name, clock = f" CUSTOMS HUB  {where}", f"{minutes:02}:{seconds:02}  Ctrl-C ends "
        room = max(0, self._console.width - len(clock) - 1)
        return Text(f"{name[:room]:<{room}} {clock}", style="bold white on blue", no_wrap=True)

    def _companies(self, tally: Tally) -> RenderableType:
        table = _table("COMPANY", "", "/s", "sent", "accepted", "repeats", "refused", "kept", "state", left=(0, 1, 8))
        for company in COMPANIES:
            sending = tally.companies[company.id]
            counts = (sending.sent, sending.accepted, sending.duplicates)
            refused = sending.rejected + sending.suspended_refused
            table.add_row(
                company.name,
                Text(self._pulse.curve(company.id), style="blue"),
                f"{self._pulse.rate(company.id):.0f}",
                *map(str, counts),
                Text(str(refused), style="yellow" if refused else ""),
                Text(str(sending.kept), style="red" if sending.kept else ""),
                Text(sending.state, style=STATES[sending.state]),
            )
        return table

    def _types(self, tally: Tally) -> RenderableType:
        table = _table("EVENT TYPE", "/s", "accepted", left=(0,))
        for name in TYPES:
            table.add_row(name.removeprefix("customs."), f"{self._pulse.rate(name):.0f}", str(tally.types[name]))
        return table

    def _engines(self, tally: Tally) -> RenderableType:
        table = _table("RISK ENGINE", "/s", "received", "p50", "p99 ms", left=(0,))
        for engine in ENGINES:
            reading = tally.engines[engine.id]
            waits = sorted(reading.milliseconds[-LATENCIES_RECENT:])
            latency = [_number(percentile(waits, part)) for part in (0.50, 0.99)]
            table.add_row(engine.name, f"{self._pulse.rate(engine.id):.0f}", str(reading.delivered), *latency)
            standing = reading.raised - reading.withdrawn
            alerts = Text(counted(standing, "alert"), style="red" if standing else "dim")
            table.add_row(Text(f"  sees {shows(engine)}", style="dim"), "", alerts, "", "")
        proved = Text(f"{tally.total('receipts_verified')} of {tally.taken} receipts verified", style="green")
        first = tally.first_delivery_seconds
        lines = [proved, Text(f"first delivery after {first:.1f} s" if first is not None else "", style="dim")]
        return Group(table, *lines)

    def _notes(self, tally: Tally) -> Iterator[Text]:
        """The newest notes of each kind first, in the lines that are left; alerts get the most."""
        room = max(0, self._console.height - HEAD_LINES)
        operator = min(room // 5, 6)
        refused = (room - operator) // 3
        yield from self._section("ALERTS", tally.recent("alert", "withdrawn"), room - operator - refused)
        yield from self._section("REFUSED", tally.recent("refused"), refused)
        yield from self._section("OPERATOR", tally.recent("operator", "milestone"), operator)

    def _section(self, heading: str, notes: Sequence[Note], lines: int) -> Iterator[Text]:
        filled: list[Text] = []
        for note in reversed(notes[-max(lines, 1) :]):
            if len(filled) < lines:
                filled += self._lines(note, min(NOTE_LINES_MAX, lines - len(filled)))
        filled += [Text()] * (lines - len(filled))
        for number, line in enumerate(filled):
            yield Text.assemble((f"{'' if number else heading:<{HEADING_WIDTH}}", "bold"), line)

    def _lines(self, note: Note, lines: int) -> Iterator[Text]:
        name = f"{NAMES[note.who]}: " if note.who in NAMES else ""
        mark = "withdrawn: " if note.kind == "withdrawn" else ""
        head = f"{note.seconds:5.1f} s  "
        width = max(20, self._console.width - HEADING_WIDTH - len(head))
        to_do = f" To do: {note.to_do}" if note.to_do and self._console.height >= TALL_LINES else ""
        wrapped = wrap(name + mark + note.text + to_do, width, max_lines=lines, placeholder=" …")
        for number, line in enumerate(wrapped):
            yield Text.assemble((" " * len(head) if number else head, "dim"), (line, STYLES[note.kind]))


def _counters(tally: Tally) -> dict[str, int]:
    """All counters whose pulse is felt, by the names of companies, types and engines."""
    companies = {name: sending.sent for name, sending in tally.companies.items()}
    return {**companies, **tally.types, **{name: reading.delivered for name, reading in tally.engines.items()}}


def _table(*headings: str, left: Sequence[int]) -> Table:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number in left else "right", no_wrap=True)
    return table


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.1f}"
