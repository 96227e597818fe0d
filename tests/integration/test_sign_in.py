"""Signing in on the page: the cookie, its end, and guesses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from cxr.jobs import AuditLog, Ledger
from cxr.settings import Settings
from gateway.access import accounts, sign_in
from gateway.access.register import changing, new_session_secret, read_register
from gateway.access.sessions import begin, session_of
from tests.files import png
from tests.guarded import HERE, account_of, signs_in, visitor

BROWSER = {"Accept": "text/html,*/*;q=0.8"}
FILM = {"files": [("files", ("film.png", png()))]}


def cookie_of(answer: Any) -> tuple[str, dict[str, str]]:
    """The session's cookie: its name, and its attributes that say something."""
    [(name, morsel)] = SimpleCookie(answer.headers["set-cookie"]).items()
    return name, {key: str(value) for key, value in morsel.items() if value} | {"value": morsel.value}


# -- the cookie


def test_a_browser_is_led_to_the_form_and_back(browser: TestClient) -> None:
    asked = browser.get("/?job=abc&x=1", headers=BROWSER)
    assert asked.status_code == 303
    [wanted] = parse_qs(urlsplit(asked.headers["location"]).query)["next"]
    assert wanted == "/?job=abc&x=1"
    form = browser.get(asked.headers["location"])
    assert (form.status_code, form.headers["cache-control"]) == (200, "no-store")
    assert 'value="/?job=abc&amp;x=1"' in form.text
    assert "<script" not in form.text
    answer = signs_in(browser, next=wanted)
    assert (answer.status_code, answer.headers["location"]) == (303, wanted)
    assert browser.get("/v1/jobs").status_code == 200


def test_programs_are_not_led_anywhere(browser: TestClient) -> None:
    assert browser.get("/v1/jobs", headers=BROWSER).status_code == 401
    assert browser.get("/gradio_api/info").status_code == 401


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "javascript:alert(1)", "/a\r\nX: y", "/\t/e"],
)
def test_the_form_leads_nowhere_else(browser: TestClient, elsewhere: str) -> None:
    assert signs_in(browser, next=elsewhere).headers["location"] == "/"


def test_the_cookie_is_the_browsers_own(browser: TestClient, guarded: Settings) -> None:
    name, cookie = cookie_of(signs_in(browser))
    assert (name, cookie["httponly"], cookie["samesite"], cookie["path"]) == ("cxr-session", "True", "lax", "/")
    assert int(cookie["max-age"]) == guarded.session_s
    assert {"domain", "secure"}.isdisjoint(cookie)
    with visitor(guarded, "https://127.0.0.1") as over_tls:
        name, cookie = cookie_of(signs_in(over_tls))
        assert (name, cookie["secure"]) == ("__Host-cxr-session", "True")
        assert over_tls.get("/v1/jobs").status_code == 200
        over_tls.cookies = {"cxr-session": cookie["value"]}
        assert over_tls.get("/v1/jobs").status_code == 401, "a cookie that another host could have set was taken"


def test_every_sign_in_is_another_session(browser: TestClient) -> None:
    assert cookie_of(signs_in(browser))[1]["value"] != cookie_of(signs_in(browser))[1]["value"]


def test_a_session_sees_the_jobs_of_its_owner(browser: TestClient) -> None:
    signs_in(browser, "bob")
    job = browser.post("/v1/jobs", headers={"Origin": HERE}, **FILM).json()
    assert [each["id"] for each in browser.get("/v1/jobs").json()["jobs"]] == [job["id"]]
    signs_in(browser, "alice")
    assert browser.get(f"/v1/jobs/{job['id']}").json()["code"] == "job_not_found"


# -- its end


def test_signing_out_ends_the_session_everywhere(browser: TestClient, guarded: Settings) -> None:
    _, cookie = cookie_of(signs_in(browser))
    answer = browser.post("/sign-out", headers={"Origin": HERE})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert cookie_of(answer)[1]["value"] == ""
    with visitor(guarded) as stolen:
        stolen.cookies = {"cxr-session": cookie["value"]}
        assert stolen.get("/v1/jobs").status_code == 401


@pytest.mark.parametrize("change", ["password", "removed", "all signed out"])
def test_the_operator_ends_sessions(browser: TestClient, access_path: Path, change: str) -> None:
    signs_in(browser)
    assert browser.get("/v1/jobs").status_code == 200
    with changing(access_path) as box:
        register = box[0]
        if change == "password":
            new = account_of("alice").model_copy(update={"password": account_of("bob", "radiology").password})
            box.append(register.with_account(new))
        elif change == "removed":
            box.append(register.model_copy(update={"accounts": register.accounts[1:]}))
        else:
            box.append(register.model_copy(update={"session_secret": new_session_secret()}))
    assert browser.get("/v1/jobs").status_code == 401


