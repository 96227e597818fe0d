"""Whether ledger and image store are of one installation: what one does not name may be removed from its own alone."""

from __future__ import annotations

import secrets
from itertools import islice

from cxr.blobs import BlobStore
from cxr.errors import OtherInstallation
from cxr.jobs import JobStore

LOOKED_AT = 10_000  # stored films of which one must be known before a store without an id is taken for our own
HOW_TO_ADOPT = "if they belong together: python -m worker retain --adopt"


class Installation:
    """An id that both keep from their first use on, and that travels with their copies.

    Every method raises ``LedgerUnavailable`` and ``BlobsUnavailable``.
    """

    def __init__(self, jobs: JobStore, blobs: BlobStore) -> None:
        self._jobs, self._blobs = jobs, blobs

    def check(self) -> None:
        """Raise ``OtherInstallation`` unless they have the same id.

        A store that has none yet (new, or from a version without ids) takes the ledger's when it is empty, or when the
        ledger names some film of it. A ledger that has none never takes that of a store: it may be a new, empty one.
        """
        ledgers, stores = self._jobs.installation(), self._blobs.installation()
        if ledgers and ledgers == stores:
            return
        if stores or not self._is_our_own():
            raise OtherInstallation(f"ledger: {ledgers or 'no id'}, store: {stores or 'no id'}; {HOW_TO_ADOPT}")
        self._blobs.belong_to(self._jobs.belong_to(ledgers or _new_id()))

    def adopt(self) -> str:
        """Make them one, whatever they said before; the id. The store's is kept where the ledger has none."""
        chosen = self._jobs.installation() or self._blobs.installation() or _new_id()
        chosen = self._jobs.belong_to(chosen)
        self._blobs.belong_to(chosen)
        return chosen

    def _is_our_own(self) -> bool:
        stored = list(islice(self._blobs.stored(older_than_s=0), LOOKED_AT))
        return not stored or len(self._jobs.unneeded(stored)) < len(stored)


def _new_id() -> str:
    return secrets.token_hex(8)
