"""The audit trail as syslog messages (RFC 5424): a follower that keeps its place.

Theory of operation. The trail itself is the buffer: a collector that is away costs no memory, and loses nothing. Before
a batch is handed over its end is written down as `sending`, after it as `sent`. A hub that starts between the two sends
the batch again and says so in each message (`repeat="possible"`). So it does with the last batch where the collector
hung up after it: what was on its way then is not known to have arrived.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from hub.core.errors import HubError
from hub.core.proposal import Authority
from hub.ports.audit_sink import AuditPlace, AuditSink, Place, SinkUnavailable
from hub.ports.observer import Observer
from hub.ports.system import Clock

BATCH_EVENTS_MAX = 64
MESSAGE_BYTES_MAX = 8_192
LOOK_SECONDS = 0.5
RETRY_SECONDS_MAX = 30.0
AUDIT_FACILITY = 13
"""RFC 5424 §6.2.1: log audit."""
NOTICE, WARNING = 5, 4
SD_ID = "audit@32473"

AuditOf = Callable[[int, int], Awaitable[Sequence[bytes]]]
"""The audit events after a revision, at most so many."""


class AuditExport:
    def __init__(
        self,
        audit: AuditOf,
        *,
        head: Callable[[], int],
        sink: AuditSink,
        place: AuditPlace,
        host: str,
        clock: Clock,
        observer: Observer,
    ) -> None:
        """`host`: HOSTNAME of the messages."""
        self._audit = audit
        self._head = head
        self._sink = sink
        self._place = place
        self._host = host
        self._clock = clock
        self._observer = observer
        self._last_began = 0
        """The revision before the last batch that was handed over."""
        self._repeat_until = 0

    async def run(self) -> None:
        """Export for ever; an owner runs it as a task and cancels it."""
        place = self._place.load()
        self._repeat_until, self._last_began = place.sending, place.sent
        pause, reachable = LOOK_SECONDS, True
        try:
            while True:
                try:
                    place = await self._export(place)
                except SinkUnavailable as error:
                    if reachable:
                        self._observer.count("alarms", alarm="syslog_unreachable")
                        self._observer.event("alarm.syslog_unreachable", error=str(error))
                    reachable, pause = False, min(pause * 2, RETRY_SECONDS_MAX)
                    place = self._back()
                except HubError:  # The registry is away: others tell of that.
                    pause = min(pause * 2, RETRY_SECONDS_MAX)
                else:
                    reachable, pause = True, LOOK_SECONDS
                self._observer.gauge("audit_unsent", max(0, self._head() - place.sent))
                await self._clock.sleep(pause)
        finally:
            await self._sink.close()

    async def _export(self, place: Place) -> Place:
        """All that is new, batch by batch."""
        while events := await self._audit(place.sent, BATCH_EVENTS_MAX):
            decoded = [orjson.loads(event) for event in events]
            end = decoded[-1]["revision"]
            self._place.store(Place(place.sent, max(end, self._repeat_until)))
            messages = [message(event, self._host, repeat=event["revision"] <= self._repeat_until) for event in decoded]
            await self._sink.send(messages)
            self._last_began = place.sent
            place = Place(end, max(end, self._repeat_until))
            self._place.store(place)
        return place

    def _back(self) -> Place:
        """To before the last batch that was handed over: nobody knows how much of it arrived."""
        self._repeat_until = max(self._place.load().sending, self._repeat_until)
        return Place(self._last_began, self._repeat_until)


def message(event: dict[str, Any], host: str, *, repeat: bool) -> bytes:
    """RFC 5424 §6, as `schemas/formats/audit.md` says."""
    alone = event.get("authority") == Authority.LOCAL or any(each["kind"] == "review" for each in event["changes"])
    priority = AUDIT_FACILITY * 8 + (WARNING if alone else NOTICE)
    at = datetime.fromtimestamp(event["time_us"] / 1_000_000, UTC).isoformat(timespec="microseconds")
    facts = {
        "revision": str(event["revision"]),
        "actor": event["actor"],
        "authority": event.get("authority", ""),
        "act": event["act"],
        **({"repeat": "possible"} if repeat else {}),
    }
    data = " ".join(f'{name}="{_escaped(value)}"' for name, value in facts.items())
    stamp = at.replace("+00:00", "Z")
    head = f"<{priority}>1 {stamp} {host} customs-hub - {event['act'][:32]} [{SD_ID} {data}] ".encode()
    return (head + _body(event))[:MESSAGE_BYTES_MAX].decode(errors="ignore").encode()


def _body(event: dict[str, Any]) -> bytes:
    told = {name: value for name, value in event.items() if name not in ("statement", "signatures")}
    told["changes"] = [{"kind": each["kind"], "id": each["id"], "object": each["object"]} for each in event["changes"]]
    return orjson.dumps(told)


def _escaped(value: str) -> str:
    """RFC 5424 §6.3.3; no line break starts another message."""
    text = "".join(letter if letter.isprintable() else "?" for letter in value)
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
