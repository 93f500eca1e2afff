"""What a script would do: pulls all candidates of a sandbox into SQLite, with Python's standard
library alone.

`pull.rs` runs it beside `atsync pull` and compares the CPU seconds of the two processes. It does
what the pull does, as directly as a script can: one connection, a token, pages of 500 by their Link
headers, each row mapped to a unified record and stored with its raw JSON and its index terms, one
transaction a page. It leaves out everything that the engine does besides: checksums, change events,
rate budgets, retries, bad rows.

usage: pull_sqlite.py URL FILE
"""

import base64
import http.client
import json
import re
import resource
import sqlite3
import sys
from urllib.parse import urlsplit


def contacts(rows, kind=None):
    return [
        {"value": row["value"], "kind": {"value": kind or row["type"], "source": row.get("type")}}
        for row in rows
        if row["value"]
    ]


def unified(row):
    return {
        "name": {"first": row["first_name"], "last": row["last_name"]},
        "emails": contacts(row["email_addresses"]),
        "phones": contacts(row["phone_numbers"]),
        "addresses": contacts(row["addresses"]),
        "links": contacts(row["website_addresses"])
        + contacts(row["social_media_addresses"], "social"),
        "company": row["company"],
        "title": row["title"],
        "tags": [{"name": tag} for tag in row["tags"]],
        "privacy": {"private": row["private"], "do_not_contact": not row["can_email"]},
        "linked_users": [{"id": str(user)} for user in row["linked_user_ids"]],
        "custom_fields": row["custom_fields"],
        "last_activity_at": row["last_activity_at"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


def terms(record, row_id):
    for contact in record["emails"]:
        yield ("email", contact["value"].lower(), row_id)
    for contact in record["phones"]:
        yield ("phone", re.sub(r"\D", "", contact["value"]), row_id)


def main(url, file):
    store = sqlite3.connect(file)
    store.execute("PRAGMA journal_mode = WAL")
    store.execute("CREATE TABLE records (id TEXT PRIMARY KEY, version TEXT, body TEXT, raw TEXT)")
    store.execute("CREATE TABLE terms (name TEXT, term TEXT, id TEXT, "
                  "PRIMARY KEY (name, term, id)) WITHOUT ROWID")
    http_connection = http.client.HTTPConnection(urlsplit(url).netloc)
    basic = base64.b64encode(b"sandbox:sandbox-secret").decode()
    http_connection.request(
        "POST",
        "/token",
        "grant_type=client_credentials",
        {"authorization": f"Basic {basic}", "content-type": "application/x-www-form-urlencoded"},
    )
    token = json.loads(http_connection.getresponse().read())["access_token"]
    path, count = "/v3/candidates?per_page=500", 0
    while path:
        http_connection.request("GET", path, headers={"authorization": f"Bearer {token}"})
        response = http_connection.getresponse()
        rows = json.loads(response.read())
        records, found = [], []
        for row in rows:
            row_id, record = str(row["id"]), unified(row)
            body = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
            raw = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
            records.append((row_id, row["updated_at"], body, raw))
            found.extend(terms(record, row_id))
        with store:
            store.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", records)
            store.executemany("INSERT OR REPLACE INTO terms VALUES (?, ?, ?)", found)
        count += len(rows)
        following = re.search(r'<([^>]+)>; *rel="next"', response.getheader("link") or "")
        target = urlsplit(following.group(1)) if following else None
        path = f"{target.path}?{target.query}" if target else None
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{count} {used.ru_utime + used.ru_stime:.2f} {used.ru_maxrss / 1024:.1f}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
