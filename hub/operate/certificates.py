"""Client certificates of partners' systems: added before the one in use ends, revoked at once (RFC 8705)."""

from __future__ import annotations

from typing import Literal

from hub.core.certificate import Certificate
from hub.core.operator import ANYONE, PARTNERS, SECURITY, Effect
from hub.core.partner import System
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.keys import system_of
from hub.operate.revocation import Lost, ended_with
from hub.operate.views import All, Plain, View, plain
from hub.trust.certificate import read_certificate
from hub.trust.certificate_name import read_name
from hub.trust.keys import KeyRefused

LIVE_CERTIFICATES_MAX = 2
"""One in use and one coming."""


class AddCertificate(Request, frozen=True, kw_only=True):
    """Also makes the system, or gives it other scopes."""

    partner: str
    system: str
    """The system's own name: its id is `<partner>.<system>`."""
    certificate: str
    """The text of a PEM file that holds the system's certificate alone."""
    scopes: tuple[str, ...] = ()
    """May be left out for a system that is registered: it keeps its scopes."""


class NameCertificate(Request, frozen=True, kw_only=True):
    """Also makes the system, or gives it other scopes."""

    partner: str
    system: str
    """The system's own name: its id is `<partner>.<system>`."""
    kind: Literal["subject_dn", "san_dns", "san_uri", "san_ip", "san_email"]
    """One of those of RFC 8705 §2.1.2, without `tls_client_auth_`."""
    name: str
    """What stands in the certificates that an authority of `tls.client_ca_file` issues to the system."""
    scopes: tuple[str, ...] = ()
    """May be left out for a system that is registered: it keeps its scopes."""


class RevokeCertificate(Request, frozen=True, kw_only=True):
    certificate: str
    """Its id (`x5t#S256`), or that of a name."""


def add_certificate(request: AddCertificate, basis: Basis, checks: Checks) -> Changes:
    system = system_of(request, basis, checks)
    return _added(request, system, _read(request.certificate, system.id, basis, checks), basis, checks)


def name_certificate(request: NameCertificate, basis: Basis, checks: Checks) -> Changes:
    system = system_of(request, basis, checks)
    return _added(request, system, _read_name(request, system.id, basis, checks), basis, checks)


def _added(
    request: AddCertificate | NameCertificate,
    system: System,
    certificate: Certificate | None,
    basis: Basis,
    checks: Checks,
) -> Changes:
    partner = checks.known("/partner", request.partner, basis.snapshot.partners)
    if partner is None or certificate is None:
        return ()
    live = [each for each in basis.snapshot.certificates.of(system.id) if each.usable_at(basis.now)]
    if len(live) >= LIVE_CERTIFICATES_MAX:
        ids = ", ".join(each.id for each in live)
        expected = f"fewer than {LIVE_CERTIFICATES_MAX}: now {ids}"
        checks.fault("ACT_KEYS_TOO_MANY", "/certificate", f"{len(live)} live certificates", expected)
    return (certificate,) if system == basis.snapshot.systems.get(system.id) else (system, certificate)


def revoke_certificate(request: RevokeCertificate, basis: Basis, checks: Checks) -> Changes:
    certificate = checks.known("/certificate", request.certificate, basis.snapshot.certificates)
    return () if certificate is None else ended_with(Lost((certificate,)), basis)


def list_certificates(_: All, basis: Basis, __: Checks) -> Plain:
    found = basis.snapshot.certificates
    return {"items": [{**plain(each), "live": each.usable_at(basis.now)} for each in found]}


def _read(text: str, system: str, basis: Basis, checks: Checks) -> Certificate | None:
    """The certificate as it is registered; nothing of a refused one is echoed."""
    try:
        certificate = read_certificate(text.encode(), system)
    except KeyRefused as refusal:
        checks.fault("ACT_KEY_REFUSED", "/certificate", "(not shown)", str(refusal))
        return None
    if (known := basis.snapshot.certificates.get(certificate.id)) is not None:
        found = f"a certificate of {known.system}, {known.state}"
        checks.fault("ACT_KEY_KNOWN", "/certificate", found, "a certificate never registered")
        return None
    if not certificate.usable_at(basis.now):
        checks.fault("ACT_KEY_REFUSED", "/certificate", "(not shown)", "a certificate that has not ended")
        return None
    return certificate


def _read_name(request: NameCertificate, system: str, basis: Basis, checks: Checks) -> Certificate | None:
    try:
        name = read_name(request.kind, request.name, system)
    except KeyRefused as refusal:
        checks.invalid("/name", request.name, str(refusal))
        return None
    if (known := basis.snapshot.certificates.get(name.id)) is not None:
        checks.fault("ACT_KEY_KNOWN", "/name", f"a name of {known.system}, {known.state}", "a name never registered")
        return None
    return name


ACTS = {
    "certificate.add": Act(AddCertificate, add_certificate, Effect.STARTS, PARTNERS | SECURITY),
    "certificate.name": Act(NameCertificate, name_certificate, Effect.STARTS, PARTNERS | SECURITY),
    "certificate.revoke": Act(RevokeCertificate, revoke_certificate, Effect.STOPS, ANYONE),
}
VIEWS = {"certificate.list": View(All, list_certificates)}
