"""What a client is known by in certificates of an authority (`tls_client_auth`, RFC 8705 §2.1): a subject, or one of
its alternative names. So a renewed certificate needs no registration; but an authority is trusted with every name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from ipaddress import ip_address
from unicodedata import normalize

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from hub.core.certificate import Certificate
from hub.trust.certificate import check_client
from hub.trust.keys import KeyRefused, encode_base64url
from schemas.canonical import canonical_bytes

SUBJECT_DN, SAN_DNS, SAN_URI, SAN_IP, SAN_EMAIL = "subject_dn", "san_dns", "san_uri", "san_ip", "san_email"
"""The metadata of RFC 8705 §2.1.2, without its `tls_client_auth_`."""
NAME_CHARACTERS_MAX = 1_024
_KEYWORDS = {"emailAddress": NameOID.EMAIL_ADDRESS, "serialNumber": NameOID.SERIAL_NUMBER}
"""What people write and RFC 4514 §3 does not name; all others stand as dotted numbers."""
_UNREADABLE = (UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


def read_name(kind: str, value: str, system: str) -> Certificate:
    """A name as it is registered for a system, `kind` one of those above. Raises `KeyRefused`: what
    was expected."""
    if len(value) > NAME_CHARACTERS_MAX:
        raise KeyRefused(f"at most {NAME_CHARACTERS_MAX} characters")
    try:
        canonical = _parsed_subject(value) if kind == SUBJECT_DN else _alternative(kind, value)
    except ValueError:
        canonical = ""
    if not canonical:
        subject = "a whole subject as RFC 4514 writes it, such as CN=erp,O=Acme,C=NL"
        raise KeyRefused(subject if kind == SUBJECT_DN else f"one name of the kind {kind}, without a wildcard")
    return Certificate(_id(kind, canonical), system, f"{kind}: {value}", None, "")


class Authorities:
    """Those of `client_ca_file`: certificates that they issued themselves name clients."""

    def __init__(self, pem: bytes) -> None:
        """Raises ValueError where there is none in the PEM."""
        self._certificates = tuple(x509.load_pem_x509_certificates(pem)) if pem else ()

    def names(self, der: bytes, now: int) -> Sequence[str]:
        """The ids under which a client with this certificate may be registered; `now` in seconds since 1970.

        That its holder has the key, the handshake proved. But not by whom it is issued: there a registered certificate
        of anybody is trusted as well, and must not make names.
        """
        try:
            certificate = x509.load_der_x509_certificate(der)
            # 1. It is in force.
            if not certificate.not_valid_before_utc.timestamp() <= now < certificate.not_valid_after_utc.timestamp():
                return ()
            # 2. It is a client's, and no authority's own.
            check_client(certificate)
            if _is_an_authoritys(certificate):
                return ()
            # 3. One of the authorities issued it, with no other in between.
            if not any(_issued(authority, certificate) for authority in self._certificates):
                return ()
            # 4. Its names, as they are compared.
            return [_id(kind, canonical) for kind, canonical in _names(certificate) if canonical]
        except (KeyRefused, ValueError, *_UNREADABLE):
            return ()


def _is_an_authoritys(certificate: x509.Certificate) -> bool:
    """RFC 5280 §4.2.1.9."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _issued(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return certificate != authority


def _names(certificate: x509.Certificate) -> Iterator[tuple[str, str]]:
    yield SUBJECT_DN, _subject(certificate.subject)
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    for name in alternatives:
        match name:
            case x509.DNSName():
                yield SAN_DNS, _alternative(SAN_DNS, name.value)
            case x509.UniformResourceIdentifier():
                yield SAN_URI, _alternative(SAN_URI, name.value)
            case x509.IPAddress():
                yield SAN_IP, str(name.value)
            case x509.RFC822Name():
                yield SAN_EMAIL, _alternative(SAN_EMAIL, name.value)


def _parsed_subject(text: str) -> str:
    """RFC 4514. Raises ValueError."""
    return _subject(x509.Name.from_rfc4514_string(text, _KEYWORDS))


def _subject(name: x509.Name) -> str:
    """By `distinguishedNameMatch` (RFC 4517 §4.2.15): the same parts in the same order, each as a set, whatever the
    case, the spaces and the kind of string. Empty: it says nothing."""
    parts = [sorted([each.oid.dotted_string, _folded(each.value)] for each in part) for part in name.rdns]
    return canonical_bytes(parts).decode() if parts else ""


def _folded(value: str | bytes) -> str:
    """RFC 4518 §2, of what is written in names."""
    return value.hex() if isinstance(value, bytes) else " ".join(normalize("NFKC", value).casefold().split())


def _alternative(kind: str, value: str) -> str:
    """As it is compared; empty: no name of its kind, or one that stands for many. Raises ValueError."""
    if not value.isascii() or not value.isprintable() or " " in value or "*" in value:
        return ""
    match kind:
        case "san_dns":
            return value.lower().removesuffix(".")
        case "san_uri":
            return value if ":" in value else ""
        case "san_ip":
            return str(ip_address(value))
        case "san_email":
            local, _, domain = value.rpartition("@")
            return f"{local}@{domain.lower()}" if local and domain else ""
    return ""


def _id(kind: str, canonical: str) -> str:
    """In the form of a certificate's, which it never equals."""
    return encode_base64url(sha256(f"{kind}:{canonical}".encode()).digest())
