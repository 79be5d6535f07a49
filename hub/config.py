"""The only reader of environment and TOML: all faults at once, each room gets its own settings.

A TOML table is a room of `hub/core/settings.py`; `CUSTOMS_HUB_<ROOM>_<NAME>` in the environment wins over the file,
`CUSTOMS_HUB_<NAME>` sets what stands outside the rooms. `CUSTOMS_HUB_CONFIG` names the file and is read by the CLI,
as `CUSTOMS_HUB_OPERATOR` and `CUSTOMS_HUB_OPERATOR_KEY` are.
"""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache, reduce
from ipaddress import ip_address
from operator import attrgetter, getitem
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from hub.core.settings import BATCH_OVERHEAD_BYTES, RECORD_OVERHEAD_BYTES_MAX, Settings, addresses_of

PREFIX = "CUSTOMS_HUB_"
CONFIG_VARIABLE = PREFIX + "CONFIG"
OPERATOR_VARIABLE = PREFIX + "OPERATOR"
OPERATOR_KEY_VARIABLE = PREFIX + "OPERATOR_KEY"
REGISTRY_SECONDS_MAX = 1.0
"""Within it a revocation is in force in every process, whatever a configuration says. Here, not in the type of the
setting: a hub in tests may run on a machine that stands still for longer."""
_COLLECTOR = re.compile(r"unix:/.+|(udp|tcp|tls):([^:\[]+|\[[^]]+\]):[0-9]{1,5}")
_FOR_THE_CLI = {CONFIG_VARIABLE, OPERATOR_VARIABLE, OPERATOR_KEY_VARIABLE}


class ConfigFault(Struct, frozen=True):
    """One setting that cannot stand. `place` is a TOML path or an environment variable; values are never echoed."""

    place: str
    fault: str

    def __str__(self) -> str:
        return f"{self.place}: {self.fault}"


