// Documents and their approval. Express takes requests, checks who asks and keeps one context for all that is logged; what a
// document is in, who may move it and what becomes of it is the state machine's business, in fsmd.
//
//   GATEWAY_KEY=FILE [GATEWAY_ALGORITHM=HS256] [GATEWAY_AUDIENCE=fsmd] [FSM_URL=http://127.0.0.1:8480] [PORT=8080] node server.js
import { randomUUID } from "node:crypto";
import express from "express";
import { FsmdClient, FsmdError } from "fsmd-client";

import { bearer } from "./identity.js";
import { context, log, within } from "./log.js";

const MACHINE = "document-approval";
const EVENTS = { submit: "SUBMIT", retry: "RETRY", approve: "APPROVE", reject: "REJECT" };
const env = process.env;
const fsmd = new FsmdClient({ url: env.FSM_URL, timeout: 5000, retries: 3 });

const legal = (text) => text !== undefined && /^[ -~]{1,128}$/.test(text) && text.trim() !== "";
const given = (request, name) => (legal(request.get(name)) ? request.get(name) : undefined);

/** X-Correlation-ID taken or made, returned, and with everything that is logged and sent on. */
function correlate(request, response, next) {
  const values = {
    correlationId: given(request, "X-Correlation-ID") ?? randomUUID(),
    requestId: given(request, "X-Request-ID") ?? randomUUID(),
    traceparent: given(request, "traceparent"),
    tracestate: given(request, "tracestate"),
  };
  response.set("X-Correlation-ID", values.correlationId);
  within(values, next);
}

function logEnd(request, response, next) {
  const begun = process.hrtime.bigint();
  const values = context();
  response.on("finish", () =>
    within(values, () =>
      log("info", "request", {
        method: request.method,
        path: request.path,
        status: response.statusCode,
        ms: Number(process.hrtime.bigint() - begun) / 1e6,
      }),
    ),
  );
  next();
}

/** fsmd, in the name of who asks and under this request's context. */
function behind(request) {
  const { correlationId, requestId, traceparent, tracestate } = context();
  return fsmd.with({ token: request.token, correlationId, requestId, traceparent, tracestate });
}

const idempotencyKey = (request) => given(request, "Idempotency-Key");

async function create(request, response) {
  const document = request.body ?? {};
  const start = { machine: MACHINE, id: document.id, input: document };
  const answer = await behind(request).start(start, { idempotencyKey: idempotencyKey(request) });
  log("info", "document created", { fsm: { id: answer.instance, value: answer.to } });
  response.status(201).location(`/documents/${encodeURIComponent(answer.instance)}`).send(answer);
}

async function move(request, response, next) {
  const event = EVENTS[request.params.action];
  if (event === undefined) return next();
  const answer = await behind(request).send(request.params.id, event, request.body ?? {}, { idempotencyKey: idempotencyKey(request) });
  log("info", "transition", { fsm: { id: answer.instance, event, previousValue: answer.from, value: answer.to } });
  response.send(answer);
}

async function list(request, response) {
  const { state, user, for: age } = request.query;
  const rows = [];
  for await (const row of behind(request).instances({ machine: MACHINE, state, user, for: age })) if (rows.push(row) === 100) break;
  response.send({ items: rows });
}

async function history(request, response) {
  const records = [];
  for await (const record of behind(request).history(request.params.id)) records.push(record);
  response.send({ items: records });
}

/** A refusal goes on as it is: it says which guard, and what it saw. */
function refuse(error, request, response, next) {
  if (response.headersSent) return next(error);
  const known = error instanceof FsmdError;
  const status = known ? error.status || 503 : (error.status ?? 500);
  const own = { title: status < 500 ? error.message : "the gateway failed", status, code: status < 500 ? "malformed" : "internal" };
  log(status < 500 ? "warn" : "error", "refused", { status, code: known ? error.code : error.name, detail: error.message });
  if (status === 503) response.set("Retry-After", "1");
  response
    .status(status)
    .type("application/problem+json")
    .send({ ...(known ? error.problem : own), status, correlation: context().correlationId });
}

async function main() {
  if (!env.GATEWAY_KEY) throw new Error("GATEWAY_KEY: the file of the key that tokens are checked with");
  const identity = { keyFile: env.GATEWAY_KEY, algorithm: env.GATEWAY_ALGORITHM, audience: env.GATEWAY_AUDIENCE, issuer: env.GATEWAY_ISSUER };
  const app = express();
  app.disable("x-powered-by");
  app.use(correlate, logEnd);
  app.get("/healthz", (request, response) => response.send({ status: "ok" }));
  app.use(await bearer(identity), express.json({ limit: "1mb" }));
  app.post("/documents", create);
  app.get("/documents", list);
  app.get("/documents/:id", async (request, response) => response.send(await behind(request).get(request.params.id)));
  app.get("/documents/:id/events", async (request, response) => response.send(await behind(request).events(request.params.id)));
  app.get("/documents/:id/history", history);
  app.post("/documents/:id/:action", move);
  app.use((request, response) =>
    response.status(404).type("application/problem+json").send({ title: "there is no such thing here", status: 404, code: "not_found" }),
  );
  app.use(refuse);
  const server = app.listen(Number(env.PORT ?? 8080), env.HOST ?? "127.0.0.1", (error) => {
    if (error) throw error;
    log("info", "started", { address: server.address(), fsmd: env.FSM_URL ?? "http://127.0.0.1:8480" });
  });
  for (const signal of ["SIGTERM", "SIGINT"])
    process.once(signal, () => {
      log("info", "stopping");
      server.close(() => fsmd.close());
    });
}

main().catch((error) => {
  log("error", "cannot start", { detail: error.message });
  process.exitCode = 1;
});
