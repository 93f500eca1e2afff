"""`promtool check metrics` on /metrics, with every family present: rounds, writes, webhooks taken
and refused, conditions that hold and one that does not."""

import http.client
import os
import subprocess
import sys
from urllib.parse import urlsplit

from company import Site

# Families that need something to have happened.
PRESENT = [
    'atsync_rounds_total{connection="acme",round="pull",outcome="',
    'atsync_writes_total{connection="acme"} 1',
    'atsync_webhooks_total{connection="acme"} ',
    'atsync_webhooks_refused_total{connection="acme"} 1',
    'atsync_condition{connection="acme",condition="webhooks_arriving"} 1',
    'atsync_condition{connection="acme",condition="writing"} ',
    'atsync_requests_total{connection="acme"} ',
    'atsync_budget_wait_seconds_total{connection="acme"} ',
    'atsync_intents_open{connection="acme"} 0',
    'atsync_intents{connection="acme",state="applied"} 1',
    'atsync_intents_in_doubt_oldest_seconds{connection="acme"} 0.0',
    'atsync_desired{connection="acme"} 1',
    'atsync_desired_dirty{connection="acme"} ',
    'atsync_lag_seconds{connection="acme"} ',
    'atsync_budget_left{connection="acme",rule="',
    'atsync_heartbeat_age_seconds{loop="schedule",connection="acme"} ',
    'atsync_heartbeat_age_seconds{loop="writer",connection=""} ',
    "atsync_build_info{version=",
]
TRIES = 500


def forged(url):
    """Sends a webhook that no secret signed."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    connection.request("POST", parts.path, b"{}", {"signature": "sha256 00"})
    status = connection.getresponse().status
    connection.close()
    assert status == 401, status


def main():
    with Site() as site:
        path = site.api("GET", "/v1/connections/acme/webhook")["path"]
        forged(site.url + path)
        record = {"name": {"first": "Ada", "last": "Obi"}, "emails": ["ada@new.example.com"]}
        site.api("PUT", "/v1/connections/acme/desired/ref-1", record)
        for _ in range(TRIES):
            text = site.api("GET", "/metrics")
            missing = [line for line in PRESENT if line not in text]
            if not missing:
                break
        else:
            sys.exit(f"missing: {missing}\n{text}")
        checked = subprocess.run(
            [os.environ.get("PROMTOOL", "promtool"), "check", "metrics"],
            input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
    if checked.returncode != 0 or checked.stdout.strip():
        sys.exit(f"promtool ended with {checked.returncode}: {checked.stdout}")
    print(f"metrics: promtool has nothing to say about {len(text.splitlines())} lines")


main()