def test_a_session_ends_by_itself_and_cannot_be_made_up(access_path: Path) -> None:
    register = read_register(access_path)
    cookie = begin(register, account_of("alice"))
    assert session_of(register, cookie, 60) is not None
    assert session_of(register, cookie, -1) is None
    others = register.model_copy(update={"session_secret": new_session_secret()})
    for made_up in (begin(others, account_of("alice")), cookie[:-1], "", "x.y.z"):
        assert session_of(register, made_up, 60) is None
    without = register.model_copy(update={"session_secret": ""})
    assert session_of(without, begin(without, account_of("alice")), 60) is None


# -- guesses


def test_an_unknown_name_and_a_wrong_password_cannot_be_told_apart(
    browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by the answer, and not by the time: either way one password is hashed."""
    hashed: list[str] = []

    class Counted(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            hashed.append(str(hash))
            return super().verify(hash, password)

    monkeypatch.setattr(accounts, "HASHER", Counted(time_cost=1, memory_cost=64, parallelism=1))
    texts = []
    for name in ("alice", "nobody"):
        answer = signs_in(browser, name, "the wrong password")
        assert answer.status_code == 401
        texts.append(answer.text.replace(f'value="{name}"', ""))
    assert texts[0] == texts[1]
    assert len(hashed) == 2


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Guesses that cost next to nothing, so that a test of many ends before the first is forgiven."""
    monkeypatch.setattr(accounts, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    accounts._nobodys.cache_clear()
    yield
    accounts._nobodys.cache_clear()


def guesses_until_refused(browser: TestClient, names: Iterable[str]) -> tuple[int, Any]:
    """How many guesses are answered 401, and the first answer that is not."""
    for number, name in enumerate(names):
        answer = signs_in(browser, name, "the wrong password")
        if answer.status_code != 401:
            return number, answer
    raise AssertionError("every guess was answered")


@pytest.mark.usefixtures("cheap_hashes")
def test_guesses_at_one_account_are_counted(browser: TestClient) -> None:
    number, answer = guesses_until_refused(browser, ["alice"] * 100)
    assert number in (sign_in.OF_BOTH, sign_in.OF_BOTH + 1)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= sign_in.QUARTER_HOUR_S
    assert "Too many attempts" in answer.text
    assert signs_in(browser, "alice").status_code == 429, "the right password comes too late"
    assert signs_in(browser, "bob").status_code == 303


@pytest.mark.usefixtures("cheap_hashes")
def test_guesses_from_one_address_are_counted(browser: TestClient) -> None:
    number, answer = guesses_until_refused(browser, (f"guess-{number}" for number in range(200)))
    assert number in (sign_in.OF_ADDRESS, sign_in.OF_ADDRESS + 1)
    assert answer.status_code == 429
    assert signs_in(browser, "bob").status_code == 429


def test_a_form_of_two_gigabytes_is_not_read(browser: TestClient) -> None:
    answer = signs_in(browser, password="x" * sign_in.FORM_BYTES)
    assert answer.status_code == 413


def test_a_form_of_more_fields_than_there_are_is_refused(browser: TestClient) -> None:
    fields = {f"field-{number}": "x" for number in range(sign_in.FORM_FIELDS - 1)}
    answer = signs_in(browser, **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "request_refused")
    assert "at most 8 fields" in answer.json()["detail"]
    assert signs_in(browser, **dict(list(fields.items())[1:])).status_code == 303


def test_the_record_says_who_came_and_who_did_not(browser: TestClient, ledger: Ledger) -> None:
    signs_in(browser, "bob")
    signs_in(browser, "bob", "the wrong password")
    signs_in(browser, "my secret password", "typed into the wrong field")
    browser.post("/sign-out", headers={"Origin": HERE})
    found = [(entry.actor, entry.action, entry.about) for entry in AuditLog(ledger).entries()]
    assert sorted(about.split()[0] for who, did, about in found[:2] if did == "account_added") == [
        "alice",
        "radiology/bob",
    ]
    here = "from testclient"
    assert found[2:] == [
        ("radiology/bob", "signed_in", here),
        ("bob", "wrong_login", here),
        ("unknown", "wrong_login", here),
        ("radiology/bob", "signed_out", here),
    ]
