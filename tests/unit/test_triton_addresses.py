"""What gRPC is told to connect to, for one Triton and for several."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

import pytest

from cxr import addresses
from cxr.addresses import OPTIONS, channel_target
from cxr.settings import Settings
from tests.manifests import OVERLAYS
from tests.parts import SECRETS, of_compose, of_kubernetes
from tests.unit.test_dockerfiles import last

Names = Callable[..., None]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Makes names resolve to addresses, and no others."""

    def known(**hosts: list[str]) -> None:
        def look_up(host: str, port: str, **more: object) -> list[tuple[object, ...]]:
            assert more == {"type": socket.SOCK_STREAM}  # else each address comes once per kind of socket
            if host not in hosts:
                raise socket.gaierror(host)
            family = [socket.AF_INET6 if ":" in number else socket.AF_INET for number in hosts[host]]
            return [
                (kind, None, None, "", (number, int(port))) for kind, number in zip(family, hosts[host], strict=True)
            ]

        monkeypatch.setattr(addresses.socket, "getaddrinfo", look_up)

    return known


@pytest.mark.parametrize("url", ["triton:8001", " triton:8001 ", "triton:8001,", ",triton:8001"])
def test_one_name_is_left_to_grpc_which_asks_again(url: str) -> None:
    assert channel_target(url) == "dns:///triton:8001"


def test_a_scheme_of_its_own_is_kept() -> None:
    assert channel_target("unix:///run/triton.sock") == "unix:///run/triton.sock"


def test_several_servers_become_numbers_each_once(names: Names) -> None:
    names(a=["10.0.0.1", "10.0.0.2"], b=["10.0.0.2", "10.0.0.3"])
    assert channel_target("a:8001, b:8001") == "ipv4:10.0.0.1:8001,10.0.0.2:8001,10.0.0.3:8001"


def test_ports_tell_servers_of_one_machine_apart(names: Names) -> None:
    names(a=["10.0.0.1"])
    assert channel_target("a:8001,a:8002") == "ipv4:10.0.0.1:8001,10.0.0.1:8002"


def test_numbers_of_the_newer_kind_stand_in_brackets(names: Names) -> None:
    names(**{"fd00::1": ["fd00::1"], "b": ["fd00::2"]})
    assert channel_target("[fd00::1]:8001,b:8001") == "ipv6:[fd00::1]:8001,[fd00::2]:8001"


def test_of_both_kinds_the_older_is_taken(names: Names) -> None:
    names(a=["fd00::1", "10.0.0.1"], b=["fd00::2", "10.0.0.2"])
    assert channel_target("a:8001,b:8001") == "ipv4:10.0.0.1:8001,10.0.0.2:8001"


def test_a_name_that_is_not_known_now_is_left_out(names: Names) -> None:
    names(b=["10.0.0.2"])
    assert channel_target("a:8001,b:8001") == "ipv4:10.0.0.2:8001"


def test_where_no_name_is_known_grpc_asks_for_the_first(names: Names) -> None:
    names()
    assert channel_target("a:8001,b:8001") == "dns:///a:8001"


def test_calls_are_dealt_out_and_tried_again_where_a_server_goes_away() -> None:
    options = dict(OPTIONS)
    config = json.loads(str(options["grpc.service_config"]))
    assert config["loadBalancingConfig"] == [{"round_robin": {}}]
    [method] = config["methodConfig"]
    assert method["name"] == [{"service": "inference.GRPCInferenceService"}]
    assert method["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
    assert options["grpc.service_config_disable_resolution"] == 1


@pytest.mark.parametrize("where", [*OVERLAYS, "compose", "image"])
def test_every_triton_ends_a_connection_in_a_minute_and_answers_what_was_asked_over_it(where: str) -> None:
    """gRPC asks for a name's addresses again when a connection ends: tests/integration/test_triton_comes_back.py."""
    if where == "image":
        commands = [json.loads(last("triton", "CMD"))]
    elif where == "compose":
        commands = [part.words for part in of_compose().values() if part.words[0] == "tritonserver"]
        assert len(commands) == 2
    else:
        commands = [of_kubernetes(where, {**SECRETS, "blobs": {}})["triton"].words]
    for words in commands:
        options = dict(word.removeprefix("--").split("=", 1) for word in words if word.startswith("--"))
        assert int(options["grpc-max-connection-age"]) == 60_000  # milliseconds, as tritonserver --help says
        assert int(options["grpc-max-connection-age-grace"]) >= 2000 * Settings().infer_timeout_s
