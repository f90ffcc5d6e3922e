"""Exports a run to Arize Phoenix, a product that takes OTLP, and reads its trace back.

usage: unshare -rn product.py PHOENIX CODELOOPS

PHOENIX is its program (`pip install arize-phoenix`), CODELOOPS ours. It listens on all addresses, so this
runs in a network of its own. Ends with 0 where the trace is there as it was recorded.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

UI = "http://127.0.0.1:6006"
READY = 120


def main(phoenix, codeloops):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        server = subprocess.Popen([phoenix, "serve"], env=environment(home), stdout=subprocess.DEVNULL)
        try:
            wait_until_ready(server)
            for protocol, endpoint in [("grpc", "http://127.0.0.1:4317"), ("http/protobuf", UI)]:
                run = run_exported(codeloops, home / protocol.replace("/", "-"), protocol, endpoint)
                compare(run, read_back(run))
                print(f"{protocol}: {len(run['spans'])} spans read back")
        finally:
            server.terminate()
            server.wait()


def environment(home):
    own = {"PHOENIX_HOST": "127.0.0.1", "PHOENIX_WORKING_DIR": str(home / "phoenix"), "HOME": str(home)}
    quiet = {"PHOENIX_TELEMETRY_ENABLED": "false", "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false"}
    return {**os.environ, **own, **quiet}


def wait_until_ready(server):
    until = time.monotonic() + READY
    while time.monotonic() < until and server.poll() is None:
        try:
            with urlopen(f"{UI}/healthz", timeout=2):
                return
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    sys.exit(f"the product did not begin to listen within {READY} s")


AGENT = """cat > /dev/null
if [ "$CODELOOPS_ROLE" = actor ]; then echo "$CODELOOPS_ITERATION" >> notes.txt; echo done
elif [ "$CODELOOPS_ITERATION" = 1 ]; then printf 'DECISION: CONTINUE\\nFEEDBACK: more\\n'
else printf 'DECISION: DONE\\nSUMMARY: enough\\nCONFIDENCE: 0.9\\n'; fi
"""


def run_exported(codeloops, home, protocol, endpoint):
    """A run of two rounds; gives its recording."""
    project = home / "project"
    project.mkdir(parents=True)
    (project / "agent.sh").write_text(AGENT)
    command = json.dumps(["sh", str(project / "agent.sh")])
    (project / "codeloops.toml").write_text(f'agent = "mine"\n[agents.mine]\ncommand = {command}\n')
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for args in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "begin"]):
        subprocess.run([*git, *args], cwd=project, check=True)
    flags = ["--sink", "otel", "--otel-endpoint", endpoint, "--otel-protocol", protocol]
    env = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home / "data")}
    done = subprocess.run(
        [codeloops, "--prompt", "Write notes.", "--json-output", *flags],
        cwd=project, env=env, check=True, capture_output=True, text=True,
    )
    result = json.loads(done.stdout)
    sink = next(sink for sink in result["sinks"] if sink["name"] == "otel")
    assert sink["state"] == "finished", sink
    return {"run": result["run_id"], "spans": expected(result["run_id"])}


def expected(run):
    """Span ids by their documented derivation, each with its parent's."""
    def span(path):
        return hashlib.sha256(f"codeloops.span.v1\0{run}\0{path}".encode()).hexdigest()[:16]

    spans = {span("session"): None}
    for number in (1, 2):
        spans[span(f"iter/{number}")] = span("session")
        for path in ("actor", "diff", "critic"):
            spans[span(f"iter/{number}/{path}")] = span(f"iter/{number}")
    return spans


def read_back(run):
    """The spans of the run's trace; the product takes a moment to show them."""
    trace = hashlib.sha256(f"codeloops.trace.v1\0{run['run']}".encode()).hexdigest()[:32]
    until = time.monotonic() + 30
    found = {}
    while time.monotonic() < until and len(found) < len(run["spans"]):
        time.sleep(0.2)
        with urlopen(f"{UI}/v1/projects/default/spans?limit=1000", timeout=10) as answer:
            spans = json.load(answer)["data"]
        of_trace = [span for span in spans if span["context"]["trace_id"] == trace]
        found = {span["context"]["span_id"]: span["parent_id"] for span in of_trace}
    return found


def compare(run, found):
    if found != run["spans"]:
        sys.exit(f"expected {json.dumps(run['spans'], indent=1)}\nfound {json.dumps(found, indent=1)}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*(Path(argument).resolve() for argument in sys.argv[1:]))
