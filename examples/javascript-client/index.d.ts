/** What is JSON. Integers beyond 2^53 are texts. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Status = "running" | "paused" | "incident" | "completed" | "cancelled";
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

export interface Answer {
  seq: number | string;
  rev?: number;
  instance?: string;
  machine?: string;
  version?: number;
  status?: Status;
  from?: string[] | null;
  to?: string[] | null;
  correlation: string;
  replayed?: boolean;
  [member: string]: Json | undefined;
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

export interface BatchEvent {
  instance?: string;
  machine?: string;
  key?: string;
  event: string;
  data?: Json;
  idem?: string;
  expectRev?: number;
  ifAbsent?: boolean;
  correlation?: string;
}
export interface BatchAnswer {
  items: ({ status: number } & { [member: string]: Json | undefined })[];
  taken: number;
  refused: number;
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
  status?: Status | "open" | "done" | "failed" | "forced";
  user?: string;
  key?: string;
  /** `name=value` */
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
  machine?: string;
  kind?: string;
  instance?: string;
  state?: string;
  event?: string;
  user?: string;
  correlation?: string;
  level?: string;
  label?: string | string[];
  since?: string | Date;
  until?: string | Date;
  where?: string;
}
export interface AuditRecord {
  seq: number | string;
  kind: string;
  [member: string]: Json | undefined;
}
export interface Instance {
  id: string;
  machine: string;
  rev: number;
  status: Status;
  [member: string]: Json | undefined;
}
export interface Task {
  token: string;
  service: string;
  instance: string;
  machine: string;
  attempt: number;
  [member: string]: Json | undefined;
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
  readonly problem: { [member: string]: Json | undefined };
}

export declare class FsmdClient {
  constructor(options?: Options);
  with(context: Context): FsmdClient;
  close(): void;

  deploy(definition: Json): Promise<Answer & { hash: string; created: boolean }>;
  machines(options?: Page): AsyncIterableIterator<Json>;
  machine(id: string, options?: { version?: number }): Promise<Json>;
  versions(id: string, options?: Page): AsyncIterableIterator<Json>;
  retire(id: string, options: { reason: string; version?: number }): Promise<Answer>;

  start(instance: Start, options?: CommandOptions): Promise<Answer>;
  send(ref: Ref, event: string, data?: Json, options?: CommandOptions & { ifAbsent?: boolean; input?: Json }): Promise<Answer>;
  sendAll(events: BatchEvent[]): Promise<BatchAnswer>;
  get(ref: Ref): Promise<Instance>;
  events(ref: Ref): Promise<Json>;
  instances(filter?: Filter): AsyncIterableIterator<Instance>;
  stuck(filter?: Filter): AsyncIterableIterator<Instance>;
  history(ref: Ref, options?: Page): AsyncIterableIterator<AuditRecord>;
  counts(options?: { machine?: string }): Promise<Json>;
  admin(
    ref: Ref,
    command: "pause" | "resume" | "cancel" | "force" | "set" | "note" | "retry" | "skip",
    options: Admin,
  ): Promise<Answer>;

  tasks(filter?: Page & { service?: string; machine?: string; instance?: string; state?: string }): AsyncIterableIterator<Task>;
  task(token: string): Promise<Task>;
  claim(service: string, options?: { limit?: number }): Promise<{ items: Task[] }>;
  complete(token: string, output?: Json, options?: { attempt?: number }): Promise<Answer>;
  fail(token: string, error?: Json, options?: { attempt?: number; final?: boolean; retryAfter?: string }): Promise<Answer>;
  heartbeat(token: string, options?: { attempt?: number }): Promise<Answer>;

  records(filter?: RecordFilter & Page): AsyncIterableIterator<AuditRecord>;
  follow(filter?: RecordFilter & { after?: string | number; signal?: AbortSignal }): AsyncIterableIterator<AuditRecord>;
  health(): Promise<Json>;
}
