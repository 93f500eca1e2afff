"""A sandbox with a company, and `atsync serve` beside it, in a directory that is removed at the end.

The configuration has a connection, two tokens, a key for sealed secrets and a webhook secret. The
schedules run once at the start and then at the turn of the year: what happens meanwhile happens by
requests and webhooks.
"""

import http.client
import json
import os
import re
import secrets
import subprocess
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROFILE = os.environ.get("ATSYNC_PROFILE", "debug")
WEBHOOK_SECRET = "webhook secret of acme"
TRIES = 5_000


class Site:
    def __enter__(self):
        self.children = []
        self.directory = tempfile.TemporaryDirectory(prefix="atsync-api-")
        self.tokens = {name: secrets.token_hex(32) for name in ("operator", "reader")}
        size = ["--seed", "3", "--candidates", "60", "--rate-limit", "1000000"]
        said = self._started(
            ["atsync-greenhouse-sandbox", "--listen", "127.0.0.1:0", *size], "listening on"
        )
        self.ats = re.search(r"http://[\d.:]+", said)[0]
        Path(self.directory.name, "acme.toml").write_text(self._config())
        said = self._started(["atsync", "--config", "acme.toml", "serve"], "and http://")
        self.url = re.search(r"http://[\d.:]+", said)[0]
        self.until("GET", "/v1/connections/acme/status", lambda status: len(status["pulled_ms"]) > 2)
        path = self.api("GET", "/v1/connections/acme/webhook")["path"]
        hook = {"url": self.url + path, "secret": WEBHOOK_SECRET, "events": ["update_candidate"]}
        self.control("POST", "/webhooks", hook)
        return self

    def __exit__(self, *_):
        for child in reversed(self.children):
            child.terminate()
            child.wait()
        self.directory.cleanup()

    def _started(self, command, text):
        """Starts a program, and returns the first line that has this text."""
        environment = {
            **os.environ,
            "ATSYNC_CACHE_DIR": str(TARGET / "tmp" / "adapters"),
            "GH_SECRET": "sandbox-secret",
            "SEAL": secrets.token_hex(32),
            "HOOK": WEBHOOK_SECRET,
            "OPERATOR": self.tokens["operator"],
            "READER": self.tokens["reader"],
        }
        command = [str(TARGET / PROFILE / command[0]), *command[1:]]
        child = subprocess.Popen(
            command, cwd=self.directory.name, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        self.children.append(child)
        lines = []
        for line in child.stdout:
            lines.append(line)
            if text in line:
                threading.Thread(target=self._drained, args=(child,), daemon=True).start()
                return line
        raise RuntimeError(f"{command[0]} ended:\n{''.join(lines)}")

    @staticmethod
    def _drained(child):
        for _ in child.stdout:
            pass

    def _config(self):
        never = "0 0 1 1 *"
        return f"""store = "acme.redb"

[connections.acme]
adapter = "greenhouse"
auth = {{ scheme = "oauth2-client-credentials", client_id = "sandbox", client_secret = {{ env = "GH_SECRET" }} }}
origins = {{ api = "{self.ats}", auth = "{self.ats}" }}
allow_private_network = true
webhook_secret = {{ env = "HOOK" }}
schedule = {{ jobs = "{never}", candidates = "{never}", applications = "{never}" }}

[serve]
listen = "127.0.0.1:0"
seal_key = {{ env = "SEAL" }}
allow_private_network = true
tokens.operator = {{ secret = {{ env = "OPERATOR" }}, scope = "admin" }}
tokens.reader = {{ secret = {{ env = "READER" }}, scope = "read", connections = ["acme"] }}
"""

    def api(self, method, path, body=None):
        """Asks the API as the operator."""
        return asked(self.url + path, method, body, self.tokens["operator"])

    def control(self, method, path, body=None):
        """Asks the sandbox's control surface."""
        return asked(f"{self.ats}/_sandbox{path}", method, body)

    def until(self, method, path, is_right):
        """Asks the API until its answer is right."""
        for _ in range(TRIES):
            try:
                answer = self.api(method, path)
            except Refused:
                continue
            if is_right(answer):
                return answer
        raise RuntimeError(f"{path}: {self.api(method, path)}")


class Refused(Exception):
    """An answer with an error status."""


def asked(url, method, body=None, token=None):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    if answer.status >= 400:
        raise Refused(f"{method} {url}: {answer.status} {text}")
    is_json = "json" in (answer.headers.get("content-type") or "")
    return json.loads(text) if is_json else text
