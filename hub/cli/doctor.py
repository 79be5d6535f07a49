"""`customs-hub doctor`: look at the machine before the hub relies on it."""

from __future__ import annotations

from cyclopts import App

from hub.cli import DONE, FAILED
from hub.cli.desk import DEFAULTS, Options, running, settings_of
from hub.cli.show import print_json
from hub.core.finding import Finding
from hub.core.settings import Settings

app = App(name="doctor", help="Look at disk, clock, ports, keys, storage and Kafka before the hub relies on them.")

_MARKS = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL"}


@app.default
def doctor(*, options: Options = DEFAULTS) -> int:
    """Examine through the hub's own code; exit code 1 if the hub could not keep its promises."""
    import asyncio

    settings = settings_of(options)
    findings = asyncio.run(_examine(settings, running=running(settings), show=not options.json))
    if options.json:
        print_json({"items": [_plain(finding) for finding in findings]})
    return FAILED if any(finding.level == "fail" for finding in findings) else DONE


async def _examine(settings: Settings, *, running: bool, show: bool) -> list[Finding]:
    from hub.assembly.examine import examine

    findings = []
    async for finding in examine(settings, running=running):
        findings.append(finding)
        if show:
            _say(finding)
    return findings


def _say(finding: Finding) -> None:
    print(f"{_MARKS[finding.level]}  {finding.what}: {finding.found}")
    if finding.level != "ok":
        print(f"      expected: {finding.expected}\n      {finding.fix}")


def _plain(finding: Finding) -> dict[str, str]:
    return {name: getattr(finding, name) for name in finding.__struct_fields__}
