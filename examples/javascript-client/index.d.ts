/** What is JSON. Integers beyond 2^53 are texts. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Status = "running" | "paused" | "incident" | "completed" | "cancelled";
/** A place in the audit log. */
export type Seq = number | string;
/** An instance: its id, to read also a unique prefix of it, or `MACHINE/key:KEY`. */
export type Ref = string;

export interface Options {
  /** Default http://127.0.0.1:8480. */
  url?: string;
  /** The unix socket of a daemon on this machine; the host of `url` is then not looked at. */
  socketPath?: string;
  /** A bearer token, or what gives one for each request. */
  token?: Token;
  /** Milliseconds until an answer must have come; default 10,000. */
  timeout?: number;
  /** How often what is harmless to repeat is repeated; default 5. */
  retries?: number;
  /** Connections at once; default 64. */
  connections?: number;
  /** PEM of who signs the server's certificate. */
  ca?: string | Buffer;
}
export type Token = string | (() => string | Promise<string>);

/** What goes into the record of every command, and into what is published of it. */
export interface Context {
  correlationId?: string;
  requestId?: string;
  causationId?: string;
  traceparent?: string;
  tracestate?: string;
  token?: Token;
}

export interface CommandOptions {
  /** Made when it is not given: the command may then be repeated and is taken once. */
  idempotencyKey?: string;
  /** Taken only at this revision. */
  ifMatch?: number;
  signal?: AbortSignal;
}

/** A command was taken, and is durable. */
export interface Answer {
  correlation: string;
  instance: string;
  machine: string;
  version: number;
  status: Status;
  rev: number;
  to: string[];
  /** Absent: there was no instance. */
  from?: string[];
  /** Absent: nothing had to be written. */
  seq?: Seq;
  created?: true;
  /** The key was there before: this is the first answer, again. */
  replayed?: true;
  /** Nothing was done; the records that would be written. */
  dryRun?: true;
  records?: Json[];
}
/** What was said of a task was taken, and is durable. */
export interface TaskAnswer {
  correlation: string;
  instance: string;
  machine: string;
  version: number;
  status: Status;
  rev: number;
  to: string[];
  from: string[];
  seq?: Seq;
  dryRun?: true;
  records?: Json[];
}
export interface Deployed {
  correlation: string;
  machine: string;
  version: number;
  hash: string;
  /** False: it was the newest version already. */
  created: boolean;
  seq?: Seq;
}
export interface Retired {
  correlation: string;
  machine: string;
  version: number;
  seq?: Seq;
}

export interface Start {
  machine: string;
  version?: number;
  id?: string;
  key?: string;
  labels?: Record<string, string>;
  input?: Json;
  ifAbsent?: boolean;
}

/** ifAbsent, of `MACHINE/key:KEY`: the instance is made when there is none, with input, version and labels. */
export interface SendOptions extends CommandOptions {
  ifAbsent?: boolean;
  input?: Json;
  version?: number;
  labels?: Record<string, string>;
}
/** For an instance, or for a machine and key. */
export interface BatchEvent {
  instance?: string;
  machine?: string;
  key?: string;
  event: string;
  data?: Json;
  idem?: string;
  expectRev?: number;
  correlation?: string;
  ifAbsent?: boolean;
  input?: Json;
  version?: number;
  labels?: Record<string, string>;
}
export interface Batch {
  /** In the order of the events. */
  items: ({ status: 200; answer: Answer } | { status: number; problem: Problem })[];
  taken: number;
  refused: number;
}
/** problem+json (RFC 9457). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  where?: string;
  refusal?: Json;
  dryRun?: true;
  records?: Json[];
  correlation: string;
}

export interface Page {
  limit?: number;
  after?: string;
}
export interface Filter extends Page {
  machine?: string;
  version?: number;
  /** A state, or one that stands above it. */
  state?: string;
  /** running paused incident completed cancelled open done failed forced; `open,failed`: any of them; several: all. */
  status?: string | string[];
  user?: string;
  key?: string;
  /** `name=value`; several: all of them. */
  label?: string | string[];
  correlation?: string;
  trace?: string;
  /** At least so long in its state, such as "10m". */
  for?: string;
  since?: string | Date;
  until?: string | Date;
  updatedSince?: string | Date;
  updatedUntil?: string | Date;
  /** CEL over the context. */
  where?: string;
  sort?: string;
}
export interface RecordFilter {
  /** As `kind`, `a,b`: any of them. */
  machine?: string;
  kind?: string;
  instance?: string;
  state?: string;
  event?: string;
  user?: string;
  correlation?: string;
  /** At least. */
  level?: number;
  label?: string | string[];
  since?: string | Date;
  until?: string | Date;
  where?: string;
}
/** A record of the audit log: schema/record.schema.json has them all. */
export interface AuditRecord {
  v: 1;
  seq: Seq;
  time: string;
  kind: string;
  outcome: "taken" | "refused" | "failed";
  i: number;
  n: number;
  level: number;
  prev: string;
  [member: string]: Json | undefined;
}
export interface Retirement {
  time: string;
  by?: string;
  reason: string;
  seq: Seq;
}
export interface Version {
  version: number;
  hash: string;
  seq: Seq;
  deployed: string;
  retired?: Retirement;
  by?: string;
}
export interface MachineSummary {
  id: string;
  version: number;
  hash: string;
  seq: Seq;
  deployed: string;
  retired?: Retirement;
  /** The version that a new instance gets; absent: all are retired. */
  live?: number;
  description?: string;
  states: number;
}
export interface Machine extends MachineSummary {
  /** As it was sent: JSON or SCXML. */
  source: string;
}
export interface Incident {
  reason: string;
  seq: Seq;
  text: string;
  tried?: Json;
}
/** An instance, whole. */
export interface Instance {
  id: string;
  machine: string;
  version: number;
  key?: string;
  labels?: Record<string, string>;
  status: Status;
  state: string[];
  since: Record<string, string>;
  context: Json;
  history?: Json;
  rev: number;
  seq: Seq;
  correlation: string;
  created: string;
  updated: string;
  timers: { id: string; event: string; due: string }[];
  tasks: { id: string; service: string; [member: string]: Json | undefined }[];
  messages?: { id: string; kind: string; to: string; event?: string; due: string }[];
  parent?: { instance?: string; task?: string };
  output?: Json;
  forced?: true;
  incident?: Incident;
  cancelled?: { reason: string; seq: Seq };
  now: string;
  as_of?: { seq: number; time: string };
}
/** An instance in a list. */
export interface InstanceRow {
  id: string;
  key?: string;
  machine: string;
  version: number;
  state: string[];
  status: Status;
  since: string;
  for_ns: number | string;
  rev: number;
  forced?: true;
  incident?: { reason: string; seq: Seq; text: string };
  /** These with `with` only. */
  kind?: string[];
  sla?: { due: string; state?: string; left_ns?: number | string; overdue_ns?: number | string };
  waits?: Array<{ what: "event" | "timer" | "task" | "child" | "message"; name: string; due?: string }>;
  who?: { anybody: boolean; allow?: string[]; people?: string[]; more?: number };
  last?: { kind: string; event?: string; time: string; by?: string };
  parent?: { instance?: string; task?: string };
}
/** What may be sent to an instance now. */
export interface Events {
  instance: string;
  machine: string;
  version: number;
  state: string[];
  status: Status;
  forced?: true;
  rev: number;
  events: EnabledEvent[];
}
export interface EnabledEvent {
  event: string;
  state: string;
  target?: string;
  enabled: boolean;
  guard?: string;
  guard_name?: string;
  seen?: Json;
  fault?: string;
  depends?: true;
  unasked?: true;
  missing?: string;
  who?: string;
  people?: string[];
  allow?: { where: string; state: string; transition?: number; expression: string; holds?: boolean }[];
  permitted?: boolean;
  schema?: Json;
}
export interface Counts {
  items: { machine: string; state: string; count: number }[];
  next: null;
  seq: Seq;
  now: string;
}
export interface Task {
  token: string;
  service: string;
  machine: string;
  version: number;
  instance: string;
  key?: string;
  forced?: true;
  invoke: string;
  state: "open" | "running" | "waiting";
  attempt: number;
  attempts: number;
  timeout_ns: number | string;
  heartbeat_ns?: number | string;
  due?: string;
  begun?: string;
  deadline?: string;
  heartbeat_by?: string;
  input: Json;
  error?: string;
  correlation?: string;
  traceparent?: string;
}
export interface Claimed {
  items: Task[];
}
export interface Admin extends CommandOptions {
  reason: string;
  /** force: leaf paths. */
  states?: string[];
  /** set: a context patch; skip: the task's output. */
  data?: Json;
  /** retry, skip: of a task or timer. */
  name?: string;
}

