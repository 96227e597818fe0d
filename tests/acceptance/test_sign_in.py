"""Two people and one gateway that asks who comes, in real browsers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from cxr.jobs import AuditLog
from gateway.auth import Scope
from tests.acceptance.browser import DESK, LOWEST_CONTRAST, PHONE, grave_faults, picture
from tests.acceptance.visitor import PATIENCE_MS, give, read_one
from tests.files import png
from tests.guarded import access_file, account_of, key_of, password_of
from tests.stack import Stack


@pytest.fixture(scope="module")
def key() -> tuple[object, str]:
    return key_of("alice")


@pytest.fixture(scope="module")
def guarded(stack: Stack, key: tuple, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One more gateway of the stack, with accounts of alice and bob, of carol who only reads, and a key of alice's."""
    path = tmp_path_factory.mktemp("access") / "access.json"
    carol = account_of("carol").model_copy(update={"scopes": (Scope.READ,)})
    access_file(path, [account_of("alice"), account_of("bob", "radiology"), carol], [key[0]])
    gateway = stack.beside(CXR_ACCESS_FILE=str(path))
    try:
        gateway.start("gateway")
        yield gateway
    finally:
        gateway.stop("gateway")


@contextmanager
def visitor(browser: Browser, size: tuple[int, int] = DESK, mode: str = "light") -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=mode,  # type: ignore[arg-type]
    )
    try:
        yield context.new_page()
    finally:
        context.close()


def sign_in(page: Page, name: str) -> None:
    """With the keyboard alone: the form starts in the field for the name."""
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(password_of(name))
    page.keyboard.press("Enter")
    page.locator(".who").wait_for(timeout=PATIENCE_MS)


def cookies_of(context: BrowserContext) -> dict[str, str]:
    return {str(cookie["name"]): str(cookie["value"]) for cookie in context.cookies()}


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_form_can_be_read_by_everybody(guarded: Stack, browser: Browser, size: tuple[int, int], mode: str) -> None:
    with visitor(browser, size, mode) as page:
        page.goto(guarded.gateway_url)
        picture(page, f"sign-in-{mode}-{size[0]}")
        page.get_by_label("Name").fill("alice")
        page.get_by_label("Password").fill("the wrong password")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("do not belong together")
        expect(page.get_by_label("Password")).to_be_focused()
        picture(page, f"sign-in-{mode}-{size[0]}-wrong")
        assert page.evaluate(LOWEST_CONTRAST)["ratio"] >= 4.5
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert grave_faults(page) == []


def test_two_people_do_not_see_each_others_jobs(guarded: Stack, browser: Browser, key: tuple) -> None:
    url = guarded.gateway_url
    with visitor(browser) as alice, visitor(browser) as bob:
        alice.goto(url)
        sign_in(alice, "alice")
        expect(alice.locator(".who")).to_contain_text("Signed in as alice")
        read_one(alice, {"film.png": png()})
        picture(alice, "page-light-1280-signed-in")
        address, [job] = alice.url, httpx.get(f"{url}/v1/jobs", headers={"X-API-Key": key[1]}).json()["jobs"]
        assert job["id"] in address

        bob.goto(address)  # the way goes past the form and on to the job
        sign_in(bob, "bob")
        expect(bob.locator(".who")).to_contain_text("Signed in as radiology/bob")
        assert bob.url == address
        expect(bob.locator(".fault code")).to_have_text("job_not_found", timeout=PATIENCE_MS)
        for what in ("", "/results", "/results?format=csv", "/images/0/film.png"):
            assert bob.request.get(f"{url}/v1/jobs/{job['id']}{what}").status == 404
        assert alice.request.get(f"{url}/v1/jobs/{job['id']}").ok

        alice.get_by_role("button", name="Sign out").click()
        alice.get_by_label("Password").wait_for()
        assert cookies_of(alice.context) == {}
        assert alice.request.get(f"{url}/v1/jobs/{job['id']}").status == 401


def test_what_the_page_refuses_is_on_the_record(guarded: Stack, browser: Browser, key: tuple) -> None:
    headers = {"X-API-Key": key[1]}
    job = httpx.post(f"{guarded.gateway_url}/v1/jobs", files={"files": png()}, headers=headers).json()["id"]
    with visitor(browser) as page:
        page.goto(f"{guarded.gateway_url}/?job={job}")
        sign_in(page, "carol")
        expect(page.locator(".fault code")).to_have_text("job_not_found", timeout=PATIENCE_MS)
        give(page, {"film.png": png()})
        expect(page.locator(".fault code")).to_have_text("scope_missing", timeout=PATIENCE_MS)
        expect(page.locator(".fault")).to_contain_text("Ask the operator for an account that has this right")
    found = [(entry.actor, entry.action, entry.about) for entry in AuditLog(guarded.ledger).entries()]
    assert [about for actor, did, about in found if (actor, did) == ("carol", "refused")] == ["404 page", "403 page"]


def test_a_session_that_ended_leads_to_the_form_and_back(guarded: Stack, browser: Browser) -> None:
    with visitor(browser) as page:
        page.goto(guarded.gateway_url)
        sign_in(page, "bob")
        page.context.clear_cookies()
        give(page, {"film.png": png()})
        page.get_by_label("Password").wait_for(timeout=PATIENCE_MS)
        sign_in(page, "bob")
        expect(page.locator("#drop-read")).to_be_visible()


GRADIOS = ("upload", "queue/join", "run/predict", "call/predict", "api/predict", "cancel", "reset", "component_server")


def test_gradios_own_routes_are_behind_the_same_door(guarded: Stack) -> None:
    """Nobody unknown reads there, and another site's page changes nothing there."""
    with httpx.Client(base_url=guarded.gateway_url, timeout=60) as client:
        reads = ("config", "gradio_api/info", "gradio_api/queue/data", "gradio_api/file=/etc/passwd", "theme.css")
        assert {client.get(f"/{address}").status_code for address in reads} == {401}
        own = {"Origin": guarded.gateway_url}
        client.post("/sign-in", data={"name": "bob", "password": password_of("bob")}, headers=own)
        assert client.get("/config").status_code == 200
        for address in GRADIOS:
            answer = client.post(f"/gradio_api/{address}", headers={"Origin": "https://evil.example"})
            assert (answer.status_code, answer.json()["code"]) == (403, "cross_site"), address
        answer = client.get("/config", headers={"Origin": "https://evil.example"})
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert client.post("/gradio_api/upload", files={"files": png()}, headers=own).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "gradio_api/file=/etc/passwd",
        "gradio_api/file=../../etc/passwd",
        "gradio_api/file=%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "gradio_api/file=pyproject.toml",
        "gradio_api/file=http://127.0.0.1:1/x",
        "gradio_api/proxy=http://127.0.0.1:1/x",
        "static/..%2f..%2f..%2fetc%2fpasswd",
        "assets/..%2f..%2f..%2fetc%2fpasswd",
        "v1/jobs/..%2f..%2fetc%2fpasswd/results",
    ],
)
def test_no_address_leads_to_the_machines_files(guarded: Stack, key: tuple, address: str) -> None:
    answer = httpx.get(f"{guarded.gateway_url}/{address}", headers={"X-API-Key": key[1]}, follow_redirects=False)
    assert answer.status_code in (400, 401, 403, 404, 422), answer.text
    assert "root:" not in answer.text
    assert "pneumoserve" not in answer.text.lower() or answer.headers["content-type"] == "application/problem+json"
