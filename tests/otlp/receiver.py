#!/usr/bin/env python3
"""A receiver of OTLP that has no line in common with what it receives from.

It takes spans and metrics over gRPC and over HTTP (protobuf, also packed with gzip), on 127.0.0.1, on
ports that the system gives, and ends when its standard input does, so that no test leaves it behind.
Messages are those that OpenTelemetry generates, gRPC is that of its C core (`requirements.txt`).

The first line of output is `{"grpc": PORT, "http": PORT}`. Then comes one for each request:

    {"signal": "traces", "transport": "grpc", "headers": {...}, "answer": "taken", "resources": [...]}

`resources` holds the fields of the message that are not at their default, by their names in the
protocol; bytes are hexadecimal digits, attributes one object. `answer` is `taken`, `rejected` (some
of it), `unavailable`, `unauthenticated` or `none`, for a request that nobody will answer.
"""
import argparse
import gzip
import json
import os
import select
import socket
import ssl
import sys
import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as traces_grpc

HOST = "127.0.0.1"

PROTOBUF = "application/x-protobuf"


class Signal:
    """One kind of telemetry, and what its requests and answers are made of."""

    def __init__(self, name, request, response, resources, rejected):
        self.name, self.request, self.response = name, request, response
        self.resources, self.rejected = resources, rejected

    def answer(self, rejected):
        response = self.response()
        if rejected:
            setattr(response.partial_success, self.rejected, rejected)
            response.partial_success.error_message = "rejected by the test"
        return response


TRACES = Signal(
    "traces",
    traces.ExportTraceServiceRequest,
    traces.ExportTraceServiceResponse,
    "resource_spans",
    "rejected_spans",
)
METRICS = Signal(
    "metrics",
    metrics.ExportMetricsServiceRequest,
    metrics.ExportMetricsServiceResponse,
    "resource_metrics",
    "rejected_data_points",
)
BY_PATH = {"/v1/traces": TRACES, "/v1/metrics": METRICS}

STATUS = {
    "unavailable": (grpc.StatusCode.UNAVAILABLE, 503),
    "unauthenticated": (grpc.StatusCode.UNAUTHENTICATED, 401),
}


# --- Messages as JSON ---------------------------------------------------------------------------


def plain(value):
    """A message, or a part of one, as JSON has it."""
    if isinstance(value, bytes):
        return value.hex()
    if not hasattr(value, "ListFields"):
        return value
    kind = value.DESCRIPTOR.name
    if kind == "AnyValue":
        which = value.WhichOneof("value")
        return plain(getattr(value, which)) if which else None
    if kind == "ArrayValue":
        return [plain(item) for item in value.values]
    if kind == "KeyValueList":
        return attributes(value.values)
    return {field.name: plain_field(field, of) for field, of in value.ListFields()}


def plain_field(field, value):
    if field.message_type and field.message_type.name == "KeyValue":
        return attributes(value)
    return [plain(item) for item in value] if field.is_repeated else plain(value)


def attributes(pairs):
    return {pair.key: plain(pair.value) for pair in pairs}


# --- What becomes of a request ------------------------------------------------------------------


class Desk:
    """Decides on requests, and tells of them."""

    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.seen = 0

    def take(self, signal, transport, headers, request):
        """The word for what becomes of it, and the answer, where it is taken."""
        with self.lock:
            self.seen += 1
            word = self.judge(headers)
            line = {
                "signal": signal.name,
                "transport": transport,
                "headers": headers,
                "answer": word,
                "resources": plain(request).get(signal.resources, []),
            }
            print(json.dumps(line), flush=True)
        if word == "none":
            threading.Event().wait()
        return word, signal.answer(self.options.reject)

    def judge(self, headers):
        if self.options.hang:
            return "none"
        if self.options.require:
            name, _, value = self.options.require.partition("=")
            if headers.get(name.lower()) != value:
                return "unauthenticated"
        if self.seen <= self.options.fail_first:
            return "unavailable"
        return "rejected" if self.options.reject else "taken"


# --- Transports ---------------------------------------------------------------------------------


def grpc_server(desk):
    def export(signal):
        class Servicer:
            def Export(self, request, context):
                headers = {key.lower(): value for key, value in context.invocation_metadata()}
                word, answer = desk.take(signal, "grpc", headers, request)
                if word in STATUS:
                    context.abort(STATUS[word][0], word)
                return answer

        return Servicer()

    server = grpc.server(futures.ThreadPoolExecutor(8))
    traces_grpc.add_TraceServiceServicer_to_server(export(TRACES), server)
    metrics_grpc.add_MetricsServiceServicer_to_server(export(METRICS), server)
    return server


def http_server(desk):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {key.lower(): value for key, value in self.headers.items()}
            signal = BY_PATH.get(self.path)
            if signal is None:
                return self.respond(404)
            if headers.get("content-type") != PROTOBUF:
                return self.respond(415)
            if headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            request = signal.request()
            request.ParseFromString(body)
            word, answer = desk.take(signal, "http", headers, request)
            if word in STATUS:
                return self.respond(STATUS[word][1])
            return self.respond(200, answer.SerializeToString())

        def respond(self, status, body=b""):
            self.send_response(status)
            self.send_header("content-type", PROTOBUF)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return ThreadingHTTPServer((HOST, 0), Handler)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def grpc_port(server, options):
    if not options.certificate:
        return server.add_insecure_port(f"{HOST}:0")
    pair = (read(options.key), read(options.certificate))
    authority = read(options.client_authority) if options.client_authority else None
    credentials = grpc.ssl_server_credentials([pair], authority, authority is not None)
    return server.add_secure_port(f"{HOST}:0", credentials)


def with_tls(server, options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    if options.client_authority:
        context.load_verify_locations(options.client_authority)
        context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)


def serve(options):
    """Ports and what must stay alive with them."""
    desk = Desk(options)
    by_grpc, by_http = grpc_server(desk), http_server(desk)
    if options.certificate:
        with_tls(by_http, options)
    port = grpc_port(by_grpc, options)
    by_grpc.start()
    threading.Thread(target=by_http.serve_forever, daemon=True).start()
    return {"grpc": port, "http": by_http.server_address[1]}, (by_grpc, by_http)


def black_hole():
    """A port that no connection to ever comes about: its queue is full, so the system drops what
    asks for one."""
    listening = socket.socket()
    listening.bind((HOST, 0))
    listening.listen(0)
    kept = [listening]
    while True:
        asking = socket.socket()
        asking.setblocking(False)
        asking.connect_ex(listening.getsockname())
        kept.append(asking)
        if not select.select([], [asking], [], 0.2)[1]:
            return {"grpc": listening.getsockname()[1], "http": listening.getsockname()[1]}, kept


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fail-first", type=int, default=0, help="answer so many as unavailable")
    parser.add_argument("--hang", action="store_true", help="answer nothing")
    parser.add_argument("--reject", type=int, default=0, help="tell of so many that were rejected")
    parser.add_argument("--require", default="", help="NAME=VALUE of a header, else unauthenticated")
    parser.add_argument("--black-hole", action="store_true", help="let nobody connect")
    parser.add_argument("--certificate", help="speak TLS, with this certificate")
    parser.add_argument("--key", help="its key")
    parser.add_argument("--client-authority", help="take only clients with a certificate of this one")
    return parser.parse_args()


def main():
    options = arguments()
    ports, _kept = black_hole() if options.black_hole else serve(options)
    print(json.dumps(ports), flush=True)
    sys.stdin.read()
    # Threads that answer nothing would be waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
