"""`customs-hub certificate`: the client certificates by which partners' systems prove themselves in TLS."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from cyclopts import App

from hub.cli.credential import Scopes, SystemName, act_with
from hub.cli.desk import DEFAULTS, Options, Reason, act, view
from hub.cli.show import CERTIFICATE_COLUMNS, listing

Kind = Literal["subject_dn", "san_dns", "san_uri", "san_ip", "san_email"]

app = App(name="certificate", help="Client certificates of partners' systems (PEM), self-signed or issued.")


@app.command
def add(
    partner: str,
    system: SystemName,
    file: Path,
    /,
    *,
    scope: Scopes = None,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Register a system's client certificate; a first one makes the system. A second may be live beside it.

    Parameters
    ----------
    file
        The certificate alone, PEM: its key EC P-256, Ed25519, or RSA of 2048 to 4096 bits.
    """
    request = {"partner": partner, "system": system, "scopes": scope or [], "reason": reason}
    return act_with(file, "certificate", "certificate.add", request, options)


@app.command
def name(
    partner: str,
    system: SystemName,
    kind: Kind,
    name: str,
    /,
    *,
    scope: Scopes = None,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Register a name that stands in a system's certificates: a renewed one then needs no registration.

    It counts in certificates that an authority in `tls.client_ca_file` itself issued, and in no others.

    Parameters
    ----------
    kind
        What it is: the subject, or an alternative name.
    name
        The whole subject as RFC 4514 writes it, such as CN=erp,O=Acme,C=NL; or the host name, URI, address or e-mail.
    """
    request = {"partner": partner, "system": system, "kind": kind, "name": name, "scopes": scope or []}
    return act("certificate.name", request | {"reason": reason}, options)


@app.command
def revoke(certificate: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Stop a certificate, and all tokens that are bound to it, for ever; in force within a second.

    Parameters
    ----------
    certificate
        Its id (`x5t#S256`), or that of a name, from `certificate list`.
    """
    return act("certificate.revoke", {"certificate": certificate, "reason": reason}, options)


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """All certificates."""
    return view("certificate.list", {}, options, listing(CERTIFICATE_COLUMNS))
