// An adapter in TypeScript for an imaginary ATS, "Plainlist": two kinds, one create with its probe,
// one permission.
//
// Plainlist answers `GET /jobs?page=N&per_page=M` and `GET /candidates?…` with an array, the last
// page shorter than asked for; `GET /candidates?email=…` with those who have the address; `GET
// /account` with the customer; `POST /candidates` with 201 and the new row, or 422. Copy this
// folder to start an adapter; the README beside it says how to build it.
//
// The contract's types are in generated/contract.d.ts, made from wit/adapter.wit. A function
// answers with a step, or throws a failure. It sees no clock, no network and nothing of an earlier
// call: `state` is all that `resume` gets back.

import type {
  Denied, Failure, Fetch, Given, Item, Operation, Outcome, Page, Reply, Response, Scan, Send, Step,
  Task,
} from 'ats:adapter/adapter@0.1.0';

const FIELDS: Record<string, string[]> = {
  jobs: ['title', 'state'],
  candidates: ['name', 'emails'],
};
const CREATE = 'candidates.create';
const READ = 'read';

const MANIFEST = {
  name: 'plainlist-js',
  version: '0.1.0',
  title: 'Plainlist (imaginary), in TypeScript',
  contract: 'ats:adapter@0.1.0',
  origins: [{ name: 'api', base: { how: 'fixed', url: 'https://plainlist.example' } }],
  auth: [{ scheme: 'bearer' }],
  kinds: Object.entries(FIELDS).map(([name, fields]) => ({
    name, fields, expected: fields, scan: { how: 'list' }, page_max: 100, permission: READ,
    ids_max: name === 'candidates' ? 1 : 0,
  })),
  operations: [{
    name: CREATE, kind: 'candidates', verb: 'create', class: 'probeable',
    materialises: ['candidates'],
    fields: ['name', 'emails'].map((name) => ({ name, mode: 'create-only' })),
    required: ['emails'],
    refused_statuses: [422], calls: 2, permissions: [READ],
  }],
  permissions: [{
    id: READ, label: 'A key', grant_at: 'Plainlist > Settings > Keys',
    without_it: 'Nothing can be read or written.',
  }],
  describes_tenant: true,
  settings_schema: { type: 'object', additionalProperties: false },
};

// What goes on when a reply arrives.
type State =
  | { task: 'scan'; kind: string; page: number; size: number }
  | { task: 'fetch'; ids: string[] }
  | { task: 'probe'; since: number | null }
  | { task: 'write' }
  | { task: 'check' }
  | { task: 'tenant' };

type Job = { id: number; title: string; status: string; updated_at: string };
type Candidate = { id: number; first: string; last: string; email: string; updated_at: string };

const text = new TextDecoder();
const bytes = new TextEncoder();
const pack = (value: unknown): Uint8Array => bytes.encode(JSON.stringify(value));
const unpack = (packed: Uint8Array): any => JSON.parse(text.decode(packed));

function fail(failure: Failure): never {
  throw failure;
}

type Query = [string, string][];

function send(method: string, path: string, query: Query, state: State, body?: unknown): Step {
  const request: Send['request'] = {
    origin: 'api',
    method,
    target: { tag: 'path', val: { path, query: query.map(([name, value]) => ({ name, value })) } },
    headers: [],
    body: body === undefined ? { tag: 'none' } : { tag: 'json', val: JSON.stringify(body) },
  };
  const effect = method === 'GET' ? 'safe' : 'unsafe';
  return { tag: 'send', val: { request, state: pack(state), effect, secrets: [] } };
}

function done(outcome: Outcome): Step {
  return { tag: 'done', val: outcome };
}

function start(task: Task, _given: Given): Step {
  switch (task.tag) {
    case 'scan': return scan(task.val);
    case 'fetch': return fetch_one(task.val);
    case 'check': {
      const query: Query = [['page', '1'], ['per_page', '1']];
      return send('GET', '/jobs', query, { task: 'check' });
    }
    case 'describe-tenant': return send('GET', '/account', [], { task: 'tenant' });
    case 'probe': {
      const since = task.val.firstSentMs === undefined ? null : Number(task.val.firstSentMs);
      const email = input(task.val.operation).emails[0].value;
      return send('GET', '/candidates', [['email', email]], { task: 'probe', since });
    }
    case 'write': {
      const { name, emails } = input(task.val.operation);
      const row = { first: name?.first ?? '', last: name?.last ?? '', email: emails[0].value };
      return send('POST', '/candidates', [], { task: 'write' }, row);
    }
    // The manifest offers no other task, so the engine starts none.
    default: return fail({ tag: 'bug', val: `${task.tag} was not offered` });
  }
}

function input(operation: Operation): any {
  if (operation.name !== CREATE) fail({ tag: 'bug', val: 'only one operation was offered' });
  return JSON.parse(operation.input);
}

