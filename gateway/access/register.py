"""The access file: who may come in, as JSON with hashes of keys and passwords; read anew whenever it changes."""

from __future__ import annotations

import fcntl
import os
import secrets
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cxr.errors import InvalidKey, SettingsRefused
from cxr.telemetry import logger
from gateway.access.accounts import Account
from gateway.access.keys import ApiKey, opened_by
from gateway.auth import Caller

LEAST_SECRET = 43  # characters of base64 that hold 256 bits
OF_OTHERS = 0o007  # permission bits of those who are neither the file's owner nor in its group

log = logger("gateway.access")


class Register(BaseModel):
    """What the access file holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: tuple[ApiKey, ...] = ()
    accounts: tuple[Account, ...] = ()
    session_secret: str = Field("", description="Signs the cookies of signed-in sessions; a new one ends them all.")

    @model_validator(mode="after")
    def _signs(self) -> Register:
        if self.accounts and len(self.session_secret) < LEAST_SECRET:
            raise ValueError("accounts need a session_secret")
        return self

    @property
    def lets_somebody_in(self) -> bool:
        return bool(self.accounts) or any(key.holds_at(datetime.now(UTC)) for key in self.keys)

    def account(self, name: str) -> Account | None:
        return next((account for account in self.accounts if account.name == name), None)

    def with_account(self, account: Account) -> Register:
        """The same with one more account, or another in its place."""
        others = tuple(each for each in self.accounts if each.name != account.name)
        changed = {"accounts": (*others, account), "session_secret": self.session_secret or new_session_secret()}
        return self.model_copy(update=changed)

    def caller_with(self, key: str) -> Caller:
        """Who comes with the text of a key. Raises ``InvalidKey``."""
        found = opened_by(self.keys, key)
        if found is None:
            raise InvalidKey
        return found.caller


def new_session_secret() -> str:
    return secrets.token_urlsafe(32)


def read_register(path: Path) -> Register:
    """Raises ``SettingsRefused``: the file is missing, everybody may read it, or it is not what the commands write."""
    try:
        if path.stat().st_mode & OF_OTHERS:
            raise SettingsRefused(f"everybody on this machine may read the access file: chmod 600 {path}")
        return Register.model_validate_json(path.read_bytes())
    except OSError as error:
        raise SettingsRefused(f"the access file {path}: {error.strerror}") from error
    except ValidationError as error:  # its own words would quote the file
        where = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in error.errors())
        raise SettingsRefused(f"the access file {path} is not valid: {where}") from error


@contextmanager
def changing(path: Path) -> Iterator[list[Register]]:
    """Change the file: put the new register into the list that this yields. One at a time, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        box = [read_register(path) if path.exists() else Register()]
        yield box
        _write(path, box[-1])
        os.fsync(folder)
    finally:
        os.close(folder)


def _write(path: Path, register: Register) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(register.model_dump_json(indent=2, exclude_none=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
            if path.exists():  # root may change it for the gateway's user
                os.fchown(file.fileno(), path.stat().st_uid, path.stat().st_gid)
        Path(temporary).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


class AccessFile:
    """The file as a running gateway sees it. One that became unreadable changes nothing: the last good state counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reading = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._register: Register | None = None

    def now(self) -> Register:
        """The register of this moment. Raises ``SettingsRefused`` when there never was a good one."""
        with self._reading:
            try:
                state = self.path.stat()
                seen = (state.st_ino, state.st_mtime_ns, state.st_size)
            except OSError:
                seen = (0, 0, 0)
            if self._register is None or seen != self._seen:
                self._read(seen)
            assert self._register is not None
            return self._register

    def _read(self, seen: tuple[int, int, int]) -> None:
        try:
            self._register = read_register(self.path)
        except SettingsRefused as refusal:
            if self._register is None:
                raise
            log.error("access_file_not_read", reason=str(refusal))
        else:
            log.info("access_file_read", keys=len(self._register.keys), accounts=len(self._register.accounts))
        self._seen = seen
