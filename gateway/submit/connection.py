"""The connection to the gateway: tries again what may succeed later, and says in words what does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from gateway.names import printable

BUSY, AWAY = 429, frozenset({502, 503, 504})
NOT_A_GATEWAY = "not_a_gateway"
WRONG_PATH = ("no_such_route", "method_not_allowed")
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
TIMEOUT = httpx.Timeout(60.0, connect=10.0, read=600.0)  # a large upload is answered when all of it is durable


class Refused(Exception):
    """The answer is no; ``code`` is the gateway's, ``http_404`` and the like of a server that is not ours, or
    ``not_a_gateway``.
    """

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.status, self.code, self.detail = status, code, detail

    @property
    def is_foreign(self) -> bool:
        """Whether it was not the API that answered, so that the address may be wrong."""
        return self.code.startswith("http_") or self.code == NOT_A_GATEWAY or self.code in WRONG_PATH

    @classmethod
    def by(cls, response: httpx.Response) -> Refused:
        try:
            problem = response.json()
            return cls(response.status_code, problem["code"], problem["detail"])
        except (ValueError, KeyError, TypeError):
            detail = f"from {response.request.url}"
            if response.has_redirect_location:
                detail += f", which points to {printable(response.headers['location'])}"
            return cls(response.status_code, f"http_{response.status_code}", detail)


class GaveUp(Exception):
    """Nothing went on for as long as the user wanted to wait."""


class Connection:
    """Requests to one gateway. ``say`` tells the user why nothing goes on.

    Every method raises ``Refused``, and ``GaveUp`` when for ``patience_s`` no request succeeded.
    """

    def __init__(self, url: str, api_key: str | None, patience_s: float, say: Callable[[str], None]) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT)
        self._url, self._patience_s, self._say = url, patience_s, say
        self._stuck_since: float | None = None
        self._is_away = False

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def went_on(self) -> None:
        """Something succeeded: patience begins anew."""
        self._stuck_since = None
        if self._is_away:
            self._is_away = False
            self._say("the gateway answers again")

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of an address."""
        return _json(self._send(lambda: self._client.get(path, params=query)))

    def post(self, path: str, files: Callable[[], Any], headers: dict[str, str]) -> Any:
        """Post a form; ``files`` makes it anew for each attempt. Says 429 as ``Refused``: the caller knows more."""
        return _json(self._send(lambda: self._client.post(path, files=files(), headers=headers), waits_if_busy=False))

    def lines(self, path: str, take: Callable[[str], None], **query: Any) -> None:
        """Hand over each line of a stream; a broken stream raises ``httpx.TransportError``."""
        with self._client.stream("GET", path, params=query) as response:
            if response.status_code != httpx.codes.OK:
                response.read()
                raise Refused.by(response)
            for line in response.iter_lines():
                take(line)
        self.went_on()

    def _send(self, send: Callable[[], httpx.Response], waits_if_busy: bool = True) -> httpx.Response:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                response = send()
            except httpx.TransportError as error:
                self._is_away = True
                self.pause(pause_s, f"no connection to {self._url}: {error or type(error).__name__}")
            else:
                if response.is_success:
                    self.went_on()
                    return response
                refusal = Refused.by(response)
                if response.status_code not in AWAY and not (waits_if_busy and response.status_code == BUSY):
                    raise Waiting(refusal, asked_s(response, pause_s)) if response.status_code == BUSY else refusal
                self._is_away = response.status_code in AWAY
                self.pause(asked_s(response, pause_s), str(refusal))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def pause(self, pause_s: float, why: str) -> None:
        """Wait before the next attempt, no longer than patience lasts, or raise ``GaveUp`` when it is over."""
        now = time.monotonic()
        stuck_since = now if self._stuck_since is None else self._stuck_since
        left_s = stuck_since + self._patience_s - now
        if left_s <= 0:
            raise GaveUp(why if self._stuck_since is None else f"nothing went on for {self._patience_s:.0f} s")
        self._stuck_since = stuck_since
        self._say(f"{why}; trying again")
        time.sleep(min(pause_s, left_s))


class Waiting(Refused):
    """Not now; the gateway has said when to ask again."""

    def __init__(self, refusal: Refused, retry_after_s: float) -> None:
        super().__init__(refusal.status, refusal.code, refusal.detail)
        self.retry_after_s = retry_after_s


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise Refused(response.status_code, NOT_A_GATEWAY, f"{response.request.url} answers something else") from error


def asked_s(response: httpx.Response, otherwise_s: float) -> float:
    """The pause that ``Retry-After`` asks for, within bounds."""
    asked = response.headers.get("retry-after", "")
    return min(float(asked), LONGEST_PAUSE_S) if asked.isdigit() else otherwise_s
