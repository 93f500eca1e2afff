#!/usr/bin/env bash
# A referral by curl: declares it, applies it, reads its state, and reads the feed. It expects a
# connection `greenhouse` of `atsync serve` at $ATSYNC.
set -euo pipefail
acme=${ATSYNC:-http://127.0.0.1:8470}/v1/connections/greenhouse

# A refusal is a problem document (RFC 9457) that says what to do; curl then exits with 22.
ask() { curl -sS --fail-with-body -H 'content-type: application/json' -w '\n' "$@"; }

last=$(ask "$acme/status" | grep -o '"changes_last":[0-9]*' | cut -d: -f2)

# The key is the host's own name of the record. Declared again, it is the same record.
ask -X PUT "$acme/desired/ref-300" -d '{
  "name": {"first": "Grace", "last": "Hopper"}, "emails": ["grace@example.com"],
  "applications": [{"key": "a", "job": "Warehouse Lead", "source": "Acme Referrals"}]}'

# Its generation, conditions and links, once it is in the ATS. The schedules write it too, so an
# apply may find that another task works on it. A POST with an idempotency key is carried out once,
# however often it is sent.
for try in {1..20}; do
    ask -X POST "$acme/apply" -H "idempotency-key: apply-ref-300-$try" -o /dev/null
    state=$(ask "$acme/desired/ref-300")
    case $state in *'"reason":"InStep"'*) break ;; esac
    sleep 1
done
echo "$state"

# The feed after a serial; `wait` makes it a long poll.
ask "$acme/changes?after=$last&wait=20"
