#!/usr/bin/env python3
"""A model server that answers as a scenario says, so that real agent programs need no account.

It speaks as much of four protocols as the agents ask for: Anthropic Messages, OpenAI Responses,
OpenAI Chat Completions and Gemini. It listens on 127.0.0.1, on a port that the system gives and that
is its first line of output, and ends when its standard input does, so that no test leaves it behind.

usage: fake_model.py SCENARIO.json PROJECT LOG

A scenario is a list of rules. A request is answered by the first rule whose `when` stands in its
body; that of the last one may be left out. A rule gives its turns one by one, the last one again and
again. A request that offers the model no tools is a helper's, for a title: it is answered by `ok`,
takes no turn and is not logged.

    [{"when": "You are the critic", "turns": [TURN, ...]}, {"turns": [TURN, ...]}]

A turn is one of

    {"text": "...", "tools": [TOOL, ...]}         an answer; either may be left out
    {"hang": true}                                an answer that begins and never ends
    {"error": {"status": 401, "type": "...", "message": "..."}}
    {"limit_resets_in": 3}                        Anthropic's usage window, used up for 3 seconds

and a tool call is put into the words of a tool that the agent offers, so one scenario serves all:

    {"write": "a.txt", "content": "hi\\n"}        relative to the folder PROJECT
    {"run": "echo hi"}                            a shell command

Every answer uses the same number of tokens (USAGE). For each request LOG gets a JSON line with its
`path`, the `model` that it is for, and the numbers of the `rule` and of the `turn` that answer it,
from 0.
"""
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Of one answer. The cached tokens are beside the others, as Anthropic counts.
USAGE = {"input": 100, "cached": 30, "output": 20}

NO_SUCH_TOOL = "no_such_tool"


class Scenario:
    """The rules, and how far each of them has got."""

    def __init__(self, rules):
        self.rules = rules
        self.lock = threading.Lock()
        self.taken = [0] * len(rules)

    def next_turn(self, body):
        """The numbers of the rule and the turn, and the turn itself."""
        for number, rule in enumerate(self.rules):
            if rule.get("when", "") in body:
                with self.lock:
                    turn = min(self.taken[number], len(rule["turns"]) - 1)
                    self.taken[number] += 1
                return number, turn, rule["turns"][turn]
        raise LookupError("no rule for this request")


# --- Tools --------------------------------------------------------------------------------------


def call_of(tool, offered, project):
    """The name and the input of the first tool that is offered and can do it."""
    if "run" in tool:
        ways = ways_to_run(tool["run"])
    else:
        ways = ways_to_write(tool["write"], tool["content"], project)
    return next((way for way in ways if way[0] in offered), (NO_SUCH_TOOL, {}))


def ways_to_write(name, content, project):
    path = os.path.join(project, name)
    return [
        ("Write", {"file_path": path, "content": content}),
        ("write_file", {"file_path": path, "content": content}),
        ("write", {"filePath": path, "content": content}),
        ("apply_patch", add_file_patch(name, content)),
    ]


def add_file_patch(name, content):
    added = "".join(f"+{line}\n" for line in content.splitlines())
    return f"*** Begin Patch\n*** Add File: {name}\n{added}*** End Patch"


def ways_to_run(command):
    described = {"command": command, "description": "Runs it"}
    return [
        ("Bash", described),
        ("bash", described),
        ("run_shell_command", {**described, "is_background": False}),
        ("exec_command", {"cmd": command}),
    ]


