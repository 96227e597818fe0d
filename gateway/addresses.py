"""Addresses that a request may name films at: s3:// and file://, and only below the prefixes that the operator allows.

Nothing of an address decides where a connection goes but its bucket and its path, and these must match a prefix
(``CXR_ADDRESS_PREFIXES``) segment by segment. There is no http://: a request cannot make the gateway call a server.
Whose servers and keys S3 has, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and the like of the gateway's environment say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from cxr.errors import AddressRefused

SCHEMES = ("s3", "file")
LONGEST_ADDRESS = 2048


@dataclass(frozen=True)
class Address:
    """Where one film lies: ``path`` decoded and without a leading slash; ``bucket`` is empty for files."""

    text: str
    scheme: str
    bucket: str
    path: str
    root: str = ""

    @classmethod
    def of(cls, text: str) -> Address:
        """Read an address. Raises ``AddressRefused`` for what is none, or says more than a place."""
        if len(text) > LONGEST_ADDRESS or not text.isprintable():
            raise AddressRefused("too long, or with control characters")
        try:
            parts = urlsplit(text)
            path = unquote(parts.path, errors="strict")
        except ValueError as error:
            raise AddressRefused("it cannot be read") from error
        if parts.scheme not in SCHEMES or not path.startswith("/"):
            raise AddressRefused("give s3://bucket/path or file:///path")
        if "?" in text or "#" in text or "@" in parts.netloc or ":" in parts.netloc:
            raise AddressRefused("without user, port, query and fragment; write ? and # as %3F and %23")
        if bool(parts.netloc) is (parts.scheme == "file"):
            raise AddressRefused("a bucket for s3, no host for file")
        path = path[1:]
        if not path.isprintable() or "\\" in path or any(part in ("", ".", "..") for part in path.split("/")):
            raise AddressRefused("its path has empty, '.' or '..' parts, or signs that no path has")
        return cls(text, parts.scheme, parts.netloc, path)


class Allowed:
    """The prefixes of a setting, comma-separated; each ends with a slash."""

    def __init__(self, setting: str) -> None:
        self._prefixes = [_prefix(text.strip()) for text in setting.split(",") if text.strip()]

    def check(self, texts: Iterable[str]) -> list[Address]:
        """Each with the prefix that it lies below as its ``root``. Raises ``AddressRefused`` for the first that is not
        allowed.
        """
        return [self._checked(place, text) for place, text in enumerate(texts)]

    def _checked(self, place: int, text: str) -> Address:
        try:
            address = Address.of(text)
        except AddressRefused as refusal:
            raise AddressRefused(f"address {place}: {refusal.detail}") from refusal
        for prefix in self._prefixes:
            if (address.scheme, address.bucket) == (prefix.scheme, prefix.bucket) and address.path.startswith(
                prefix.root
            ):
                return Address(text, address.scheme, address.bucket, address.path, prefix.root)
        raise AddressRefused(f"address {place}: not below a prefix that is allowed here")


def _prefix(text: str) -> Address:
    """A prefix as an address whose root is its own path. Settings have checked its form."""
    parts = urlsplit(text)
    path = unquote(parts.path)[1:]
    return Address(text, parts.scheme, parts.netloc, path, path)
