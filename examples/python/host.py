"""A host in Python beside `atsync serve`, with the standard library alone: it declares a referral,
follows the feed, and receives the same changes as signed webhooks.

    ATSYNC=http://127.0.0.1:8470 python3 host.py

It expects a connection `greenhouse` and a loopback address without tokens. With a token, send
`authorization: Bearer …` in `call`.
"""

import base64
import hashlib
import hmac
import json
import os
import queue
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ATSYNC = os.environ["ATSYNC"]
ACME = f"{ATSYNC}/v1/connections/greenhouse"
# A delivery that was signed longer ago may be a replay.
OLDEST_SECONDS = 300


def call(method, url, body=None):
    """One request; the parsed answer. A refusal is an `HTTPError`, whose body says what to do."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=90) as answer:
        return json.loads(answer.read() or b"null")


def follow(after):
    """The feed after a serial, without end. Keep the serial with what was done about the change."""
    while True:
        # The answer comes with the next change, or empty after 20 seconds.
        page = call("GET", f"{ACME}/changes?after={after}&wait=20")
        yield from page["changes"]
        after = page["next"]


def is_signed(secret, headers, body):
    """Whether a delivery is authentic: https://www.standardwebhooks.com."""
    sent_at = headers.get("webhook-timestamp", "")
    if not sent_at.isdigit() or abs(time.time() - int(sent_at)) > OLDEST_SECONDS:
        return False
    signed = f"{headers.get('webhook-id', '')}.{sent_at}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    code = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(one.encode(), f"v1,{code}".encode()) for one in given)


class Receiver(BaseHTTPRequestHandler):
    """Takes deliveries. One may come twice, with the same `webhook-id`."""

    secrets = []
    deliveries = queue.Queue()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        is_authentic = any(is_signed(secret, self.headers, body) for secret in self.secrets)
        if is_authentic:
            # Store it before the answer: an answered delivery does not come again.
            self.deliveries.put(json.loads(body))
        self.send_response(204 if is_authentic else 401)
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{receiver.server_port}/atsync"
    endpoint = call("POST", f"{ATSYNC}/v1/webhook-endpoints",
                    {"url": here, "kinds": ["candidates", "applications"]})
    # Shown this once.
    Receiver.secrets.append(endpoint["secret"])

    after = call("GET", f"{ACME}/status")["changes_last"]
    declared = call("PUT", f"{ACME}/desired/ref-200", {
        "name": {"first": "Katherine", "last": "Johnson"},
        "emails": ["katherine@example.com"],
        "applications": [{"key": "a", "job": "Warehouse Lead", "source": "Acme Referrals"}],
    })
    print("declared:", declared["created"], "created")
    # The schedules write it at once. Nothing here waits for it but the feed.
    for change in follow(after):
        if change["cause"]["cause"] != "applied":
            # A recruiter's change, or a first read.
            continue
        print("feed:", change["kind"], change["what"])
        if change["kind"] == "candidates":
            break
    while True:
        delivery = Receiver.deliveries.get(timeout=60)
        if delivery["data"]["after"].get("name", {}).get("first") == "Katherine":
            print("delivered and signed:", delivery["type"])
            break
    call("DELETE", f"{ATSYNC}/v1/webhook-endpoints/{endpoint['id']}")


main()