export declare class FsmdError extends Error {
  /** Of HTTP; 0: there was no answer, and the outcome is not known. */
  readonly status: number;
  /** Stable: guard_false, stale, not_permitted … */
  readonly code: string;
  readonly type?: string;
  readonly where?: string;
  readonly refusal?: Json;
  readonly correlation?: string;
  /** As it came; a proxy may have said something else. */
  readonly problem: Partial<Problem>;
}

export declare class FsmdClient {
  constructor(options?: Options);
  with(context: Context): FsmdClient;
  close(): void;

  deploy(definition: Json): Promise<Deployed>;
  machines(options?: Page): AsyncIterableIterator<MachineSummary>;
  machine(id: string, options?: { version?: number }): Promise<Machine>;
  versions(id: string, options?: Page): AsyncIterableIterator<Version>;
  retire(id: string, options: { reason: string; version?: number }): Promise<Retired>;

  start(instance: Start, options?: CommandOptions): Promise<Answer>;
  send(ref: Ref, event: string, data?: Json, options?: SendOptions): Promise<Answer>;
  sendAll(events: BatchEvent[]): Promise<Batch>;
  get(ref: Ref): Promise<Instance>;
  events(ref: Ref): Promise<Events>;
  instances(filter?: Filter): AsyncIterableIterator<InstanceRow>;
  stuck(filter?: Filter): AsyncIterableIterator<InstanceRow>;
  history(ref: Ref, options?: Page): AsyncIterableIterator<AuditRecord>;
  counts(options?: { machine?: string }): Promise<Counts>;
  admin(
    ref: Ref,
    command: "pause" | "resume" | "cancel" | "force" | "set" | "note" | "retry" | "skip",
    options: Admin,
  ): Promise<Answer>;

  tasks(filter?: Page & { service?: string; machine?: string; instance?: string; state?: "open" | "running" | "waiting" }): AsyncIterableIterator<Task>;
  task(token: string): Promise<Task>;
  claim(service: string, options?: { limit?: number }): Promise<Claimed>;
  complete(token: string, output?: Json, options?: { attempt?: number }): Promise<TaskAnswer>;
  fail(token: string, error?: Json, options?: { attempt?: number; final?: boolean; retryAfter?: string }): Promise<TaskAnswer>;
  heartbeat(token: string, options?: { attempt?: number }): Promise<TaskAnswer>;

  records(filter?: RecordFilter & Page): AsyncIterableIterator<AuditRecord>;
  follow(filter?: RecordFilter & { after?: string | number; signal?: AbortSignal }): AsyncIterableIterator<AuditRecord>;
  health(): Promise<{ status: "ok" | "degraded"; version: string; [member: string]: Json | undefined }>;
}
