"""Figures of a running `atsync serve`, beside their goals: declarations by batches, the time from a
commit to a subscriber, and the memory of subscribers that wait and that read nothing. Not part of
CI. ATSYNC_PROFILE=release measures a release build.

`target/api/venv/bin/python engine/daemon/api/measure.py`
"""

import json
import resource
import socket
import statistics
import time
from pathlib import Path
from urllib.parse import urlsplit

from company import PROFILE, Site

ACME = "/v1/connections/acme"
BATCHES, BATCH = 10, 1_000
EDITS = 200
SUBSCRIBERS = 1_000


def memory(site):
    """The resident memory of the server, in MiB."""
    status = Path(f"/proc/{site.children[-1].pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def subscribed(site, after, receive_bytes=None):
    """A subscriber of the feed, before its first byte is read."""
    parts = urlsplit(site.url)
    peer = socket.socket()
    if receive_bytes:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    peer.connect((parts.hostname, parts.port))
    peer.sendall(
        f"GET {ACME}/changes?after={after} HTTP/1.1\r\nhost: {parts.netloc}\r\n"
        f"accept: text/event-stream\r\nauthorization: Bearer {site.tokens['reader']}\r\n\r\n".encode()
    )
    return peer


def last(site):
    return site.api("GET", f"{ACME}/status")["changes_last"]


def edited(site, number):
    rows = site.candidates
    site.control("POST", "/recruiter", {
        "do": "rename", "candidate_id": rows[number % len(rows)]["id"],
        "first_name": "Grace", "last_name": f"Edited{number}",
    })


def latency(site):
    """The milliseconds from each commit to its arrival, by the feed's `at_ms`."""
    peer = subscribed(site, last(site))
    stream = peer.makefile("rb")
    waits = []
    for number in range(EDITS):
        edited(site, number)
        for line in stream:
            if line.startswith(b"data: {"):
                waits.append(time.time() * 1_000 - json.loads(line[6:])["at_ms"])
                break
    peer.close()
    return waits


def declared(site):
    """Records a second, each batch durable when it is answered."""
    began = time.monotonic()
    for batch in range(BATCHES):
        records = [{
            "key": f"b{batch}-{number}", "name": {"first": "Ada", "last": f"Obi {number}"},
            "emails": [f"ada{batch}.{number}@new.example.com"], "company": "Globex",
        } for number in range(BATCH)]
        site.api("POST", f"{ACME}/desired", records)
    return BATCHES * BATCH / (time.monotonic() - began)


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with Site() as site:
        site.candidates = site.control("GET", "/rows/candidates")
        waits = latency(site)
        print(f"{PROFILE}: commit to subscriber: median {statistics.median(waits):.1f} ms, "
              f"99th percentile {statistics.quantiles(waits, n=100)[98]:.1f} ms (goal 20)")
        before = memory(site)
        idle = [subscribed(site, last(site)) for _ in range(SUBSCRIBERS)]
        for peer in idle:
            peer.recv(1)
        print(f"{SUBSCRIBERS} idle subscribers: {memory(site) - before:.1f} MiB more (goal 30)")
        for peer in idle:
            peer.close()
        before = memory(site)
        stalled = [subscribed(site, 0, receive_bytes=4_096) for _ in range(SUBSCRIBERS)]
        for number in range(EDITS):
            edited(site, number + EDITS)
        last(site)
        print(f"{SUBSCRIBERS} stalled subscribers: {memory(site) - before:.1f} MiB more (goal 50)")
        for peer in stalled:
            peer.close()
        print(f"declared: {declared(site):.0f} records/s durable (goal 2,000)")


main()
