"""How a noun of the CLI reaches the registrar.

If a hub runs on the data directory, it is asked over its admin socket. If none listens, the command takes the
directory's lock and does the same in-process: an operator can set a hub up, or stop a partner, while it is down.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from pwd import getpwuid
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlencode

import orjson
from cyclopts import Parameter
from msgspec.structs import replace

from hub.cli import DONE, FAILED, Misused
from hub.cli.said import changes
from hub.cli.show import Plain, failure, lines, print_json, refusal
from hub.cli.signing import Signer, make_sure, signer_of
from hub.config import CONFIG_VARIABLE, ConfigFaults, load
from hub.core.errors import DirectoryInUse, HubError, Refusal
from hub.core.settings import Settings
from schemas.faults import Fault

if TYPE_CHECKING:
    from hub.operate.registrar import Registrar

ANSWER_SECONDS_MAX = 10.0
STARTING_TRIES = 20
STARTING_SECONDS = 5.0
"""How long a hub may take to start before a command gives up on it."""
STATUS, PREVIEW = "status", "feed.preview"
"""What only a running hub can answer."""
PREPARE, SIGN, AUDIT = "act.prepare", "act.sign", "audit.list"


@Parameter(name="*")
@dataclass(frozen=True)
class Options:
    """Options of every noun that looks at the registry or changes it."""

    config: Annotated[Path | None, Parameter(help="The TOML file; also CUSTOMS_HUB_CONFIG.")] = None
    data: Annotated[Path | None, Parameter(help="The data directory, instead of the one in the settings.")] = None
    json: Annotated[bool, Parameter(negative="", help="Print JSON.")] = False
    as_: Annotated[str | None, Parameter(name="--as", help="The operator who signs; also CUSTOMS_HUB_OPERATOR.")] = None
    hub_admin: Annotated[
        str | None, Parameter(help="The URL at which a hub elsewhere takes operators; goes with --as and --key.")
    ] = None
    key: Annotated[Path | None, Parameter(help="The operator's private key; also CUSTOMS_HUB_OPERATOR_KEY.")] = None


DEFAULTS = Options()

Reason = Annotated[str, Parameter(help="Goes into the audit trail, and no further.")]
Several = Parameter(negative="", consume_multiple=True)


def settings_of(options: Options) -> Settings:
    """The settings that a command stands on. Raises `Misused` with all their faults."""
    named = os.environ.get(CONFIG_VARIABLE)
    try:
        settings = load(options.config or (Path(named) if named else None), os.environ)
    except ConfigFaults as faults:
        raise Misused(str(faults)) from faults
    return (
        settings if options.data is None else replace(settings, log=replace(settings.log, directory=str(options.data)))
    )


def act(name: str, request: Plain, options: Options, *seconds: Signer) -> int:
    """Do an act and print what it changed; return the exit code.

    Whoever `options` names signs it, and then `seconds`; without, it is the act of the user of this machine.
    """
    return FAILED if acted(name, request, options, *seconds) is None else DONE


def act_and_give(name: str, request: Plain, given: Plain, options: Options) -> int:
    """Do an act, and print with it what its author alone is shown, once; return the exit code."""
    outcome = act(name, request, options)
    return outcome if outcome == FAILED else _told(given, options, lines)


def acted(name: str, request: Plain, options: Options, *seconds: Signer) -> Plain | None:
    """The same, and return what it changed; None: it was refused or could not be done, and that was printed."""
    answer = _done(name, request, options, seconds)
    if answer is not None:
        _told(answer, options, changes)
    return answer


def _done(name: str, request: Plain, options: Options, seconds: Sequence[Signer]) -> Plain | None:
    first = signer_of(options.as_, options.key)
    if first is None:
        return _answered("POST", name, request, options)
    to_prepare = {"act": name, "request": request, "operator": first.name}
    prepared = _answered("POST", PREPARE, to_prepare, options)
    if prepared is None or "statement" not in prepared:
        return prepared
    try:
        make_sure(prepared["statement"], name, request)
    except HubError as error:
        failure(error, as_json=options.json)
        return None
    return _signed(prepared["statement"], [first, *seconds], options)


def sign(statement: str, signers: Sequence[Signer], options: Options) -> int:
    """Sign a statement, one after the other, and print what came of it; return the exit code."""
    answer = _signed(statement, signers, options)
    return FAILED if answer is None else _told(answer, options, changes)


def _signed(statement: str, signers: Sequence[Signer], options: Options) -> Plain | None:
    answer: Plain | None = None
    for signer in signers:
        answer = _answered("POST", SIGN, {"statement": statement, "signature": signer.sign(statement)}, options)
        if answer is None:
            return None
    return answer


def view(name: str, request: Plain, options: Options, say: Callable[[Plain], None]) -> int:
    """Look at something and print it with `say`; return the exit code."""
    return _answer("GET", name, request, options, say)


def judged(
    name: str,
    request: Plain,
    options: Options,
    say: Callable[[Plain], None],
    fails: Callable[[Plain], bool] = lambda _: False,
) -> int:
    """Look at what becomes of a document that is in the request, and print it with `say`; return the exit code."""
    answer = posted(name, request, options)
    if answer is None:
        return FAILED
    told = _told(answer, options, say)
    return FAILED if fails(answer) else told


def show(answer: Plain, options: Options, say: Callable[[Plain], None]) -> int:
    """Print what was put together of several answers; return the exit code."""
    return _told(answer, options, say)


def asked(name: str, request: Plain, options: Options) -> Plain | None:
    """What is to be seen of something; None: it is refused or cannot be done, and that was printed."""
    return _answered("GET", name, request, options)


def posted(name: str, request: Plain, options: Options) -> Plain | None:
    """The same, of a document that is in the request."""
    return _answered("POST", name, request, options)


Method = Literal["GET", "POST"]


def _answer(method: Method, name: str, request: Plain, options: Options, say: Callable[[Plain], None]) -> int:
    answer = _answered(method, name, request, options)
    return FAILED if answer is None else _told(answer, options, say)


def _told(answer: Plain, options: Options, say: Callable[[Plain], None]) -> int:
    print_json(answer) if options.json else say(answer)
    return DONE


def _answered(method: Method, name: str, request: Plain, options: Options) -> Plain | None:
    try:
        answer = (
            _ask_remote(method, name, request, options)
            if options.hub_admin
            else _ask(method, name, request, settings_of(options))
        )
    except HubError as error:
        failure(error, as_json=options.json)
        return None
    if isinstance(answer, Refusal):
        refusal(answer, as_json=options.json)
        return None
    return answer


def _ask(method: Method, name: str, request: Plain, settings: Settings) -> Plain | Refusal:
    """A hub that holds the directory but does not listen yet is starting: it is asked again."""
    for _ in range(STARTING_TRIES - 1):
        with suppress(DirectoryInUse):
            return _ask_once(method, name, request, settings)
    return _ask_once(method, name, request, settings)


def _ask_once(method: Method, name: str, request: Plain, settings: Settings) -> Plain | Refusal:
    path = Path(settings.log.directory) / "admin.sock"
    with socket(AF_UNIX, SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_SECONDS_MAX)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return _ask_in_process(method, name, request, settings)
        except OSError as error:
            raise HubError(f"{path} cannot be opened: {error.strerror or error}") from error
        return _ask_socket(connection, method, name, request)


def hub_runs(options: Options) -> bool:
    """Whether a running hub would be asked."""
    return bool(options.hub_admin) or running(settings_of(options))


def running(settings: Settings) -> bool:
    """Whether a hub listens on the data directory."""
    with socket(AF_UNIX, SOCK_STREAM) as connection, suppress(OSError):
        connection.settimeout(ANSWER_SECONDS_MAX)
        connection.connect(str(Path(settings.log.directory) / "admin.sock"))
        return True
    return False


def _ask_socket(connection: socket, method: Method, name: str, request: Plain) -> Plain | Refusal:
    http = HTTPConnection("customs-hub")
    http.sock = connection
    path = "/admin/v1/" + name.replace(".", "/")
    try:
        if method == "GET":
            given = {name: value for name, value in request.items() if value is not None}
            http.request("GET", f"{path}?{urlencode(given)}")
        else:
            http.request("POST", path, orjson.dumps(request), {"Content-Type": "application/json"})
        response = http.getresponse()
        document = orjson.loads(response.read())
    except (OSError, HTTPException, orjson.JSONDecodeError) as error:
        raise HubError(f"the running hub gave no answer; look whether it was done: {error}") from error
    return _understood(response.status, document)


def _understood(status: int, document: Plain) -> Plain | Refusal:
    if status == 200:
        return dict(document)
    faults = (Fault(f["code"], f["place"], f["found"], f["expected"]) for f in document.get("faults", ()))
    return Refusal(document["code"], document.get("detail", ""), tuple(faults))


def _ask_remote(method: Method, name: str, request: Plain, options: Options) -> Plain | Refusal:
    from hub.cli.remote import Remote

    signer = signer_of(options.as_, options.key)
    if signer is None or options.hub_admin is None:
        raise Misused("a hub elsewhere is asked by an operator: --hub-admin URL goes with --as NAME --key FILE")
    remote = Remote(options.hub_admin, signer)
    return _understood(*remote.ask(method, "/admin/v1/" + name.replace(".", "/"), request))


def _ask_in_process(method: Method, name: str, request: Plain, settings: Settings) -> Plain | Refusal:
    if name in (STATUS, PREVIEW) or name.startswith(("replay.", "quarantine.", "notice.")):
        raise HubError(f"no hub runs on {settings.log.directory}")
    if settings.log.ground == "memory":
        raise HubError("no hub runs here, and `log.ground` is memory: nothing would be kept")
    if method == "GET" and not Path(settings.log.directory).is_dir():
        raise HubError(f"there is no data directory {settings.log.directory}: name it with --data or --config")
    import asyncio

    return asyncio.run(_ask_registrar(method, name, request, settings))


async def _ask_registrar(method: Method, name: str, request: Plain, settings: Settings) -> Plain | Refusal:
    import msgspec

    from hub.assembly import open_registrar
    from hub.drivers.system.clock import SystemClock

    try:
        async with open_registrar(settings) as registrar:
            outcome = await _asked_of(registrar, method, name, request)
    except DirectoryInUse:
        await SystemClock().sleep(STARTING_SECONDS / STARTING_TRIES)
        raise
    return outcome if isinstance(outcome, Refusal) else dict(msgspec.to_builtins(outcome))


async def _asked_of(registrar: Registrar, method: Method, name: str, request: Plain) -> object:
    """What the admin socket's routes do."""
    from hub.operate.table import VIEWS

    if name == AUDIT:
        return await registrar.looks.audit(request["after"], request["limit"], user=getpwuid(os.getuid()).pw_name)
    if method == "GET" or name in VIEWS:
        return await registrar.looks.view(name, request, user=getpwuid(os.getuid()).pw_name)
    if name == PREPARE:
        return await registrar.prepare(request["act"], request["request"], operator=request["operator"])
    if name == SIGN:
        return await registrar.sign(request["statement"], request["signature"], local=True)
    return await registrar.perform(name, request, actor=getpwuid(os.getuid()).pw_name)
