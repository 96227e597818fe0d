"""Who asks is not known, or may not do this."""

from __future__ import annotations

from cxr.errors.root import CxrError


class AccessRefused(CxrError):
    """The caller is not known or may not do this; nothing was done."""

    code = "access_refused"
    sentence = "You may not do this."


class NotSignedIn(AccessRefused):
    code = "not_signed_in"
    sentence = "This needs an API key or a signed-in session."


class InvalidKey(NotSignedIn):
    code = "invalid_key"
    sentence = "The API key is not valid: unknown, revoked or expired."


class WrongLogin(NotSignedIn):
    code = "wrong_login"
    sentence = "The name and the password do not belong together."


class ScopeMissing(AccessRefused):
    code = "scope_missing"
    sentence = "Your key or account does not include this right."


class CrossSite(AccessRefused):
    code = "cross_site"
    sentence = "The request comes from a page of another site."
