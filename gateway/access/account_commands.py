"""``python -m gateway accounts``: who signs in on the page. A running gateway notices."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cxr.errors import SettingsRefused
from gateway.access.accounts import hashed, new_account
from gateway.access.key_commands import File, NewFile
from gateway.access.register import Register, changing, new_session_secret, read_register
from gateway.auth import Scope
from gateway.said import said

accounts = typer.Typer(no_args_is_help=True, help="Accounts: who signs in on the page. A running gateway notices.")

Name = Annotated[str, typer.Argument(help="The account's name.")]


@accounts.command()
def add(
    name: Name,
    file: NewFile,
    owner: Annotated[
        str | None, typer.Option(help="Whose jobs it makes and sees, if not its own: a department.")
    ] = None,
    scope: Annotated[list[Scope] | None, typer.Option(help="What it may do (repeat); else submit and read.")] = None,
) -> None:
    """Add an account. The password is asked for, or read from standard input; it is never an argument."""
    with said():
        made = new_account(name, owner or name, _password(), scope or (Scope.SUBMIT, Scope.READ))
        with changing(file) as box:
            if box[0].account(name):
                raise SettingsRefused(f"there is an account {name}; `accounts password {name}` changes its password")
            box.append(box[0].with_account(made))
    typer.echo(f"{name} can sign in.", err=True)


@accounts.command()
def password(name: Name, file: File) -> None:
    """Change an account's password; its sessions end."""
    with said():
        new = hashed(_password())
        with changing(file) as box:
            account = box[0].account(name)
            if account is None:
                raise SettingsRefused(f"{file} has no account {name}")
            box.append(box[0].with_account(account.model_copy(update={"password": new})))
    typer.echo(f"{name} has a new password; its sessions have ended.", err=True)


@accounts.command()
def remove(name: Name, file: File) -> None:
    """Remove an account; its sessions end, its jobs stay."""
    with said(), changing(file) as box:
        if box[0].account(name) is None:
            raise SettingsRefused(f"{file} has no account {name}")
        rest = tuple(account for account in box[0].accounts if account.name != name)
        box.append(box[0].model_copy(update={"accounts": rest}))
    typer.echo(f"{name} is removed.", err=True)


@accounts.command("list")
def list_(file: File) -> None:
    """Show every account: whose jobs it sees, and what it may do."""
    with said():
        register = read_register(file)
    for account in register.accounts:
        scopes = ",".join(scope for scope in Scope if scope in account.scopes)
        typer.echo(f"{account.name}  owner {account.owner}  {scopes}  since {account.created:%Y-%m-%d}")


@accounts.command("sign-out-all")
def sign_out_all(file: File) -> None:
    """End every session: everybody signs in again."""
    with said(), changing(file) as box:
        box.append(_signed_out(box[0]))
    typer.echo("Every session has ended.", err=True)


def _signed_out(register: Register) -> Register:
    return register.model_copy(update={"session_secret": new_session_secret()})


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")
