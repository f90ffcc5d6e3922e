#!/usr/bin/env python3
"""Sends one span to a receiver and prints what it is told: `OK`, `UNAVAILABLE`, `200`, `503 ...`

usage: client.py grpc PORT | http PORT
"""
import gzip
import http.client
import sys

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2 as trace

SECOND = 1_000_000_000


def request():
    span = trace.Span(
        trace_id=bytes(range(1, 17)),
        span_id=bytes(range(1, 9)),
        name="a span",
        kind=trace.Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=5 * SECOND,
        end_time_unix_nano=6 * SECOND,
        attributes=[KeyValue(key="n", value=AnyValue(int_value=7))],
        status=trace.Status(code=trace.Status.STATUS_CODE_ERROR, message="why"),
    )
    scope = InstrumentationScope(name="client", version="1")
    name = KeyValue(key="service.name", value=AnyValue(string_value="client"))
    spans = trace.ScopeSpans(scope=scope, spans=[span], schema_url="its schema")
    resource = trace.ResourceSpans(resource=Resource(attributes=[name]), scope_spans=[spans])
    return service.ExportTraceServiceRequest(resource_spans=[resource])


def by_grpc(port):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            metadata = [("authorization", "Bearer t")]
            TraceServiceStub(channel).Export(request(), metadata=metadata)
        except grpc.RpcError as error:
            return error.code().name
    return "OK"


def by_http(port):
    headers = {
        "content-type": "application/x-protobuf",
        "content-encoding": "gzip",
        "authorization": "Bearer t",
    }
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/v1/traces", gzip.compress(request().SerializeToString()), headers)
    return connection.getresponse().status


print({"grpc": by_grpc, "http": by_http}[sys.argv[1]](int(sys.argv[2])))
