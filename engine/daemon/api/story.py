"""A referral from its declaration to the recruiter's move, by a client that openapi-python-client
made from /openapi.json: what the document says is enough to write a host.

Nothing waits for a time: the feed's long poll and repeated reads do.
"""

import importlib
import json
import subprocess
import sys
from pathlib import Path

from company import TARGET, Site

HERE = Path(__file__).resolve().parent
OUT = TARGET / "api"
EMAIL = "ada@new.example.com"
NAME = "beta"
TRIES = 500
# Of the generator, in full: it makes no client for a batch as JSON Lines, but one for JSON.
WARNINGS = ["Unsupported content type application/x-ndjson"]


def generated(site):
    """Makes the client, and returns it."""
    document = OUT / "openapi.json"
    document.write_text(json.dumps(site.api("GET", "/openapi.json")))
    ended = subprocess.run(
        [
            str(Path(sys.executable).parent / "openapi-python-client"), "generate",
            "--path", str(document), "--output-path", str(OUT / "atsync_client"),
            "--config", str(HERE / "client.yml"), "--meta", "none", "--overwrite",
        ],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    assert ended.returncode == 0, ended.stdout
    blocks = ended.stdout.split("WARNING ")[1:]
    strange = [block for block in blocks if not any(known in block for known in WARNINGS)]
    assert not strange, strange
    sys.path.insert(0, str(OUT))
    sys.path.insert(0, str(HERE))
    return importlib.import_module("atsync_client")


def operation(tag, name):
    return importlib.import_module(f"atsync_client.api.{tag}.{name}")


def called(module, *args, status=200, **kwargs):
    """Carries an operation out, and returns its parsed answer."""
    answer = module.sync_detailed(*args, **kwargs)
    assert answer.status_code == status, (module.__name__, answer.status_code, answer.content)
    return answer.parsed


def make_connection(site, models, operator):
    making = models.Making.from_dict({
        "adapter": "greenhouse",
        "auth": {
            "scheme": "oauth2-client-credentials", "client_id": "sandbox",
            "client_secret": "sandbox-secret",
        },
        "origins": {"api": site.ats, "auth": site.ats},
        "schedule": {kind: "0 0 1 1 *" for kind in ("jobs", "candidates", "applications")},
        "allow_private_network": True,
        "webhook_secret": "webhook secret of beta",
    })
    put = operation("connections", "put_connection")
    made = called(put, NAME, client=operator, body=making, if_none_match="*", status=201)
    assert (made.name, made.revision) == (NAME, 1)
    refused = called(put, NAME, client=operator, body=making, if_none_match="*", status=412)
    assert refused.type_ == "urn:atsync:problem:precondition-failed", refused
    path = called(operation("connections", "read_webhook"), NAME, client=operator).path
    hook = {"url": site.url + path, "secret": "webhook secret of beta"}
    events = ["update_candidate", "candidate_stage_change"]
    site.control("POST", "/webhooks", {**hook, "events": events})
    status = operation("connections", "read_status")
    for _ in range(TRIES):
        pulled = called(status, NAME, client=operator).pulled_ms
        if {"jobs", "candidates", "applications"} <= set(pulled.additional_properties):
            return
    raise AssertionError(pulled)


def change_where(operator, after, is_it):
    """Follows the feed by long polls until a change is the right one."""
    changes = operation("changes", "changes")
    for _ in range(TRIES):
        page = called(changes, NAME, client=operator, after=after, wait=5)
        for change in page.changes:
            if is_it(change):
                return change, page.next_
        after = page.next_
    raise AssertionError("the change did not come")


def member(change, name):
    return change.after.to_dict().get(name) if change.after else None


def refer(site, models, host):
    """Declares a referral, and applies it."""
    titles = [job["name"] for job in site.control("GET", "/rows/jobs") if job["status"] == "open"]
    title = next(title for title in titles if titles.count(title) == 1)
    declare = operation("desired", "declare")
    record = models.DesiredCandidate.from_dict({
        "key": "ref-1", "name": {"first": "Ada", "last": "Obi"}, "emails": [EMAIL],
        "applications": [{"key": "a", "job": title, "source": "Acme Referrals"}],
        "notes": [{"key": "n", "body": "We worked together."}],
    })
    declared = called(declare, NAME, "ref-1", client=host, body=record, status=201)
    assert declared.created == 1
    declared = called(declare, NAME, "ref-1", client=host, body=record)
    assert declared.unchanged == 1
    refused = called(declare, NAME, "ref-2", client=host, body=record, status=422)
    assert refused.errors[0].pointer == "/key", refused
    batch = [models.DesiredCandidate.from_dict({
        "key": f"ref-{number}", "name": {"first": "Alan", "last": f"Number {number}"},
        "emails": [f"alan{number}@new.example.com"],
    }) for number in (2, 3)]
    declared = called(operation("desired", "declare_batch"), NAME, client=host, body=batch)
    assert declared.created == 2

    # The schedules may apply it meanwhile: then plan and apply find nothing to do.
    planned = called(operation("connections", "plan"), NAME, client=host, body=models.Planned())
    for record in planned.records:
        assert record.key.startswith("ref-") and record.steps is not None
    applied = called(
        operation("connections", "apply"), NAME, client=host, body=models.Planned(),
        idempotency_key="apply-1",
    )
    assert all(step.end != "refused" for step in applied.report.steps), applied
    read = operation("desired", "read_desired")
    for _ in range(TRIES):
        row = called(read, NAME, "ref-1", client=host)
        conditions = {one["type"]: one["status"] for one in row.status["conditions"]}
        if conditions.get("Synced"):
            break
    else:
        raise AssertionError(row)
    candidates = site.control("GET", f"/candidates?email={EMAIL}")
    assert len(candidates) == 1, candidates
    return candidates[0]["id"]


def recruit(site, host, candidate, after):
    """A recruiter moves the application; the feed shows it by the webhook."""
    rows = site.control("GET", "/rows/applications")
    application = next(row for row in rows if row["candidate_id"] == candidate)
    stages = site.control("GET", "/rows/job_interview_stages")
    of_job = [stage for stage in stages if stage["job_id"] == application["job_id"]]
    present = application["job_interview_stage_id"]
    stage = next(one for one in of_job if one["id"] != present)["name"]
    move = {"do": "move", "application_id": application["id"], "stage_name": stage}
    site.control("POST", "/recruiter", move)
    moved, after = change_where(host, after, lambda change: (
        change.id == str(application["id"]) and (member(change, "stage") or {}).get("name") == stage
    ))
    assert moved.what == "updated", moved
    offset = operation("changes", "acknowledge")
    models = importlib.import_module("atsync_client.models")
    stored = called(offset, NAME, "host", client=host, body=models.Offset(offset=moved.serial))
    assert stored.offset == moved.serial
    return after


def tokens(client, site, models, operator):
    """Makes a token that is limited to the connection, and revokes it."""
    new = models.NewToken.from_dict({"name": "host", "scope": "write", "connections": [NAME]})
    made = called(operation("tokens", "make_token"), client=operator, body=new, status=201)
    host = client.AuthenticatedClient(base_url=site.url, token=made.token)
    one = operation("connections", "read_connection")
    called(one, NAME, client=host)
    called(one, "acme", client=host, status=404)
    listed = called(operation("tokens", "list_tokens"), client=operator).tokens
    assert [(token.name, token.scope.value) for token in listed] == [("host", "write")], listed
    called(operation("tokens", "list_tokens"), client=host, status=403)
    return host


def main():
    with Site() as site:
        client = generated(site)
        models = importlib.import_module("atsync_client.models")
        operator = client.AuthenticatedClient(base_url=site.url, token=site.tokens["operator"])
        make_connection(site, models, operator)
        listed = called(operation("connections", "list_connections"), client=operator)
        assert [one.name for one in listed.connections] == ["acme", NAME], listed
        checked = called(operation("connections", "check"), NAME, client=operator)
        assert any(one.verdict == "granted" for one in checked.permissions), checked
        host = tokens(client, site, models, operator)
        candidate = refer(site, models, host)
        created, after = change_where(
            host, 0, lambda change: change.kind == "candidates" and change.id == str(candidate)
        )
        assert member(created, "name")["first"] == "Ada", created
        recruit(site, host, candidate, after)
        found = called(
            operation("records", "list_records"), NAME, "candidates", client=host, email=EMAIL
        )
        assert [one.id for one in found.records] == [str(candidate)], found
        explained = operation("desired", "explain")
        called(explained, NAME, "ref-1", client=host)
        called(operation("intents", "list_intents"), NAME, client=host)
        pull = models.Pull.from_dict({"kinds": ["jobs"]})
        assert called(operation("connections", "pull"), NAME, client=host, body=pull).pulled
        called(operation("desired", "abandon"), NAME, "ref-1", client=host, status=204)
        assert len(site.control("GET", f"/candidates?email={EMAIL}")) == 1
        called(operation("tokens", "revoke_token"), "host", client=operator, status=204)
        called(operation("connections", "read_connection"), NAME, client=host, status=401)
        called(operation("connections", "delete_connection"), NAME, client=operator, status=204)
        called(operation("connections", "read_connection"), NAME, client=operator, status=404)
    print("story: a referral was declared, applied, moved and read by a generated client")


main()
