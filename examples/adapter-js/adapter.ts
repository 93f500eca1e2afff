// An adapter in TypeScript for an imaginary ATS, "Plainlist": two kinds, one create with its probe,
// one permission.
//
// Plainlist answers `GET /jobs?page=N&per_page=M` and `GET /candidates?…` with an array, the last
// page shorter than asked for; `GET /candidates?email=…` with those who have the address; `GET
// /account` with the customer; `POST /candidates` with 201 and the new row, or 422. The README
// beside it says how to build and test it; sandbox.yaml is Plainlist as data.
//
// The contract's types are in generated/contract.d.ts, made from adapter.wit. A function answers
// with a step, or throws a failure. It sees no clock, no network and nothing of an earlier call:
// `state` is all that `resume` gets back.

import type {
  Failure, Fetch, Given, Item, Operation, Outcome, Page, Problem, Reply, Response, Scan, Send, Step,
  Task,
} from 'ats:adapter/adapter@0.1.0';

// ------------------------------------------------------------------------------------------ rows
type Row = Record<string, unknown>;

// Plainlist's words in those of the unified model; unknown ones are `other`.
const STATES: Record<string, string> = { live: 'open', closed: 'closed', draft: 'draft' };

// By kind and field: the field's value of a row. `undefined`: the row does not say; `null`: it is
// known to be empty. A value of another shape than documented throws.
const FIELDS: Record<string, Record<string, (row: Row) => unknown>> = {
  jobs: {
    title: (row) => string(row.title),
    state: (row) => {
      const source = string(row.status);
      return source && { value: STATES[source] ?? 'other', source };
    },
  },
  candidates: {
    name: (row) => ({ first: string(row.first), last: string(row.last) }),
    emails: (row) => {
      const email = string(row.email);
      return email && [{ value: email }];
    },
  },
};

function string(value: unknown): string | null | undefined {
  if (value === undefined || value === null || typeof value === 'string') return value;
  throw new TypeError();
}

function id_of(row: unknown): string | undefined {
  const id = (row as Row | null)?.id;
  return Number.isSafeInteger(id) ? String(id) : undefined;
}

// What rows of a kind are read as. One that cannot be read is a problem, and the others come.
function read(kind: string, rows: unknown[]) {
  const items: Item[] = [];
  const masks: string[][] = [Object.keys(FIELDS[kind])];
  const problems: Problem[] = [];
  for (const row of rows) {
    const id = id_of(row);
    if (id === undefined) {
      problems.push({ kind, id, field: undefined, message: 'a row has no id' });
      continue;
    }
    const body: Row = {};
    const known: string[] = [];
    for (const [field, value_of] of Object.entries(FIELDS[kind])) {
      try {
        const value = value_of(row as Row);
        if (value === undefined) continue;
        known.push(field);
        if (value !== null) body[field] = value;
      } catch {
        problems.push({ kind, id, field, message: 'it has another shape than documented' });
      }
    }
    let mask = masks.findIndex((mask) => mask.join() === known.join());
    if (mask < 0) mask = masks.push(known) - 1;
    const { updated_at } = row as Row;
    const version = typeof updated_at === 'string' ? updated_at : undefined;
    items.push({ kind, id, version, mask, body: JSON.stringify(body), raw: undefined });
  }
  return { items, masks, problems };
}

// -------------------------------------------------------------------------------------- manifest
const CREATE = 'candidates.create';
const READ = 'read';

const MANIFEST = {
  name: 'plainlist',
  version: '0.1.0',
  title: 'Plainlist (imaginary), in TypeScript',
  contract: 'ats:adapter@0.1.0',
  origins: [{ name: 'api', base: { how: 'fixed', url: 'https://plainlist.example' } }],
  auth: [{ scheme: 'bearer' }],
  kinds: Object.entries(FIELDS).map(([name, of]) => ({
    name, fields: Object.keys(of), expected: Object.keys(of), scan: { how: 'list' }, page_max: 100,
    permission: READ, ids_max: name === 'candidates' ? 1 : 0,
  })),
  operations: [{
    name: CREATE, kind: 'candidates', verb: 'create', class: 'probeable',
    materialises: ['candidates'],
    fields: ['name', 'emails'].map((name) => ({ name, mode: 'create-only' })),
    required: ['emails'],
    refused_statuses: [400, 401, 403, 404, 422, 429], calls: 2, permissions: [READ],
  }],
  permissions: [{
    id: READ, label: 'A key', grant_at: 'Plainlist > Settings > Keys',
    without_it: 'Nothing can be read or written.',
  }],
  describes_tenant: true,
  settings_schema: { type: 'object', additionalProperties: false },
};

// ----------------------------------------------------------------------------------------- tasks
// What goes on when a reply arrives.
type State =
  | { task: 'scan'; kind: string; page: number; size: number }
  | { task: 'fetch'; ids: string[] }
  | { task: 'probe'; email: string }
  | { task: 'write' }
  | { task: 'check' }
  | { task: 'tenant' };

