"""``python -m gateway keys``: make, list and revoke API keys. A running gateway notices."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cxr.errors import SettingsRefused
from gateway.access.keys import ApiKey, new_key
from gateway.access.register import changing, read_register
from gateway.auth import Scope
from gateway.said import said

keys = typer.Typer(no_args_is_help=True, help="API keys: make, list, revoke. A running gateway notices.")

NewFile = Annotated[
    Path, typer.Option("--file", envvar="CXR_ACCESS_FILE", help="The access file; it is made where there is none yet.")
]
File = Annotated[Path, typer.Option(envvar="CXR_ACCESS_FILE", help="The access file.")]


@keys.command()
def create(
    owner: Annotated[str, typer.Option(help="Whose jobs the key makes and sees: a person, a department, a device.")],
    name: Annotated[str, typer.Option(help="What the key is for.")],
    file: NewFile,
    scope: Annotated[list[Scope] | None, typer.Option(help="What it may do (repeat); else submit and read.")] = None,
    waiting_images: Annotated[int | None, typer.Option(min=1, help="Most images waiting at once.")] = None,
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="Most requests in a minute.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; else never.")] = None,
) -> None:
    """Make a key and print it: once, for it is not kept. Standard output carries the key alone."""
    with said(), changing(file) as box:
        made, text = new_key(
            owner,
            name,
            scope or (Scope.SUBMIT, Scope.READ),
            waiting_images=waiting_images,
            requests_per_minute=requests_per_minute,
            days=days,
        )
        if any(key.owner == owner and key.name == name and key.holds_at(_now()) for key in box[0].keys):
            raise SettingsRefused(f"{owner} already has a key named {name}; revoke it first, or give another name")
        box.append(box[0].model_copy(update={"keys": (*box[0].keys, made)}))
    typer.echo(text)
    typer.echo(f"Keep it: it is shown only now. {file} has {made.prefix} with its hash.", err=True)


@keys.command("list")
def list_(file: File) -> None:
    """Show every key: whose, what for, what it may do, and whether it still holds."""
    with said():
        register = read_register(file)
    rows: list[tuple[str, ...]] = [("PREFIX", "OWNER", "NAME", "SCOPES", "WAITING", "PER MINUTE", "CREATED", "STATE")]
    rows += [_row(key) for key in register.keys]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())


@keys.command()
def revoke(prefix: Annotated[str, typer.Argument(help="The key's prefix, as `list` shows it.")], file: File) -> None:
    """Make a key useless, at once and for good."""
    with said(), changing(file) as box:
        wanted = prefix.partition(".")[0]
        if wanted not in {key.prefix for key in box[0].keys}:
            raise SettingsRefused(f"{file} has no key {wanted}")
        keys_now = tuple(key.revoked_now() if key.prefix == wanted else key for key in box[0].keys)
        box.append(box[0].model_copy(update={"keys": keys_now}))
    typer.echo(f"{wanted} is revoked.")


def _row(key: ApiKey) -> tuple[str, ...]:
    scopes = ",".join(scope for scope in Scope if scope in key.scopes)
    limits = (str(key.waiting_images or "-"), str(key.requests_per_minute or "-"))
    return (key.prefix, key.owner, key.name, scopes, *limits, f"{key.created:%Y-%m-%d}", _state(key))


def _state(key: ApiKey) -> str:
    if key.revoked:
        return f"revoked {key.revoked:%Y-%m-%d}"
    if not key.holds_at(_now()):
        return f"expired {key.expires:%Y-%m-%d}"
    return f"until {key.expires:%Y-%m-%d}" if key.expires else "holds"


def _now() -> datetime:
    return datetime.now(UTC)
