declare module 'ats:adapter/adapter@0.1.0' {
  /**
   * ------------------------------------------------------------------ functions
   * Describes the adapter. Constant: the same text on every call. A JSON object with `name`,
   * `version`, `title`, `contract`, `origins`, `auth` (schemes the host must offer), `rates`
   * (rules as data), `kinds`, `operations`, `permissions`, `webhooks` (those that can be
   * registered by API), `settings_schema` (JSON Schema), `lossy` (corners where the ATS cannot
   * say what the unified model can) and `sunsets` (announced ends of what it uses). The crate
   * `atsync-model`, module `manifest`, documents each member; the engine refuses a manifest that
   * names an unknown member or leaves out a required one.
   */
  export function describe(): Manifest;
  /**
   * Start a task.
   */
  export function start(task: Task, given: Given): Step;
  /**
   * Continue a task with the reply to its last step.
   */
  export function resume(state: Continuation, given: Given, reply: Reply): Step;
  /**
   * ------------------------------------------------------------------ shared types
   * JSON text (RFC 8259), UTF-8.
   */
  export type Json = string;
  /**
   * The state of a task between two steps, written by the adapter. Opaque to the engine, at most
   * 64 KiB.
   */
  export type Continuation = Uint8Array;
  /**
   * An adapter's description, as JSON: see `describe`.
   */
  export type Manifest = Json;
  /**
   * A record of the ATS: its kind and the adapter's id for it. An id is opaque; it may
   * be composite or natural. It has 1 to 512 bytes, no control characters, and no blanks at its
   * ends: an empty or blank text is not an id.
   */
  export interface RemoteRef {
    /**
     * One of the manifest's kinds: a unified one, a plural word such as `candidates`, or a raw
     * one, such as `raw_offers`.
     */
    kind: string,
    /**
     * The id that the adapter gave the record. Unique within (connection, kind).
     */
    id: string,
  }
  /**
   * A value that a write stores in the record, so that a probe can recognise the record.
   */
  export interface Mark {
    /**
     * A short text, unique to the intent. Store it only where no user is disturbed by it.
     */
    text: string,
    /**
     * A time near the sending, unique among the intents of this connection.
     */
    timeMs: bigint,
  }
  /**
   * The rights of the credential in use, as far as its token states them. The engine keeps the
   * credential.
   */
  export interface Grant {
    /**
     * The scopes that the token names; `none` when it names none, which is no proof of a
     * missing right.
     */
    scopes?: Array<string>,
    /**
     * The ATS's id of the user that the token acts as; `none` when the token does not say.
     */
    actor?: string,
  }
  /**
   * The context of a call: time, settings and what the engine keeps for the adapter.
   */
  export interface Given {
    /**
     * The engine's clock.
     */
    nowMs: bigint,
    /**
     * The connection's settings without any secret: a JSON object that the manifest's
     * `settings_schema` accepted.
     */
    settings: Json,
    /**
     * The catalogue that the last `describe-tenant` returned; `none` before the first.
     */
    tenant?: Json,
    /**
     * Present for `write`, and for the `probe` of a write that was sent.
     */
    mark?: Mark,
    /**
     * The credential's rights, where the auth scheme tells the engine.
     */
    grant?: Grant,
  }
  /**
   * ------------------------------------------------------------------ tasks
   * A closed span of time, both ends included.
   */
  export interface Window {
    /**
     * RFC 3339, UTC.
     */
    from: string,
    /**
     * RFC 3339, UTC. Fixed before the first page is requested.
     */
    to: string,
  }
  /**
   * The part of a kind that a pass covers.
   */
  export type Since = SinceEverything | SinceWindow | SinceToken;
  /**
   * All of it.
   */
  export interface SinceEverything {
    tag: 'everything',
  }
  /**
   * What changed within the span; only for kinds whose manifest says `window`.
   */
  export interface SinceWindow {
    tag: 'window',
    val: Window,
  }
  /**
   * What changed since the pass that ended with this `checkpoint`; only for kinds whose
   * manifest says `token`.
   */
  export interface SinceToken {
    tag: 'token',
    val: Uint8Array,
  }
  /**
   * Read one page of a kind.
   */
  export interface Scan {
    kind: string,
    /**
     * The parent, for kinds that can be listed only under one.
     */
    parent?: RemoteRef,
    since: Since,
    /**
     * `next` of the page before; `none` for the first page of a pass.
     */
    cursor?: Uint8Array,
    /**
     * The number of records per page; never above the kind's `page_max`.
     */
    pageSize: number,
  }
  /**
   * Read single records. Never more ids than the kind's `ids_max`.
   */
  export interface Fetch {
    kind: string,
    ids: Array<string>,
  }
  /**
   * One of the manifest's operations with its arguments.
   */
  export interface Operation {
    /**
     * For example `candidates.create`.
     */
    name: string,
    /**
     * The record that is changed; `none` for a create.
     */
    target?: RemoteRef,
    /**
     * The operation's input: a JSON object as the manifest's operation describes it.
     * References in it are remote ids, already resolved.
     */
    input: Json,
  }
  /**
   * Find out whether an operation has happened already, without changing anything.
   */
  export interface Probe {
    operation: Operation,
    /**
     * When it was first sent; `none` if it was not: the engine probes before a create.
     */
    firstSentMs?: bigint,
  }
  /**
   * Carry an operation out. Any number of `safe` and `scratch` requests, and exactly one
   * `unsafe` one; at least one where the manifest's class of the operation is `idempotent`.
   */
  export interface Write {
    operation: Operation,
    /**
     * The target as last observed, unified; `none` for a create or when never seen. It may be
     * stale.
     */
    observed?: Json,
  }
  /**
   * A name and a value.
   */
  export interface Field {
    name: string,
    value: string,
  }
  /**
   * An incoming webhook, raw.
   */
  export interface Hook {
    headers: Array<Field>,
    body: Uint8Array,
  }
  /**
   * A webhook that the engine wants: one event, sent to one URL.
   */
  export interface Webhook {
    /**
     * One of the manifest's `webhooks.events`.
     */
    event: string,
    /**
     * Where the ATS sends its deliveries.
     */
    url: string,
  }
  /**
   * A webhook as the ATS has it.
   */
  export interface Registered {
    /**
     * The ATS's id of it. Opaque, by the rules of a record's id.
     */
    id: string,
    /**
     * The ATS's name of the event, which need not be one of the manifest's.
     */
    event: string,
    url: string,
    /**
     * Whether the ATS sends its deliveries.
     */
    active: boolean,
  }
  /**
   * A webhook and what it becomes.
   */
  export interface WebhookChange {
    id: string,
    webhook: Webhook,
  }
  /**
   * Manage the webhooks of the ATS. `create`, `change` and `remove` send exactly one `unsafe`
   * request, and any number of `safe` ones.
   * 
   * The adapter never sees the secret of the webhooks: the engine writes it into the JSON body
   * of the `unsafe` request of a `create` or a `change`, as the member that the manifest's
   * `webhooks.secret` names.
   */
  export type Registering = RegisteringList | RegisteringCreate | RegisteringChange | RegisteringRemove;
  /**
   * List all webhooks that the credential may see.
   */
  export interface RegisteringList {
    tag: 'list',
  }
  /**
   * Create one.
   */
  export interface RegisteringCreate {
    tag: 'create',
    val: Webhook,
  }
  /**
   * Set event, URL and secret of one, and have its deliveries sent.
   */
  export interface RegisteringChange {
    tag: 'change',
    val: WebhookChange,
  }
  /**
   * Remove the one with this id. One that was gone before is removed: the task ends with
   * `removed`, or with a refusal that is `not-found` or `gone`.
   */
  export interface RegisteringRemove {
    tag: 'remove',
    val: string,
  }
  /**
   * A task for the adapter.
   */
  export type Task = TaskScan | TaskFetch | TaskProbe | TaskWrite | TaskCheck | TaskHook | TaskDescribeTenant | TaskRegister;
  export interface TaskScan {
    tag: 'scan',
    val: Scan,
  }
  export interface TaskFetch {
    tag: 'fetch',
    val: Fetch,
  }
  export interface TaskProbe {
    tag: 'probe',
    val: Probe,
  }
  export interface TaskWrite {
    tag: 'write',
    val: Write,
  }
  /**
   * Check one permission of the manifest, by its id, without changing anything.
   */
  export interface TaskCheck {
    tag: 'check',
    val: string,
  }
  export interface TaskHook {
    tag: 'hook',
    val: Hook,
  }
  /**
   * Identify the tenant and list its own fields, statuses and the like. Runs before anything
   * is read or written, where the manifest's `describes_tenant` is true.
   */
  export interface TaskDescribeTenant {
    tag: 'describe-tenant',
  }
  /**
   * Only where the manifest has `webhooks`.
   */
  export interface TaskRegister {
    tag: 'register',
    val: Registering,
  }
  /**
   * ------------------------------------------------------------------ steps
   * What a request does to the ATS. Never inferred from the method: some ATSs read by POST, some
   * delete by GET.
   * # Variants
   * 
   * ## `"safe"`
   * 
   * Changes nothing; may be repeated. A GET, or a POST whose path the manifest lists under
   * `safe`; a PUT, PATCH or DELETE never is.
   * ## `"scratch"`
   * 
   * Changes something that no user sees (an upload handle); may be repeated, does not count
   * as the write. The same requests as `safe`.
   * ## `"unsafe"`
   * 
   * Changes the ATS. A `write` task sends exactly one of these (of an `idempotent` operation,
   * one after the other, as many as it needs), and so does a `register` task that changes
   * something; any other task none.
   * ## `"consuming"`
   * 
   * A read that takes what it reads (a queue); the engine stores the reply before it calls
   * `resume`.
   */
  export type Effect = 'safe' | 'scratch' | 'unsafe' | 'consuming';
  /**
   * Where a request goes, below a granted origin.
   */
  export interface Path {
    /**
     * Begins with `/`. No `//`, no `.` or `..` segment, no backslash, no control byte, no `?`
     * or `#`. Already percent-encoded where needed.
     */
    path: string,
    /**
     * Encoded by the engine.
     */
    query: Array<Field>,
  }
  /**
   * The target of a request.
   */
  export type Target = TargetPath | TargetLink;
  export interface TargetPath {
    tag: 'path',
    val: Path,
  }
  /**
   * A URL found in a reply, such as a next page. The engine reduces it to the request's
   * origin or refuses it.
   */
  export interface TargetLink {
    tag: 'link',
    val: string,
  }
  /**
   * One part of a multipart body.
   */
  export interface Part {
    name: string,
    fileName?: string,
    contentType?: string,
    /**
     * The engine fills in the blob of this name from the operation's input. Reserved: refused
     * in 0.1.
     */
    blob?: string,
    bytes: Uint8Array,
  }
  /**
   * The body of a request.
   */
  export type Body = BodyNone | BodyJson | BodyForm | BodyBytes | BodyMultipart;
  export interface BodyNone {
    tag: 'none',
  }
  export interface BodyJson {
    tag: 'json',
    val: Json,
  }
  export interface BodyForm {
    tag: 'form',
    val: Array<Field>,
  }
  /**
   * Content type and bytes.
   */
  export interface BodyBytes {
    tag: 'bytes',
    val: [string, Uint8Array],
  }
  /**
   * Reserved: refused in 0.1.
   */
  export interface BodyMultipart {
    tag: 'multipart',
    val: Array<Part>,
  }
  /**
   * A request. Never a URL, never a credential: the engine adds both.
   */
  export interface Request {
    /**
     * The name of one of the manifest's origins.
     */
    origin: string,
    /**
     * An upper-case HTTP method: GET, POST, PUT, PATCH or DELETE.
     */
    method: string,
    target: Target,
    /**
     * `Host`, `Authorization`, `Cookie`, `Proxy-*`, `Connection`, `Transfer-Encoding` and
     * `Content-Length` are refused, and so is every method override: `X-HTTP-Method-Override`
     * and its like, and a field `_method` of the query or the body.
     */
    headers: Array<Field>,
    body: Body,
  }
  /**
   * A place in the reply's JSON that holds a secret: the engine seals it and masks it before the
   * reply is shown or stored. Reserved: refused in 0.1.
   */
  export interface ReplySecret {
    /**
     * RFC 6901 JSON pointer.
     */
    pointer: string,
    secretName: string,
  }
  /**
   * Send this, then call `resume` with the reply.
   */
  export interface Send {
    request: Request,
    state: Continuation,
    effect: Effect,
    secrets: Array<ReplySecret>,
  }
  /**
   * The algorithm of a signature.
   * # Variants
   * 
   * ## `"hmac-sha256"`
   * 
   * ## `"hmac-sha1"`
   * 
   * ## `"hmac-sha512"`
   * 
   * ## `"plain"`
   * 
   * The secret itself is the signature.
   */
  export type Algorithm = 'hmac-sha256' | 'hmac-sha1' | 'hmac-sha512' | 'plain';
  /**
   * The encoding of a signature.
   * # Variants
   * 
   * ## `"hex"`
   * 
   * ## `"base64"`
   */
  export type Encoding = 'hex' | 'base64';
  /**
   * Check a webhook's signature: the adapter composes the message, the engine holds the secret.
   */
  export interface Verify {
    secretName: string,
    algorithm: Algorithm,
    message: Uint8Array,
    /**
     * One of these must match; several occur during key rotation.
     */
    candidates: Array<string>,
    encoding: Encoding,
    state: Continuation,
  }
  /**
   * The direction of a transfer.
   * # Variants
   * 
   * ## `"download"`
   * 
   * ## `"upload"`
   */
  export type Direction = 'download' | 'upload';
  /**
   * Move a file between a presigned URL and the engine's blob store; the bytes never pass
   * through the adapter. Reserved: refused in 0.1.
   */
  export interface Transfer {
    /**
     * RFC 6901 pointer into the last reply, to the URL.
     */
    urlPointer: string,
    blob: string,
    direction: Direction,
    state: Continuation,
  }
  /**
   * A complete HTTP response. A truncated, missing or refused one never reaches the adapter.
   */
  export interface Response {
    status: number,
    /**
     * Names in lower case, in the order received.
     */
    headers: Array<Field>,
    body: Uint8Array,
  }
  /**
   * The argument of `resume`.
   */
  export type Reply = ReplyResponse | ReplyVerified | ReplyTransferred;
  /**
   * To a `send`.
   */
  export interface ReplyResponse {
    tag: 'response',
    val: Response,
  }
  /**
   * To a `verify`: did one of the candidates match?
   */
  export interface ReplyVerified {
    tag: 'verified',
    val: boolean,
  }
  /**
   * To a `transfer`: the number of bytes moved. Reserved.
   */
  export interface ReplyTransferred {
    tag: 'transferred',
    val: bigint,
  }
  /**
   * ------------------------------------------------------------------ outcomes
   * A part of the reply body that the engine holds already.
   */
  export interface Span {
    offset: number,
    length: number,
  }
  /**
   * One record of the ATS, in unified form or, of a raw kind, as the ATS wrote it.
   */
  export interface Item {
    kind: string,
    id: string,
    /**
     * Opaque text that changes whenever the record changes; `none` when the ATS has none.
     */
    version?: string,
    /**
     * Index into the page's `masks`: which top fields of `body` this source can fill. A field
     * of the mask that is missing in `body` is known to be empty; a field outside the mask is
     * unknown and never erases what is stored.
     */
    mask: number,
    /**
     * The unified record, a JSON object without `id` and `kind`. A reference in it has an id
     * that follows the same rules, a name, or both; a field whose reference has neither is
     * left out, and out of the mask too unless the source says that there is none. Of a raw
     * kind: `content`, the ATS's own JSON; `references`, a list of `member`, `kind` and `id`
     * of each record that the content names, without which an erasure cannot find what
     * belongs to a candidate; `created_at` and `updated_at`.
     */
    body: Json,
    /**
     * The span of the ATS's own JSON in the reply; `none` of a raw kind, whose body has it.
     */
    raw?: Span,
  }
  /**
   * The result of a scan.
   */
  export interface Page {
    items: Array<Item>,
    /**
     * Lists of top field names.
     */
    masks: Array<Array<string>>,
    /**
     * The cursor of the next page; `none` exactly when `complete`.
     */
    next?: Uint8Array,
    /**
     * The value of `since.token` for the next pass. Only with `complete`.
     */
    checkpoint?: Uint8Array,
    /**
     * The pass is complete.
     */
    complete: boolean,
  }
  /**
   * The result of a fetch.
   */
  export interface Fetched {
    items: Array<Item>,
    masks: Array<Array<string>>,
    /**
     * The requested ids that the ATS did not show: deleted, or not visible to this credential.
     */
    missing: Array<string>,
  }
  /**
   * A row of the ATS, or a member of one, that cannot be read. It costs that row or member, not
   * the page: the engine counts it, reports it until it is resolved, and reads the record again
   * with the next pass.
   */
  export interface Problem {
    /**
     * The kind of the row's record.
     */
    kind: string,
    /**
     * The record's id, where the row has it. A record whose row cannot be read never counts as
     * absent; while an id is unknown, no record of the kind does.
     */
    id?: string,
    /**
     * The unified field that cannot be read. The item's mask leaves it out, so that it is
     * unknown and what is stored of it stays. `none`: the row as a whole cannot be read, and
     * there is no item for it.
     */
    field?: string,
    /**
     * For users: the member of the row and what is wrong with its shape. Never its content,
     * which may be personal data.
     */
    message: string,
  }
  /**
   * A record that a write made or touched.
   */
  export interface Link {
    /**
     * Its role in the operation: `subject` for the main record, else a kind of the manifest's
     * `materialises`.
     */
    role: string,
    kind: string,
    id: string,
  }
  /**
   * The write happened.
   */
  export interface Applied {
    /**
     * Empty when the operation makes no record.
     */
    links: Array<Link>,
    /**
     * The ATS returned an existing record instead of creating one.
     */
    deduplicated: boolean,
    /**
     * What the host should know although the write succeeded.
     */
    warnings: Array<string>,
  }
  /**
   * How sure a probe is.
   * # Variants
   * 
   * ## `"marked"`
   * 
   * It carries the mark, or a key that only this intent can have created.
   * ## `"matched"`
   * 
   * It has the same content, but may have been created by another user. The engine's policy
   * decides whether it is adopted.
   */
  export type Certainty = 'marked' | 'matched';
  /**
   * The probe found it.
   */
  export interface Found {
    links: Array<Link>,
    certainty: Certainty,
  }
  /**
   * The result of a probe.
   */
  export type Probed = ProbedFound | ProbedAbsent | ProbedAmbiguous | ProbedBlind;
  export interface ProbedFound {
    tag: 'found',
    val: Found,
  }
  /**
   * Not there. A write of less than this many milliseconds ago may not show yet.
   */
  export interface ProbedAbsent {
    tag: 'absent',
    val: bigint,
  }
  /**
   * Several records match, or one that may be another user's. The engine never guesses.
   */
  export interface ProbedAmbiguous {
    tag: 'ambiguous',
    val: Array<RemoteRef>,
  }
  /**
   * No probe can ever answer; the text says why. A write in doubt is then blocked until a
   * user decides; before a create it blocks nothing, and the record is created. A probe that
   * failed only this time is a failure, not blindness.
   */
  export interface ProbedBlind {
    tag: 'blind',
    val: string,
  }
  /**
   * The result of a check.
   * # Variants
   * 
   * ## `"granted"`
   * 
   * ## `"missing"`
   * 
   * Not granted to the credential.
   * ## `"actor"`
   * 
   * The user or service account that the credential acts as lacks the right, whether the
   * credential has it or not.
   * ## `"refused"`
   * 
   * Refused; the cause may be the credential or the account that it acts as.
   * ## `"unknown"`
   * 
   * Cannot be determined without changing something in the account.
   */
  export type Verdict = 'granted' | 'missing' | 'actor' | 'refused' | 'unknown';
  export interface Checked {
    verdict: Verdict,
    /**
     * For the administrator: what was observed and what to do.
     */
    detail: string,
  }
  /**
   * What a webhook suggests. Never state: the engine reads the record.
   */
  export type Hint = HintChanged | HintDeleted | HintMerged | HintErased;
  export interface HintChanged {
    tag: 'changed',
    val: RemoteRef,
  }
  export interface HintDeleted {
    tag: 'deleted',
    val: RemoteRef,
  }
  /**
   * The first was merged into the second.
   */
  export interface HintMerged {
    tag: 'merged',
    val: [RemoteRef, RemoteRef],
  }
  /**
   * Its personal data must be erased.
   */
  export interface HintErased {
    tag: 'erased',
    val: RemoteRef,
  }
  export interface Hooked {
    /**
     * What to answer the caller: status, headers, body.
     */
    answer: Response,
    hints: Array<Hint>,
    /**
     * When the sender signed it, where it says so.
     */
    signedAtMs?: bigint,
  }
  export interface Tenant {
    /**
     * The same for as long as the credential belongs to the same customer.
     */
    fingerprint: string,
    /**
     * Fields, statuses and the like, in the adapter's own JSON; handed back in `given`.
     */
    catalogue: Json,
  }
  /**
   * ------------------------------------------------------------------ failures
   * One thing that the ATS or the adapter did not accept.
   */
  export interface FieldError {
    /**
     * A dotted path into the operation's input; empty when the ATS did not say.
     */
    field: string,
    message: string,
  }
  export interface Denied {
    /**
     * An id of the manifest's permissions; empty when it is unknown.
     */
    permission: string,
    message: string,
  }
  /**
   * A member of the request has two readings, and the ATS refused the one that was sent, without
   * effect.
   */
  export interface Misread {
    /**
     * What was refused, for users.
     */
    message: string,
    /**
     * The other reading, a value of the operation's member `reading`. It is tried once, in the
     * same run.
     */
    reading: string,
  }
  /**
   * Where to start again.
   * # Variants
   * 
   * ## `"pass"`
   * 
   * This pass from its first page, same `since`.
   * ## `"everything"`
   * 
   * A full pass: the token is no longer valid.
   */
  export type Restart = 'pass' | 'everything';
  /**
   * Why a task failed. Each case has its own consequence in the engine.
   */
  export type Failure = FailureAuth | FailureDenied | FailureNotFound | FailureGone | FailureMoved | FailureConflict | FailureMisread | FailureInvalid | FailureMisconfigured | FailureRestart | FailureThrottled | FailureQuota | FailureUnavailable | FailureProtocol | FailureBug;
  /**
   * The credential was refused. The connection stops until a user acts.
   */
  export interface FailureAuth {
    tag: 'auth',
    val: string,
  }
  /**
   * A right is missing. Only what needs it is degraded.
   */
  export interface FailureDenied {
    tag: 'denied',
    val: Denied,
  }
  /**
   * The target does not exist or is not visible.
   */
  export interface FailureNotFound {
    tag: 'not-found',
    val: string,
  }
  /**
   * The target existed and was deleted.
   */
  export interface FailureGone {
    tag: 'gone',
    val: string,
  }
  /**
   * The target has another id now.
   */
  export interface FailureMoved {
    tag: 'moved',
    val: RemoteRef,
  }
  /**
   * The target was changed after the plan. The engine reads it and plans again.
   */
  export interface FailureConflict {
    tag: 'conflict',
    val: string,
  }
  /**
   * The ATS refused this reading of the request; the other reading may be accepted.
   */
  export interface FailureMisread {
    tag: 'misread',
    val: Misread,
  }
  /**
   * These fields are invalid. Blocks this record only.
   */
  export interface FailureInvalid {
    tag: 'invalid',
    val: Array<FieldError>,
  }
  /**
   * A setting of the connection is wrong. Blocks the connection, not each record in turn.
   */
  export interface FailureMisconfigured {
    tag: 'misconfigured',
    val: string,
  }
  /**
   * A cursor or token expired, which is normal.
   */
  export interface FailureRestart {
    tag: 'restart',
    val: Restart,
  }
  /**
   * Rate limited; retry after this many milliseconds, where the ATS says so.
   */
  export interface FailureThrottled {
    tag: 'throttled',
    val: bigint | undefined,
  }
  /**
   * A long-term budget is used up; retry at this time.
   */
  export interface FailureQuota {
    tag: 'quota',
    val: bigint,
  }
  /**
   * The ATS is unavailable.
   */
  export interface FailureUnavailable {
    tag: 'unavailable',
    val: string,
  }
  /**
   * The ATS returned an undocumented response.
   */
  export interface FailureProtocol {
    tag: 'protocol',
    val: string,
  }
  /**
   * The adapter reached a state that it considers impossible.
   */
  export interface FailureBug {
    tag: 'bug',
    val: string,
  }
  /**
   * The meaning of the complete replies to the `unsafe` requests, one as a rule. The engine
   * handles replies that never arrive.
   */
  export type Written = WrittenApplied | WrittenRefused | WrittenPending | WrittenUnclear | WrittenUnneeded;
  export interface WrittenApplied {
    tag: 'applied',
    val: Applied,
  }
  /**
   * Refused, and nothing was changed. A refusal of a later `unsafe` request is `unclear`.
   */
  export interface WrittenRefused {
    tag: 'refused',
    val: Failure,
  }
  /**
   * Accepted for later; the text is passed to the next probe.
   */
  export interface WrittenPending {
    tag: 'pending',
    val: string,
  }
  /**
   * A complete reply that does not say whether the write happened. Settled by a probe.
   */
  export interface WrittenUnclear {
    tag: 'unclear',
    val: string,
  }
  /**
   * The reads before the write showed that there is nothing to do. No `unsafe` request was
   * sent.
   */
  export interface WrittenUnneeded {
    tag: 'unneeded',
    val: Applied,
  }
  /**
   * The result of managing webhooks.
   */
  export type Registration = RegistrationListed | RegistrationUnlisted | RegistrationKept | RegistrationRemoved | RegistrationRefused | RegistrationUnclear;
  /**
   * To `list`: every webhook that the credential may see.
   */
  export interface RegistrationListed {
    tag: 'listed',
    val: Array<Registered>,
  }
  /**
   * To `list`: the ATS has no list of webhooks, or none for this credential.
   */
  export interface RegistrationUnlisted {
    tag: 'unlisted',
  }
  /**
   * To `create` and `change`: the webhook as the ATS has it now.
   */
  export interface RegistrationKept {
    tag: 'kept',
    val: Registered,
  }
  /**
   * To `remove`: the ATS has it no more.
   */
  export interface RegistrationRemoved {
    tag: 'removed',
  }
  /**
   * Refused, and nothing was changed.
   */
  export interface RegistrationRefused {
    tag: 'refused',
    val: Failure,
  }
  /**
   * A complete reply that does not say whether it happened.
   */
  export interface RegistrationUnclear {
    tag: 'unclear',
    val: string,
  }
  /**
   * The end of a task. Its case must fit the task's.
   */
  export type Outcome = OutcomePage | OutcomeFetched | OutcomeProbed | OutcomeWritten | OutcomeChecked | OutcomeHooked | OutcomeTenant | OutcomeFlawedPage | OutcomeFlawedFetched | OutcomeRegistration;
  export interface OutcomePage {
    tag: 'page',
    val: Page,
  }
  export interface OutcomeFetched {
    tag: 'fetched',
    val: Fetched,
  }
  export interface OutcomeProbed {
    tag: 'probed',
    val: Probed,
  }
  export interface OutcomeWritten {
    tag: 'written',
    val: Written,
  }
  export interface OutcomeChecked {
    tag: 'checked',
    val: Checked,
  }
  export interface OutcomeHooked {
    tag: 'hooked',
    val: Hooked,
  }
  export interface OutcomeTenant {
    tag: 'tenant',
    val: Tenant,
  }
  /**
   * As `page`, of which some rows or members could not be read.
   */
  export interface OutcomeFlawedPage {
    tag: 'flawed-page',
    val: [Page, Array<Problem>],
  }
  /**
   * As `fetched`, of which some rows or members could not be read. An id that a problem
   * names is not among `missing`.
   */
  export interface OutcomeFlawedFetched {
    tag: 'flawed-fetched',
    val: [Fetched, Array<Problem>],
  }
  export interface OutcomeRegistration {
    tag: 'registration',
    val: Registration,
  }
  /**
   * The adapter's next step.
   */
  export type Step = StepSend | StepVerify | StepTransfer | StepDone;
  export interface StepSend {
    tag: 'send',
    val: Send,
  }
  export interface StepVerify {
    tag: 'verify',
    val: Verify,
  }
  export interface StepTransfer {
    tag: 'transfer',
    val: Transfer,
  }
  export interface StepDone {
    tag: 'done',
    val: Outcome,
  }
}
