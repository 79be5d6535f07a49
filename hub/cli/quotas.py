"""`customs-hub partner quota` and `partner catch-up`: how much of the hub a partner may take."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from hub.cli import Misused
from hub.cli.desk import DEFAULTS, Options, Reason, act, view
from hub.cli.show import lines, moment

Flag = Parameter(negative="")


def quota(
    partner: str,
    /,
    *,
    events_per_second: int | None = None,
    bytes_per_second: int | None = None,
    requests_per_second: int | None = None,
    burst_seconds: int | None = None,
    requests_in_flight_max: int | None = None,
    streams_max: int | None = None,
    as_tier: Annotated[bool, Flag] = False,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Show what a partner may take of the hub, or set it apart from its tier; what is left out stays as it is.

    Parameters
    ----------
    events_per_second
        Events that are answered at once.
    bytes_per_second
        Bytes of request bodies.
    requests_per_second
        Requests of any kind.
    burst_seconds
        How much may come at once after a pause: what so many seconds allow.
    requests_in_flight_max
        Requests at a time.
    streams_max
        Streams and long polls at a time.
    as_tier
        All that is not named here is as the tier has it.
    """
    given: dict[str, Any] = {
        "events_per_second": events_per_second,
        "bytes_per_second": bytes_per_second,
        "requests_per_second": requests_per_second,
        "burst_seconds": burst_seconds,
        "requests_in_flight_max": requests_in_flight_max,
        "streams_max": streams_max,
    }
    if not as_tier and all(value is None for value in given.values()):
        return view("partner.quota.show", {"id": partner}, options, _say)
    return act("partner.quota", {"id": partner, "as_tier": as_tier, "reason": reason, **given}, options)


def catch_up(
    partner: str | None = None,
    /,
    *,
    hours: int,
    everyone: Annotated[bool, Flag] = False,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Let a partner, or everyone, send faster for some hours: after an outage, what was kept meanwhile comes at once.

    Parameters
    ----------
    partner
        Its name; or --everyone.
    hours
        1 to 72; 0 ends it now.
    """
    if everyone == (partner is not None):
        raise Misused("name one partner, or --everyone")
    return act("partner.catch-up", {"id": partner or "*", "hours": hours, "reason": reason}, options)


def _say(quota: dict[str, Any]) -> None:
    tier = f"as {quota['counts_as']}"
    until = quota["catch_up_until"]
    own = {name: tier if value is None else value for name, value in quota.items() if name not in _BESIDE}
    lines({"partner": quota["partner"], **own, "catches up until": until and moment(until)})


_BESIDE = ("partner", "counts_as", "catch_up_until")
