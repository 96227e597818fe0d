"""A place to send traces to: OTLP over HTTP, kept in memory."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class SeenSpan:
    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str


class OtlpSink:
    """Listens on a loopback port, by default a free one, until ``close``."""

    def __init__(self, port: int = 0) -> None:
        self.spans: list[SeenSpan] = []
        self.raw = b""
        sink = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                sink.raw += body
                sink.spans += _from_json(body) if "json" in self.headers["Content-Type"] else _from_protobuf(body)
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Be silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def of(self, trace_id: str) -> list[SeenSpan]:
        return [span for span in self.spans if span.trace_id == trace_id]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _from_protobuf(body: bytes) -> Iterator[SeenSpan]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        words = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                yield SeenSpan(words.get("service.name", ""), span.name, *ids)


def _from_json(body: bytes) -> Iterator[SeenSpan]:
    """Triton's exporter sends OTLP as JSON, its ids as hexadecimal digits."""
    for resource in json.loads(body)["resourceSpans"]:
        words = {pair["key"]: pair["value"].get("stringValue") for pair in resource["resource"]["attributes"]}
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                ids = (span["traceId"].lower(), span["spanId"].lower(), span.get("parentSpanId", "").lower())
                yield SeenSpan(words.get("service.name") or "", span["name"], *ids)
