"""Draws the spans that a receiver got as a waterfall, in SVG.

usage: waterfall.py RECEIVED.json PICTURE.svg

RECEIVED.json is what `cargo xtask agents` keeps of a joined run in target/tmp.
"""

import json
import sys
from html import escape

WIDTH, ROW, NAMES, TOP = 1000, 24, 420, 58
COLOURS = {"codeloops": "#3b6fb6", "claude-code": "#c2703d"}
OTHER, FAILED, INK, FAINT = "#6b8e4e", "#b03a3a", "#1f2328", "#d0d7de"


def spans_of(requests):
    """All spans, with the service that each comes from."""
    for request in requests:
        for resource in request["resources"]:
            service = resource["resource"]["attributes"].get("service.name", "unknown")
            for scope in resource.get("scope_spans", []):
                for span in scope.get("spans", []):
                    yield {**span, "service": service}


def in_order(spans):
    """Each span with its depth, parents first, the earlier of two siblings first."""
    ids = {span["span_id"] for span in spans}
    children = {}
    for span in spans:
        parent = span.get("parent_span_id") if span.get("parent_span_id") in ids else None
        children.setdefault(parent, []).append(span)

    def walk(parent, depth):
        for span in sorted(children.get(parent, []), key=lambda s: times(s)):
            yield span, depth
            yield from walk(span["span_id"], depth + 1)

    return list(walk(None, 0))


def times(span):
    return span["start_time_unix_nano"], span["end_time_unix_nano"]


def label(span):
    """The name, with what tells a call or a round apart."""
    told = [span.get("attributes", {}).get(key) for key in NAMED]
    return " · ".join([span["name"], *(str(value) for value in told if value)])


NAMED = ["codeloops.role", "codeloops.decision", "codeloops.outcome"]


def duration(nanos):
    secs = nanos / 1e9
    return f"{secs:.2f} s" if secs >= 1 else f"{nanos / 1e6:.0f} ms"


def row(span, depth, at, begin, scale):
    start, end = times(span)
    x, width = NAMES + (start - begin) * scale, max((end - start) * scale, 2)
    failed = span.get("status", {}).get("code") == 2
    colour = FAILED if failed else COLOURS.get(span["service"], OTHER)
    inside = x + width + 70 > WIDTH
    place, anchor = (x - 6, "end") if inside else (x + width + 6, "start")
    return [
        f'<text x="{12 + depth * 16}" y="{at + 16}">{escape(label(span))}</text>',
        f'<rect x="{x:.1f}" y="{at + 5}" width="{width:.1f}" height="{ROW - 10}" rx="2" fill="{colour}"/>',
        f'<text class="t" x="{place:.1f}" y="{at + 16}" text-anchor="{anchor}">{duration(end - start)}</text>',
    ]


def legend(services):
    parts, x = [], 12
    for service in services:
        colour = COLOURS.get(service, OTHER)
        parts.append(f'<rect x="{x}" y="18" width="12" height="12" rx="2" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18}" y="28">{escape(service)}</text>')
        x += 40 + 8 * len(service)
    return parts


def drawn(spans):
    rows = in_order(spans)
    begin, end = min(times(s)[0] for s in spans), max(times(s)[1] for s in spans)
    scale = (WIDTH - NAMES - 16) / max(end - begin, 1)
    height = TOP + ROW * len(rows) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="A run as a trace: {len(rows)} spans">',
        f"<style>text{{font:13px system-ui,sans-serif;fill:{INK}}}.t{{font-size:11px;fill:#57606a}}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *legend(sorted({span["service"] for span in spans}, key=lambda s: (s != "codeloops", s))),
        f'<line x1="{NAMES}" y1="{TOP - 8}" x2="{NAMES}" y2="{height}" stroke="{FAINT}"/>',
    ]
    for number, (span, depth) in enumerate(rows):
        parts.extend(row(span, depth, TOP + number * ROW, begin, scale))
    return "\n".join([*parts, "</svg>", ""])


def main(received, picture):
    with open(received, encoding="utf-8") as file:
        spans = list(spans_of(json.load(file)))
    trace = next(span["trace_id"] for span in spans if span["service"] == "codeloops")
    with open(picture, "w", encoding="utf-8") as file:
        file.write(drawn([span for span in spans if span["trace_id"] == trace]))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
