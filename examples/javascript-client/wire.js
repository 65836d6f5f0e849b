// One exchange with fsmd over TCP or its unix socket: headers, deadlines, problems as errors, repetition.
import http from "node:http";
import https from "node:https";

const RETRIES = 5;
const BACKOFF_MS = 100; // doubled each time, with jitter
const BACKOFF_MAX_MS = 5000;
const BODY_MAX = 64 << 20; // of an answer

/** What fsmd refused, or that it could not be asked. `code` is stable, `message` is for people. */
export class FsmdError extends Error {
  constructor(status, problem, cause) {
    super(problem.detail || problem.title || `fsmd answered ${status}`, cause && { cause });
    this.name = "FsmdError";
    this.status = status; // 0: there was no answer, the outcome is not known
    this.code = problem.code ?? "unreachable";
    this.type = problem.type;
    this.where = problem.where;
    this.refusal = problem.refusal;
    this.correlation = problem.correlation;
    this.problem = problem;
  }
}

function problemOf(response, text) {
  try {
    const problem = JSON.parse(text);
    if (problem !== null && typeof problem === "object") return problem;
  } catch {
    // not from fsmd: a proxy, or what no HTTP library took for a request
  }
  return { title: response.statusMessage, detail: text.slice(0, 200), correlation: response.headers["x-correlation-id"] };
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** How long to wait before attempt `n`: what the server asks for, else a growing random time. */
function pause(n, error) {
  const asked = Number(error.retryAfter) * 1000;
  if (asked > 0) return Math.min(asked, BACKOFF_MAX_MS);
  return Math.min(BACKOFF_MS * 2 ** n, BACKOFF_MAX_MS) * (0.5 + Math.random() / 2);
}

/** Nothing was taken, or asking again is harmless: 503 says so, and so does no answer under a key. */
const passes = (error) => error.status === 0 || error.status === 503 || error.status === 429;

export class Wire {
  constructor({ url = "http://127.0.0.1:8480", socketPath, timeout = 10_000, retries = RETRIES, connections = 64, ca } = {}) {
    this.url = new URL(url);
    if (!["http:", "https:"].includes(this.url.protocol)) throw new TypeError(`url: ${url} is neither http nor https`);
    this.client = this.url.protocol === "https:" ? https : http;
    this.timeout = timeout;
    this.retries = retries;
    this.target = socketPath ? { socketPath } : { host: this.url.hostname, port: this.url.port };
    this.agent = new this.client.Agent({ keepAlive: true, maxSockets: connections, ca });
  }

  close() {
    this.agent.destroy();
  }

  /** The answer's {status, headers, body}; repeated while that is harmless. FsmdError else. */
  async ask(request) {
    for (let n = 0; ; n++) {
      try {
        return await this.once(request);
      } catch (error) {
        if (!request.repeatable || !passes(error) || n >= this.retries || request.signal?.aborted) throw error;
        await sleep(pause(n, error));
      }
    }
  }

  once({ method, path, headers, body, signal }) {
    return new Promise((resolve, reject) => {
      const give = (error) => reject(error instanceof FsmdError ? error : unreachable(error));
      const request = this.open({ method, path, headers, body, signal }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part) => {
          text += part;
          if (text.length > BODY_MAX) request.destroy(new Error("the answer is too large"));
        });
        response.on("error", give);
        response.on("end", () => {
          const status = response.statusCode;
          if (status >= 400) {
            const error = new FsmdError(status, problemOf(response, text));
            error.retryAfter = response.headers["retry-after"];
            return give(error);
          }
          try {
            resolve({ status, headers: response.headers, body: text && status !== 304 ? JSON.parse(text) : undefined });
          } catch (error) {
            give(error);
          }
        });
      });
      request.setTimeout(this.timeout, () => request.destroy(new Error(`no answer within ${this.timeout} ms`)));
      request.on("error", give);
      request.end(body);
    });
  }

  /** The bare request; for answers that go on. */
  open({ method, path, headers, body, signal }, onResponse) {
    const length = body === undefined ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    const prefix = this.url.pathname.replace(/\/$/, "");
    const options = { ...this.target, method, path: prefix + path, headers: { ...headers, ...length }, agent: this.agent, signal };
    return this.client.request(options, onResponse);
  }
}

export function unreachable(error) {
  return new FsmdError(0, { code: "unreachable", title: "fsmd cannot be reached", detail: error.message }, error);
}
