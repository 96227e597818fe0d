"""Reads films from where they lie: the door to object stores (obstore) and to folders of the gateway's machine."""

from __future__ import annotations

import errno
import os
import stat
from functools import cache
from pathlib import Path

import obstore
from obstore.exceptions import BaseError, InvalidPathError
from obstore.store import S3Store

from cxr.errors import EmptyFile, FileTooLarge, ObjectNotFound, ObjectStoreUnavailable
from cxr.s3 import bucket
from gateway.addresses import Address


def fetch(address: Address, max_bytes: int) -> bytes:
    """The bytes at an address that was checked.

    Raises ``ObjectNotFound`` (or not to be read), ``FileTooLarge``, ``EmptyFile``; ``ObjectStoreUnavailable``.
    """
    content = _from_folder(address, max_bytes) if address.scheme == "file" else _from_bucket(address, max_bytes)
    if not content:
        raise EmptyFile
    return content


def _from_bucket(address: Address, max_bytes: int) -> bytes:
    content = bytearray()
    try:
        found = obstore.get(_bucket(address.bucket), address.path)
        _refuse_large(found.meta["size"], max_bytes)
        for chunk in found.stream():
            content += bytes(chunk)
            _refuse_large(len(content), max_bytes)
    except (FileNotFoundError, PermissionError, InvalidPathError) as error:
        raise ObjectNotFound from error
    except (BaseError, OSError) as error:
        raise ObjectStoreUnavailable(type(error).__name__) from error
    return bytes(content)


@cache
def _bucket(name: str) -> S3Store:
    return bucket(f"s3://{name}")


def _from_folder(address: Address, max_bytes: int) -> bytes:
    """A link may lead to another place below the same prefix, and nowhere else."""
    root = Path("/", address.root)
    try:
        path = Path("/", address.path).resolve(strict=True)
        if not path.is_relative_to(root.resolve(strict=True)):
            raise ObjectNotFound
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            standing = os.fstat(descriptor)
            if not stat.S_ISREG(standing.st_mode):
                raise ObjectNotFound
            _refuse_large(standing.st_size, max_bytes)
            content = file.read(max_bytes + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError, RuntimeError) as error:
        raise ObjectNotFound from error
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            raise ObjectNotFound from error
        raise ObjectStoreUnavailable(error.strerror or type(error).__name__) from error
    _refuse_large(len(content), max_bytes)
    return content


def _refuse_large(size_bytes: int, max_bytes: int) -> None:
    if size_bytes > max_bytes:
        raise FileTooLarge(f"at most {max_bytes} bytes")
