"""The address of a Redis that sentinels watch."""

from __future__ import annotations

import pytest

from cxr.errors import SettingsRefused
from cxr.queue import celery_app
from cxr.sentinel import WatchedPrimary, watched_primary

THREE = (("one", 26379), ("two", 26379), ("10.0.0.3", 26380))


def test_an_address_says_who_watches_and_how_to_sign_in() -> None:
    found = watched_primary("sentinel://pneumo:p%40ss%3Aword@one:26379,two:26379,10.0.0.3:26380/ledger/2")
    assert found == WatchedPrimary("ledger", THREE, 2, "pneumo", "p@ss:word")
    assert watched_primary("sentinel://one:26379/ledger") == WatchedPrimary("ledger", THREE[:1])
    assert watched_primary("sentinel://:secret@one:26379/ledger") == WatchedPrimary(
        "ledger", THREE[:1], 0, None, "secret"
    )


@pytest.mark.parametrize("url", ["redis://:secret@redis:6379/0", "rediss://managed.example.org:6380/0", ""])
def test_any_other_address_is_left_to_redis(url: str) -> None:
    assert watched_primary(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "sentinel://one:26379",
        "sentinel://one/ledger",
        "sentinel://one:26379,/ledger",
        "sentinel://user@one:26379/ledger",
    ],
)
def test_half_an_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsRefused) as refusal:
        watched_primary(url)
    assert url not in str(refusal.value)


def test_celery_asks_every_sentinel() -> None:
    app = celery_app("sentinel://:p%40ss@one:26379,two:26379/ledger/1")
    assert app.conf.broker_url == "sentinel://:p%40ss@one:26379/1;sentinel://:p%40ss@two:26379/1"
    assert app.conf.broker_transport_options["master_name"] == "ledger"
    assert "master_name" not in celery_app("redis://redis:6379/0").conf.broker_transport_options
