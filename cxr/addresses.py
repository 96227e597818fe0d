"""One gRPC channel over several Triton servers: calls are dealt out in turn, and a server that is away is left out.

``CXR_TRITON_URL`` is one of

    host:port                one server, or one name with several addresses (headless Service, scaled compose service)
    host:port,host:port,...  several servers by name or address

One name is left to gRPC's resolver (``dns:///``), which asks again when a connection ends, and only then: while all
hold, a server that is added under the name gets no calls. So the Tritons of Kubernetes and Compose end each connection
at the age of a minute (``--grpc-max-connection-age``; what was asked over it is answered first), and one that comes, or
comes back, is found in about that time (``tests/integration/test_triton_comes_back.py``). Of a list of servers gRPC
takes numbers only, so its names are looked up here, when the channel is opened, and again when no server answers.

Balancing is gRPC's own ``round_robin``: a connection to each server, calls in turn over those that are up. It deals out
calls; a Kubernetes Service would deal out connections, of which each worker has one. A call that meets a server going
away (``UNAVAILABLE``) is tried at the next one within its own deadline: judging a film twice does no harm.
"""

from __future__ import annotations

import ipaddress
import json
import socket
from contextlib import suppress

ChannelOption = tuple[str, str | int]

RETRIES = {
    "maxAttempts": 5,  # gRPC's own limit
    "initialBackoff": "0.05s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [{"name": [{"service": "inference.GRPCInferenceService"}], "retryPolicy": RETRIES}],
}
OPTIONS: list[ChannelOption] = [
    ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
    ("grpc.service_config_disable_resolution", 1),
    # The default back-off of gRPC grows to two minutes; a restarted server should be found again at once.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.dns_min_time_between_resolutions_ms", 2000),
    # A server whose machine vanished closes no connection; only an unanswered ping tells. Triton answers two pings
    # without data per connection before it calls them too many.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 2),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]


def channel_target(url: str) -> str:
    """What gRPC is told to connect to. Names of a list that cannot be resolved now are left out."""
    servers = [server.strip() for server in url.split(",") if server.strip()]
    if len(servers) == 1:
        return servers[0] if "://" in servers[0] else f"dns:///{servers[0]}"
    found = [address for server in servers for address in _resolved(server)]
    kinds = {ipaddress.ip_address(host.strip("[]")).version for host, _ in found}
    if not found or len(kinds) > 1:  # gRPC takes one kind; prefer the older, which every network here has
        found = [(host, port) for host, port in found if ":" not in host]
    if not found:
        return f"dns:///{servers[0]}"
    kind = "ipv6" if ":" in found[0][0] else "ipv4"
    return f"{kind}:{','.join(f'{host}:{port}' for host, port in dict.fromkeys(found))}"


def _resolved(server: str) -> list[tuple[str, str]]:
    host, _, port = server.rpartition(":")
    found: list[tuple[str, str]] = []
    with suppress(OSError):
        for family, _, _, _, address in socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM):
            number = str(address[0])
            found.append((f"[{number}]" if family is socket.AF_INET6 else number, port))
    return found