const text = new TextDecoder('utf-8', { fatal: true });
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
      const email = input(task.val.operation).emails[0].value;
      return send('GET', '/candidates', [['email', email]], { task: 'probe', email });
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
  switch (state.task) {
    case 'scan': {
      const rows = listed(reply.val);
      const { items, masks, problems } = read(state.kind, rows);
      const complete = rows.length < state.size;
      const next = complete ? undefined : pack(state.page + 1);
      const page: Page = { items, masks, next, checkpoint: undefined, complete };
      if (problems.length === 0) return done({ tag: 'page', val: page });
      return done({ tag: 'flawed-page', val: [page, problems] });
    }
    case 'fetch': {
      const { items, masks, problems } = read('candidates', listed(reply.val));
      const absent = (id: string) => items.every((item) => item.id !== id);
      // A row that cannot be read may be the one that was asked for.
      const missing = problems.length === 0 ? state.ids.filter(absent) : [];
      const fetched = { items, masks, missing };
      if (problems.length === 0) return done({ tag: 'fetched', val: fetched });
      return done({ tag: 'flawed-fetched', val: [fetched, problems] });
    }
    case 'probe': return probed(state.email, listed(reply.val));
    case 'write': return written(reply.val);
    case 'check': {
      if (reply.val.status === 403) {
        const detail = 'Plainlist refused the key for the list of jobs.';
        return done({ tag: 'checked', val: { verdict: 'missing', detail } });
      }
      listed(reply.val);
      const detail = 'The jobs could be read.';
      return done({ tag: 'checked', val: { verdict: 'granted', detail } });
    }
    case 'tenant': {
      const fits = (value: any) => typeof value?.id === 'string' && value.id !== '';
      const account = parsed(ok(reply.val), fits);
      return done({ tag: 'tenant', val: { fingerprint: account.id, catalogue: '{}' } });
    }
  }
}

// A search counts only if the row shows what was asked for.
function probed(email: string, rows: unknown[]): Step {
  const found = rows.filter((row) => (row as Row | null)?.email === email).map(id_of);
  const [id] = found;
  if (found.length === 0) return done({ tag: 'probed', val: { tag: 'absent', val: 0n } });
  if (id === undefined) return fail({ tag: 'protocol', val: OTHER });
  if (found.length > 1) {
    const all = found.flatMap((id) => (id === undefined ? [] : [{ kind: 'candidates', id }]));
    return done({ tag: 'probed', val: { tag: 'ambiguous', val: all } });
  }
  const links = [{ role: 'subject', kind: 'candidates', id }];
  return done({ tag: 'probed', val: { tag: 'found', val: { links, certainty: 'matched' } } });
}

// The answer to the one request that changes something. A refusal proves that nothing changed;
// what neither it nor a new row says is settled by the probe.
function written(response: Response): Step {
  const { status } = response;
  if (MANIFEST.operations[0].refused_statuses.includes(status)) {
    const failure: Failure =
      status === 400 || status === 422 ? { tag: 'invalid', val: [] } : failed(response);
    return done({ tag: 'written', val: { tag: 'refused', val: failure } });
  }
  let id;
  try {
    id = status === 201 ? id_of(unpack(response.body)) : undefined;
  } catch {
    // No JSON, so no id.
  }
  if (id === undefined) {
    const unclear = `Plainlist answered ${status} without a new row`;
    return done({ tag: 'written', val: { tag: 'unclear', val: unclear } });
  }
  const links = [{ role: 'subject', kind: 'candidates', id }];
  const applied = { links, deduplicated: false, warnings: [] };
  return done({ tag: 'written', val: { tag: 'applied', val: applied } });
}

// --------------------------------------------------------------------------------------- answers
const OTHER = 'the answer has another shape than documented';

function listed(response: Response): unknown[] {
  return parsed(ok(response), Array.isArray);
}

function ok(response: Response): Response {
  return response.status === 200 ? response : fail(failed(response));
}

// The failure that a status means. It never quotes the body, which may hold personal data.
function failed(response: Response): Failure {
  const { status } = response;
  switch (status) {
    case 401: return { tag: 'auth', val: 'Plainlist refused the key' };
    case 403: return { tag: 'denied', val: { permission: READ, message: 'Plainlist refused it' } };
    case 404: return { tag: 'not-found', val: 'Plainlist has nothing there' };
    case 410: return { tag: 'gone', val: 'Plainlist has it no more' };
    case 429: {
      const wait = response.headers.find(({ name }) => name === 'retry-after')?.value ?? '';
      return { tag: 'throttled', val: /^\d{1,6}$/.test(wait) ? BigInt(wait) * 1000n : undefined };
    }
    default: return { tag: 'unavailable', val: `Plainlist answered ${status}` };
  }
}

function parsed(response: Response, fits: (value: any) => boolean): any {
  let value;
  try {
    value = unpack(response.body);
  } catch {
    return fail({ tag: 'protocol', val: 'the answer is no JSON' });
  }
  return fits(value) ? value : fail({ tag: 'protocol', val: OTHER });
}

export const adapter = { describe: () => JSON.stringify(MANIFEST), start, resume };