function scan(task: Scan): Step {
  const page = task.cursor === undefined ? 1 : unpack(task.cursor);
  const query: Query = [['page', String(page)], ['per_page', String(task.pageSize)]];
  const state: State = { task: 'scan', kind: task.kind, page, size: task.pageSize };
  return send('GET', `/${task.kind}`, query, state);
}

function fetch_one(task: Fetch): Step {
  return send('GET', '/candidates', [['id', task.ids[0]]], { task: 'fetch', ids: task.ids });
}

function resume(packed: Uint8Array, _given: Given, reply: Reply): Step {
  if (reply.tag !== 'response') return fail({ tag: 'bug', val: 'only requests were sent' });
  const state: State = unpack(packed);
  if (state.task === 'write') return written(reply.val);
  if (state.task === 'tenant') {
    const account = parsed(ok(reply.val), (value) => typeof value?.id === 'string');
    return done({ tag: 'tenant', val: { fingerprint: account.id, catalogue: '{}' } });
  }
  const rows: unknown[] = parsed(ok(reply.val), Array.isArray);
  switch (state.task) {
    case 'scan': {
      const complete = rows.length < state.size;
      const page: Page = {
        items: rows.map((row) => item(state.kind, row)),
        masks: [FIELDS[state.kind]],
        next: complete ? undefined : pack(state.page + 1),
        checkpoint: undefined,
        complete,
      };
      return done({ tag: 'page', val: page });
    }
    case 'fetch': {
      const items = rows.map((row) => item('candidates', row));
      const missing = state.ids.filter((id) => items.every((found) => found.id !== id));
      return done({ tag: 'fetched', val: { items, masks: [FIELDS.candidates], missing } });
    }
    case 'probe': {
      const [first, second] = rows as Candidate[];
      if (first === undefined) return done({ tag: 'probed', val: { tag: 'absent', val: 0n } });
      if (second !== undefined) {
        const ids = (rows as Candidate[]).map((row) => String(row.id));
        const all = ids.map((id) => ({ kind: 'candidates', id }));
        return done({ tag: 'probed', val: { tag: 'ambiguous', val: all } });
      }
      const found = { links: [subject(first)], certainty: 'matched' as const };
      return done({ tag: 'probed', val: { tag: 'found', val: found } });
    }
    case 'check': {
      const detail = 'The jobs could be read.';
      return done({ tag: 'checked', val: { verdict: 'granted', detail } });
    }
  }
}

// An answer, or the failure that its status means. It never quotes the body, which may hold
// personal data.
function ok(response: Response): Response {
  const denied: Denied = { permission: READ, message: 'Plainlist refused the key for this list' };
  switch (response.status) {
    case 200: return response;
    case 401: return fail({ tag: 'auth', val: 'Plainlist refused the key' });
    case 403: return fail({ tag: 'denied', val: denied });
    case 429: return fail({ tag: 'throttled', val: undefined });
    default: return fail({ tag: 'unavailable', val: `Plainlist answered ${response.status}` });
  }
}

function parsed(response: Response, fits: (value: any) => boolean): any {
  let value;
  try {
    value = unpack(response.body);
  } catch {
    return fail({ tag: 'protocol', val: 'the answer is no JSON' });
  }
  const other = 'the answer has another shape than documented';
  return fits(value) ? value : fail({ tag: 'protocol', val: other });
}

function written(response: Response): Step {
  if (response.status === 422) {
    return done({ tag: 'written', val: { tag: 'refused', val: { tag: 'invalid', val: [] } } });
  }
  if (response.status !== 201) {
    const unclear = `Plainlist answered ${response.status}`;
    return done({ tag: 'written', val: { tag: 'unclear', val: unclear } });
  }
  const row: Candidate = parsed(response, (value) => typeof value?.id === 'number');
  const applied = { links: [subject(row)], deduplicated: false, warnings: [] };
  return done({ tag: 'written', val: { tag: 'applied', val: applied } });
}

function subject(row: Candidate) {
  return { role: 'subject', kind: 'candidates', id: String(row.id) };
}

// Plainlist's words in those of the unified model; unknown ones are kept as they are.
const STATES: Record<string, string> = { live: 'open', closed: 'closed' };

function item(kind: string, row: unknown): Item {
  const body = kind === 'jobs' ? job(row as Job) : candidate(row as Candidate);
  const { id, updated_at } = row as Job | Candidate;
  const text = JSON.stringify(body);
  return { kind, id: String(id), version: updated_at, mask: 0, body: text, raw: undefined };
}

function job(row: Job) {
  return { title: row.title, state: { value: STATES[row.status] ?? 'other', source: row.status } };
}

function candidate(row: Candidate) {
  return { name: { first: row.first, last: row.last }, emails: [{ value: row.email }] };
}

export const adapter = { describe: () => JSON.stringify(MANIFEST), start, resume };
