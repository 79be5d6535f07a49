"""`customs-hub status`: how the running hub is doing, asked over its admin socket."""

from __future__ import annotations

from typing import Any

from cyclopts import App

from hub.cli.desk import DEFAULTS, STATUS, Options, view
from hub.cli.show import Columns, behind, failed, lines, moment, table

app = App(name="status", help="How the running hub is doing.")

PARTITION_COLUMNS: Columns = {
    "partition": "partition",
    "records": "end",
    "not judged": lambda row: row["end"] - row["judged"],
    "not known": lambda row: row["end"] - row["known"],
    "feeds behind": lambda row: ", ".join(f"{feed} {count}" for feed, count in row["feeds_behind"].items()) or "-",
}

WORKER_COLUMNS: Columns = {
    "worker": "worker",
    "process": lambda row: row.get("pid", "-"),
    "revision": lambda row: row.get("revision", "-"),
    "waiting": lambda row: row.get("waiting_records", "-"),
    "started": lambda row: f"{row['starts']} times" if row.get("starts", 1) > 1 else "once",
    "ready": lambda row: "; ".join(f"{name}: {found}" for name, found in row["lacking"].items()) or "yes",
}

ENDPOINT_COLUMNS: Columns = {
    "endpoint": "endpoint",
    "feed": "feed",
    "state": "state",
    "records behind": "records_behind",
    "seconds behind": lambda row: "" if row["seconds_behind"] is None else f"{row['seconds_behind']:.1f}",
    "failing since": lambda row: moment(row["failing_since"]),
    "last failure": lambda row: failed(row["last_failure"]),
}

FEED_COLUMNS: Columns = {
    "feed": lambda row: f"{row['feed']}/{row['lane']}" if row["lane"] else row["feed"],
    "to be looked at for it": lambda row: behind(row["routing"]),
    "in it, not acknowledged": lambda row: behind(row["reading"]),
    "brought in 24 h": lambda row: "nothing: look at its filter" if row["quiet"] else "something",
}

QUOTA_COLUMNS: Columns = {
    "over its quota": "partner",
    "seconds ago": "seconds_ago",
    "left": lambda row: ", ".join(f"{name} {left}" for name, left in row["left"].items()),
    "catching up": lambda row: "yes" if row["catching_up"] else "no",
}


@app.default
def status(*, options: Options = DEFAULTS) -> int:
    """Where it listens, whether it is ready, and how far judge and feeds have come. Exit code 1 if no hub runs."""
    return view(STATUS, {}, options, _say)


def _say(answer: dict[str, Any]) -> None:
    until = answer["quotas"]["catch_up_until"]
    lines(
        {
            "listens": answer["url"],
            "operations": answer["operations"],
            "operators": answer["admin"],
            "ready": "yes" if not answer["lacking"] else "no",
            **{f"  {name}": found for name, found in answer["lacking"].items()},
            "ground": answer["ground"],
            "registry": f"revision {answer['revision']}",
            "waiting": f"{answer['waiting_records']} events",
            "reviews": _reviews(answer["waiting_people"]),
            "proposals": _proposals(answer["waiting_people"]),
            "dead letters": _dead_letters(answer["dead_letters"]),
            "AEO feeds": _aeo_feeds(answer["aeo_feeds"]),
            "catching up": f"everyone, until {moment(until)}" if until else "",
        }
    )
    if len(answer["workers"]) > 1:
        table(answer["workers"], WORKER_COLUMNS)
        print()
    table(answer["partitions"], PARTITION_COLUMNS)
    if late := [row for row in answer["feeds"] if row["quiet"] or row["routing"]["events"] or row["reading"]["events"]]:
        print()
        table(late, FEED_COLUMNS)
    if answer["endpoints"]:
        print()
        table(answer["endpoints"], ENDPOINT_COLUMNS)
    if answer["quotas"]["at_quota"]:
        print()
        table(answer["quotas"]["at_quota"], QUOTA_COLUMNS)


def _reviews(waiting: dict[str, int]) -> str:
    """Nothing, where nothing waits."""
    if not waiting["reviews_open"]:
        return ""
    overdue = f", {waiting['reviews_overdue']} overdue" if waiting["reviews_overdue"] else ""
    return f"{waiting['reviews_open']} to be looked at{overdue}"


def _proposals(waiting: dict[str, int]) -> str:
    return f"{waiting['proposals_open']} to be signed" if waiting["proposals_open"] else ""


def _dead_letters(groups: list[dict[str, Any]]) -> str:
    """Nothing, where none waits."""
    if not groups:
        return ""
    return f"{sum(each['count'] for each in groups)} wait, the oldest since {min(each['oldest'] for each in groups)}"


def _aeo_feeds(feeds: dict[str, list[dict[str, str]]]) -> str:
    """Nothing, where all is well."""
    refused = [
        f"{each['issuer'] or 'unknown'}: {each['code']} at {each['place']}, expected {each['expected']}"
        for each in feeds["refused"]
    ]
    silent = [f"{each['issuer']} is silent ({each['arrangement']})" for each in feeds["silent"]]
    return "; ".join(refused + silent)