class ConfigFaults(Exception):
    """The settings as a whole are refused, with every fault."""

    def __init__(self, faults: list[ConfigFault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


class Setting(Struct, frozen=True):
    """One line of the generated reference."""

    room: str
    """Empty: outside the rooms."""
    name: str
    takes: str
    default: object
    about: str

    @property
    def path(self) -> str:
        return f"{self.room}.{self.name}" if self.room else self.name

    @property
    def variable(self) -> str:
        return variable(self.path)


def variable(path: str) -> str:
    """The environment's name for a setting."""
    return PREFIX + path.replace(".", "_").upper()


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings from a file (None: defaults) and an environment. Raises `ConfigFaults`."""
    faults: list[ConfigFault] = []
    values = _from_file(path, faults) if path is not None else {}
    values.update(_from_environment(environ, faults))
    given = msgspec.to_builtins(Settings())
    for setting, value in values.items():
        *rooms, name = setting.split(".")
        reduce(getitem, rooms, given)[name] = value
    settings = msgspec.convert(given, Settings)
    faults.extend(_at_odds(settings))
    if faults:
        raise ConfigFaults(faults)
    return settings


def describe() -> Iterator[Setting]:
    """Every setting that there is, in the order of `hub/core/settings.py`."""
    defaults = Settings()
    for path, shape in _shapes().items():
        room, _, name = path.rpartition(".")
        owner = attrgetter(room)(defaults) if room else defaults
        yield Setting(room, name, _takes(shape), getattr(owner, name), _docs(type(owner)).get(name, ""))


def example() -> str:
    """A TOML file with every setting at its default, commented out."""
    lines = []
    room = ""
    for setting in describe():
        if setting.room != room:
            room = setting.room
            lines.append(f"\n[{room}]")
        lines.append(f"# {setting.takes[0].upper()}{setting.takes[1:]}. {setting.about}".rstrip())
        lines.append(f"# {setting.name} = {msgspec.json.encode(setting.default).decode()}")
    return "\n".join(lines) + "\n"


def _at_odds(settings: Settings) -> Iterator[ConfigFault]:
    """Settings that can each stand, but not together."""
    if bool(settings.s3.access_key_id) != bool(settings.s3.secret_key_file):
        yield ConfigFault("s3.access_key_id", "goes with `s3.secret_key_file`, or neither is set")
    if settings.audit.syslog and not _COLLECTOR.fullmatch(settings.audit.syslog):
        yield ConfigFault("audit.syslog", "takes tls:host:port, tcp:host:port, udp:host:port or unix:/path")
    if settings.audit.syslog_ca_file and not settings.audit.syslog.startswith("tls:"):
        yield ConfigFault("audit.syslog_ca_file", "goes with `audit.syslog` over TLS")
    if settings.intake.registry_seconds_max > REGISTRY_SECONDS_MAX:
        why = "a key that is revoked would be let in for longer"
        yield ConfigFault("intake.registry_seconds_max", f"takes at most {REGISTRY_SECONDS_MAX:g}: {why}")
    yield from _at_odds_on_postgres(settings)
    yield from _at_odds_on_tls(settings)
    if settings.log.ground != "kafka":
        return
    intake, kafka = settings.intake, settings.kafka
    records = max(intake.group_records_max, settings.fanout.batch_records_max)
    overhead = BATCH_OVERHEAD_BYTES + RECORD_OVERHEAD_BYTES_MAX * records
    if kafka.batch_bytes_max < 2 * intake.event_bytes_max + overhead:
        needed = 2 * intake.event_bytes_max + overhead
        why = f"twice `intake.event_bytes_max` and the overhead of {records} records"
        yield ConfigFault("kafka.batch_bytes_max", f"must be at least {needed}: {why}")
    if intake.append_seconds_max * 1_000 <= kafka.append_ms_max:
        least = kafka.append_ms_max / 1_000
        yield ConfigFault("intake.append_seconds_max", f"must be above {least:g}: `kafka.append_ms_max` in seconds")


def _at_odds_on_tls(settings: Settings) -> Iterator[ConfigFault]:
    tls = settings.tls
    if bool(tls.certificate_file) != bool(tls.key_file):
        yield ConfigFault("tls.key_file", "goes with `tls.certificate_file`, or neither is set")
    if tls.client_certificates == "optional" and not tls.certificate_file:
        yield ConfigFault("tls.client_certificates", "goes with `tls.certificate_file`")
    if tls.client_ca_file and tls.client_certificates == "off":
        yield ConfigFault("tls.client_ca_file", 'goes with `tls.client_certificates = "optional"`')
    for address in addresses_of(settings.http.trusted_proxies):
        try:
            ip_address(address)
        except ValueError:
            yield ConfigFault("http.trusted_proxies", "takes IP addresses, separated by commas")


def _at_odds_on_postgres(settings: Settings) -> Iterator[ConfigFault]:
    postgres = settings.postgres
    if postgres.password_file and not postgres.url:
        yield ConfigFault("postgres.password_file", "goes with `postgres.url`")
    if postgres.url and settings.log.ground != "kafka":
        why = "other workers cannot reach a log that one process keeps"
        yield ConfigFault("postgres.url", f'goes with `log.ground = "kafka"`: {why}')
    if postgres.url and not postgres.url.startswith(("postgresql://", "postgres://")):
        yield ConfigFault("postgres.url", "takes postgresql://user@host:port/database")


def _from_file(path: Path, faults: list[ConfigFault]) -> dict[str, object]:
    try:
        content = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        faults.append(ConfigFault(str(path), f"cannot be read: {error.strerror}"))
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        faults.append(ConfigFault(str(path), f"is not TOML: {error}"))
        return {}
    given: dict[str, object] = {}
    for name, value in content.items():
        given |= _flat(name, value)
    return _checked(given, {path: path for path in _shapes()}, strict=True, faults=faults)


def _flat(path: str, value: object) -> dict[str, object]:
    """Settings by path, of a room and the rooms in it."""
    if not isinstance(value, dict) or path in _shapes():
        return {path: value}
    return {found: one for name, inner in value.items() for found, one in _flat(f"{path}.{name}", inner).items()}


def _from_environment(environ: Mapping[str, str], faults: list[ConfigFault]) -> dict[str, object]:
    given = {name: text for name, text in environ.items() if name.startswith(PREFIX) and name not in _FOR_THE_CLI}
    return _checked(given, {variable(path): path for path in _shapes()}, strict=False, faults=faults)


def _checked(
    given: Mapping[str, object], known: Mapping[str, str], *, strict: bool, faults: list[ConfigFault]
) -> dict[str, object]:
    """The values that can stand, by path; `known` leads from a place to the path that it sets.

    Not `strict`: text is read as what its setting takes.
    """
    values: dict[str, object] = {}
    for place, value in given.items():
        path = known.get(place)
        if path is None:
            guess = get_close_matches(place, known, n=1)
            faults.append(ConfigFault(place, "there is no such setting" + (f"; {guess[0]}?" if guess else "")))
            continue
        try:
            values[path] = msgspec.convert(value, _shapes()[path], strict=strict)
        except msgspec.ValidationError:
            faults.append(ConfigFault(place, f"takes {_takes(_shapes()[path])}"))
    return values


@cache
def _shapes() -> dict[str, Any]:
    """What each setting is declared to be, by path, in the order of `hub/core/settings.py`."""
    return dict(_shapes_of(Settings, ""))


def _shapes_of(owner: type[Struct], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, shape in get_type_hints(owner, include_extras=True).items():
        if isinstance(shape, type) and issubclass(shape, Struct):
            yield from _shapes_of(shape, f"{prefix}{name}.")
        else:
            yield prefix + name, shape


def _takes(shape: Any) -> str:
    """What a setting takes, in words."""
    if get_origin(shape) is Literal:
        return "one of " + ", ".join(f'"{choice}"' for choice in get_args(shape))
    if get_origin(shape) is not Annotated:
        return {bool: "true or false", str: "text"}[shape]
    base, meta = get_args(shape)
    if base is str:
        return f"text of {meta.min_length} to {meta.max_length} letters, digits, spaces and any of . _ -"
    noun = "a whole number" if base is int else "a number"
    low = f"from {meta.ge}" if meta.ge is not None else f"above {meta.gt}"
    return f"{noun} {low}" + (f" to {meta.le}" if meta.le is not None else "")


def _docs(owner: type[Struct]) -> dict[str, str]:
    """The text under each setting, read from the source: the reference and the code cannot drift apart."""
    body = ast.parse(inspect.getsource(owner)).body[0]
    assert isinstance(body, ast.ClassDef)
    docs = {}
    for line, after in zip(body.body, body.body[1:], strict=False):
        match line, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                docs[name] = " ".join(text.split())
    return docs
