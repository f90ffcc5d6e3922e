"""Appends a line for each decision of the critic, and one for the end, to the file that it is given."""

import json
import sys

with open(sys.argv[1], "a", encoding="utf-8") as log:
    for line in sys.stdin.buffer:
        event = json.loads(line)
        if event["type"] == "iteration":
            what = f"round {event['iteration_number']}: {event['critic_decision']}"
        elif event["type"] == "session_end":
            what = f"{event['outcome']} after {event['iterations']} rounds"
        else:
            continue
        print(event["timestamp"], what, file=log, flush=True)
