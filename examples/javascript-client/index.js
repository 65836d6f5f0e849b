// A client of fsmd (schema/openapi.json). Every command gets a key, so that it may be repeated when no answer came.
import { randomUUID } from "node:crypto";

import { followEvents } from "./events.js";
import { Wire } from "./wire.js";

export { FsmdError } from "./wire.js";

const ADMIN = ["pause", "resume", "cancel", "force", "set", "note", "retry", "skip"];
const CONTEXT = {
  correlationId: "X-Correlation-ID",
  requestId: "X-Request-ID",
  causationId: "X-Causation-ID",
  traceparent: "traceparent",
  tracestate: "tracestate",
};

const segment = encodeURIComponent; // "MACHINE/key:KEY" becomes one segment, as fsmd wants it
const snake = (name) => name.replace(/[A-Z]/g, (c) => "_" + c.toLowerCase());

/** Options in JavaScript's spelling as fsmd's members; what is undefined is left out. */
function members(options) {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [snake(name), value]),
  );
}

function query(options = {}) {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(members(options)))
    for (const one of Array.isArray(value) ? value : [value])
      params.append(name, one instanceof Date ? one.toISOString() : String(one));
  const text = params.toString();
  return text && "?" + text;
}

export class FsmdClient {
  #wire;
  #context;
  #token;

  constructor(options = {}) {
    this.#wire = options.wire ?? new Wire(options);
    this.#token = options.token;
    this.#context = options.context ?? {};
  }

  /** The same connections under another context: {correlationId, requestId, causationId, traceparent, tracestate, token}. */
  with({ token = this.#token, ...context }) {
    return new FsmdClient({ wire: this.#wire, token, context: { ...this.#context, ...context } });
  }

  close() {
    this.#wire.close();
  }

  // ---- machines ----

  deploy(definition) {
    return this.#command("POST", "/v1/machines", definition, { keyed: false, repeatable: true });
  }
  machines(options) {
    return this.#pages("/v1/machines", options);
  }
  machine(id, options) {
    return this.#read(`/v1/machines/${segment(id)}`, options);
  }
  versions(id, options) {
    return this.#pages(`/v1/machines/${segment(id)}/versions`, options);
  }
  retire(id, { reason, version }) {
    return this.#command("POST", `/v1/machines/${segment(id)}/retire`, members({ reason, version }), { keyed: false, repeatable: true });
  }

  // ---- instances ----

  start(instance, options) {
    return this.#command("POST", "/v1/instances", members(instance), options);
  }
  send(ref, event, data, { ifAbsent, input, version, labels, ...options } = {}) {
    const body = members({ event, data, ifAbsent, input, version, labels });
    return this.#command("POST", `/v1/instances/${segment(ref)}/events`, body, options);
  }
  /** Each by itself; an event without `idem` gets one. */
  sendAll(events) {
    const keyed = events.map((event) => members({ idem: randomUUID(), ...event }));
    return this.#command("POST", "/v1/events", { events: keyed }, { keyed: false, repeatable: true });
  }
  get(ref) {
    return this.#read(`/v1/instances/${segment(ref)}`);
  }
  events(ref) {
    return this.#read(`/v1/instances/${segment(ref)}/events`);
  }
  instances(filter) {
    return this.#pages("/v1/instances", filter);
  }
  stuck(filter) {
    return this.#pages("/v1/stuck", filter);
  }
  history(ref, options) {
    return this.#pages(`/v1/instances/${segment(ref)}/history`, options);
  }
  counts(options) {
    return this.#read("/v1/counts", options);
  }
  /** An administrator's command: pause resume cancel force set note retry skip. */
  admin(ref, command, { reason, states, data, name, ...options }) {
    if (!ADMIN.includes(command)) throw new TypeError(`${command} is none of ${ADMIN.join(" ")}`);
    return this.#command("POST", `/v1/instances/${segment(ref)}/${command}`, members({ reason, states, data, name }), options);
  }

  // ---- tasks ----

  tasks(filter) {
    return this.#pages("/v1/tasks", filter);
  }
  task(token) {
    return this.#read(`/v1/tasks/${segment(token)}`);
  }
  /** What was begun is in the answer alone: not repeated by itself. */
  claim(service, { limit } = {}) {
    return this.#command("POST", "/v1/tasks/claim", members({ service, limit }), { keyed: false });
  }
  complete(token, output, { attempt } = {}) {
    return this.#command("POST", `/v1/tasks/${segment(token)}/complete`, members({ output, attempt }), { keyed: false, repeatable: true });
  }
  fail(token, error, { attempt, final, retryAfter } = {}) {
    return this.#command("POST", `/v1/tasks/${segment(token)}/fail`, members({ error, attempt, final, retryAfter }), { keyed: false, repeatable: true });
  }
  heartbeat(token, { attempt } = {}) {
    return this.#command("POST", `/v1/tasks/${segment(token)}/heartbeat`, members({ attempt }), { keyed: false, repeatable: true });
  }

  // ---- the audit log ----

  records(filter) {
    return this.#pages("/v1/records", filter);
  }
  /** Records as they become durable, each once and in order, through breaks and restarts. */
  async *follow({ after, signal, ...filter } = {}) {
    const request = { path: "/v1/records" + query(filter), headers: () => this.#headers({}), signal, after };
    for await (const event of followEvents(this.#wire, request))
      if (event.id !== undefined) yield JSON.parse(event.data);
  }

  health() {
    return this.#read("/healthz");
  }

  // ---- how ----

  async #headers({ idempotencyKey, ifMatch }) {
    const headers = {};
    for (const [name, header] of Object.entries(CONTEXT)) if (this.#context[name]) headers[header] = this.#context[name];
    const token = typeof this.#token === "function" ? await this.#token() : this.#token;
    if (token) headers.Authorization = `Bearer ${token}`;
    if (idempotencyKey) headers["Idempotency-Key"] = idempotencyKey;
    if (ifMatch !== undefined) headers["If-Match"] = `"${ifMatch}"`;
    return headers;
  }

  async #command(method, path, document, { keyed = true, repeatable = keyed, idempotencyKey, ifMatch, signal } = {}) {
    if (keyed) idempotencyKey ??= randomUUID();
    const headers = await this.#headers({ idempotencyKey, ifMatch });
    const answer = await this.#wire.ask({ method, path, headers, body: JSON.stringify(document), repeatable, signal });
    return answer.body;
  }

  async #read(path, options) {
    const headers = await this.#headers({});
    return (await this.#wire.ask({ method: "GET", path: path + query(options), headers, repeatable: true })).body;
  }

  async *#pages(path, options = {}) {
    for (let after = options.after; ; ) {
      const page = await this.#read(path, { ...options, after });
      yield* page.items;
      if (page.next === undefined || page.next === null) return;
      after = page.next;
    }
  }
}
