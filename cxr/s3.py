"""The door to S3-compatible object stores (obstore): one client with our time-outs, for whoever reads or writes."""

from __future__ import annotations

import os
from datetime import timedelta

from obstore.store import S3Store

CONNECT_TIMEOUT, REQUEST_TIMEOUT = timedelta(seconds=5), timedelta(seconds=60)
MOST_RETRIES, RETRIES_TIMEOUT = 3, timedelta(seconds=20)


def bucket(url: str) -> S3Store:
    """The bucket, or the part of it below a prefix, at ``s3://bucket/prefix``; nothing connects before it is used.

    Keys, region and endpoint come from the environment (``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``,
    ``AWS_REGION``, ``AWS_ENDPOINT_URL``) or the machine's role. Only to an endpoint ``http://...`` it
    speaks without TLS.
    """
    plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
    return S3Store.from_url(
        url,
        client_options={"connect_timeout": CONNECT_TIMEOUT, "timeout": REQUEST_TIMEOUT, "allow_http": plain},
        retry_config={"max_retries": MOST_RETRIES, "retry_timeout": RETRIES_TIMEOUT},
    )