# --- The server ---------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    """One connection; the class has the `scenario`, the `project` and the `log` of its server."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Standard error is for what goes wrong."""

    def do_POST(self):
        try:
            self.answer(self.read_body())
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the agent was ended meanwhile

    def answer(self, text):
        path = self.path.split("?")[0]
        speak = next((speak for ending, speak in PROTOCOLS if path.endswith(ending)), None)
        if speak is None:
            self.send_json(404, {"error": {"message": f"no {path} here"}})
        else:
            speak(self, json.loads(text), text)

    def turn(self, model, text, offered):
        """What to answer; `None` where it was an error, which is answered by then."""
        if not offered:
            return {"text": "ok"}
        rule, number, turn = self.scenario.next_turn(text)
        request = {"path": self.path, "model": model, "rule": rule, "turn": number}
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(json.dumps(request) + "\n")
        if "limit_resets_in" in turn:
            return self.send_limit(turn["limit_resets_in"])
        if "error" in turn:
            return self.send_error_of(turn["error"])
        return turn

    def calls(self, turn, offered):
        return [call_of(tool, offered, self.project) for tool in turn.get("tools", [])]

    def send_error_of(self, error):
        """In a body that each of the protocols finds its own fields in."""
        told = {"type": error["type"], "message": error["message"], "code": error["status"]}
        # Gemini's word for it.
        told["status"] = error["type"].upper()
        self.send_json(error["status"], {"type": "error", "error": told})

    def send_limit(self, seconds):
        """The headers by which Claude Code knows a subscription's window."""
        window = "anthropic-ratelimit-unified"
        resets_at = str(int(time.time()) + seconds)
        headers = {
            f"{window}-status": "rejected",
            f"{window}-reset": resets_at,
            f"{window}-representative-claim": "five_hour",
            f"{window}-5h-status": "rejected",
            f"{window}-5h-reset": resets_at,
            f"{window}-5h-utilization": "1.0",
            f"{window}-overage-status": "rejected",
            "retry-after": str(seconds),
        }
        told = {"type": "rate_limit_error", "message": "This would exceed your rate limit."}
        self.send_json(429, {"type": "error", "error": told}, headers)

    def read_body(self):
        return self.rfile.read(int(self.headers["content-length"])).decode()

    def send_json(self, status, value, headers=None):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def stream(self, events, turn):
        """Sends server-sent events; only the first one where the turn is to hang."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        for event in events:
            name = f"event: {event['type']}\n" if "type" in event else ""
            self.send_text(f"{name}data: {json.dumps(event)}\n\n")
            if turn.get("hang"):
                self.rfile.read(1)  # until the agent hangs up
                return

    def send_text(self, text):
        self.wfile.write(text.encode())
        self.wfile.flush()


# --- Anthropic Messages -------------------------------------------------------------------------


def anthropic(handler, body, text):
    offered = {tool["name"] for tool in body.get("tools") or []}
    turn = handler.turn(body["model"], text, offered)
    if turn is None:
        return
    blocks = [{"type": "text", "text": turn["text"]}] if "text" in turn else []
    for number, (name, given) in enumerate(handler.calls(turn, offered)):
        call = f"toolu_{time.time_ns()}_{number}"
        blocks.append({"type": "tool_use", "id": call, "name": name, "input": given})
    message = {
        "id": f"msg_{time.time_ns()}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": blocks,
        "stop_reason": "tool_use" if "tools" in turn else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": USAGE["input"],
            "cache_read_input_tokens": USAGE["cached"],
            "cache_creation_input_tokens": 0,
            "output_tokens": USAGE["output"],
        },
    }
    handler.stream(anthropic_events(message), turn)


def anthropic_events(message):
    begun = {**message, "content": [], "stop_reason": None}
    yield {"type": "message_start", "message": begun}
    for index, block in enumerate(message["content"]):
        if block["type"] == "text":
            empty, delta = {"text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            given = json.dumps(block["input"])
            empty, delta = {"input": {}}, {"type": "input_json_delta", "partial_json": given}
        yield {"type": "content_block_start", "index": index, "content_block": {**block, **empty}}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": ended, "usage": message["usage"]}
    yield {"type": "message_stop"}


# --- OpenAI Responses ---------------------------------------------------------------------------


def responses(handler, body, text):
    # Those without a name are the provider's own.
    offered = {tool["name"] for tool in body.get("tools") or [] if "name" in tool}
    turn = handler.turn(body["model"], text, offered)
    if turn is None:
        return
    items = [responses_message(turn["text"])] if "text" in turn else []
    items += [responses_call(*call) for call in handler.calls(turn, offered)]
    whole_input = USAGE["input"] + USAGE["cached"]
    response = {
        "id": f"resp_{time.time_ns()}",
        "object": "response",
        "status": "completed",
        "model": body["model"],
        "output": items,
        "usage": {
            "input_tokens": whole_input,
            "input_tokens_details": {"cached_tokens": USAGE["cached"]},
            "output_tokens": USAGE["output"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": whole_input + USAGE["output"],
        },
    }
    handler.stream(responses_events(response), turn)


def responses_message(text):
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"type": "message", "role": "assistant", "status": "completed", "content": [part]}
    return {**message, "id": f"msg_{time.time_ns()}"}


def responses_call(name, given):
    """A tool that takes plain text is called in a form of its own."""
    call = {"call_id": f"call_{time.time_ns()}", "name": name, "status": "completed"}
    if isinstance(given, str):
        return {**call, "type": "custom_tool_call", "input": given}
    return {**call, "type": "function_call", "arguments": json.dumps(given)}


def responses_events(response):
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    for index, item in enumerate(response["output"]):
        yield {"type": "response.output_item.added", "output_index": index, "item": item}
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": response}


# --- OpenAI Chat Completions --------------------------------------------------------------------


def chat(handler, body, text):
    offered = {tool["function"]["name"] for tool in body.get("tools") or []}
    turn = handler.turn(body["model"], text, offered)
    if turn is None:
        return
    calls = [
        {
            "index": index,
            "id": f"call_{time.time_ns()}_{index}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(given)},
        }
        for index, (name, given) in enumerate(handler.calls(turn, offered))
    ]
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": body["model"]}
    handler.stream(({**chunk, **event} for event in chat_events(turn, calls)), turn)
    handler.send_text("data: [DONE]\n\n")


def chat_events(turn, calls):
    def choice(delta, reason=None):
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

    yield choice({"role": "assistant", "content": turn.get("text", "")})
    if calls:
        yield choice({"tool_calls": calls})
    yield choice({}, "tool_calls" if calls else "stop")
    whole_input = USAGE["input"] + USAGE["cached"]
    usage = {
        "prompt_tokens": whole_input,
        "completion_tokens": USAGE["output"],
        "total_tokens": whole_input + USAGE["output"],
        "prompt_tokens_details": {"cached_tokens": USAGE["cached"]},
    }
    yield {"choices": [], "usage": usage}


# --- Gemini -------------------------------------------------------------------------------------


def gemini(handler, body, text):
    groups = body.get("tools") or []
    offered = {tool["name"] for group in groups for tool in group["functionDeclarations"]}
    turn = handler.turn(model_in(handler.path), text, offered)
    if turn is None:
        return
    parts = [{"text": turn["text"]}] if "text" in turn else []
    for name, given in handler.calls(turn, offered):
        parts.append({"functionCall": {"name": name, "args": given}})
    handler.stream(gemini_events(parts), turn)


def model_in(path):
    """`gemini-pro` of `/v1beta/models/gemini-pro:streamGenerateContent`"""
    return path.split("/models/")[1].split(":")[0]


def gemini_events(parts):
    for part in [{"text": ""}, *parts]:
        yield gemini_chunk([part], ended=False)
    yield gemini_chunk([{"text": ""}], ended=True)


def gemini_chunk(parts, ended):
    candidate = {"index": 0, "content": {"role": "model", "parts": parts}}
    if not ended:
        return {"candidates": [candidate]}
    whole_input = USAGE["input"] + USAGE["cached"]
    usage = {
        "promptTokenCount": whole_input,
        "cachedContentTokenCount": USAGE["cached"],
        "candidatesTokenCount": USAGE["output"],
        "totalTokenCount": whole_input + USAGE["output"],
    }
    return {"candidates": [{**candidate, "finishReason": "STOP"}], "usageMetadata": usage}


# What the path of a request ends with, and who speaks it.
PROTOCOLS = [
    ("/messages", anthropic),
    ("/responses", responses),
    ("/chat/completions", chat),
    (":streamGenerateContent", gemini),
]


def main():
    scenario, Handler.project, Handler.log = sys.argv[1:]
    with open(scenario, encoding="utf-8") as file:
        Handler.scenario = Scenario(json.load(file))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
