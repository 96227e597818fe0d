"""Who is signed in, and the way out."""

from __future__ import annotations

from gateway.auth import EVERYBODY, Caller
from gateway.page.words import escape


def visitor(caller: Caller) -> str:
    """HTML of one line; nothing where nobody signs in."""
    if caller == EVERYBODY:
        return ""
    return f"""
<form class="who" method="post" action="sign-out">
  <span>Signed in as <strong>{escape(caller.actor)}</strong></span>
  <button class="link" type="submit">Sign out</button>
</form>"""
