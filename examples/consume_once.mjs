// consume_once.mjs: consume_once.c in Node, without a library: effects exactly once, from a JetStream stream (the
// text protocol of NATS over a socket) or from the files of a file sink (format json). The first comment there
// says what the position is, what `after`, `prev` and `leaf` are for, how it is called, and what exit 7 means.
import fs from "node:fs";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
const BATCH = 64, WAIT_MS = 500, ANSWER_MS = 3000, AGAIN_MS = 200; // BATCH: records that share a rename

function load(path) {
  const text = fs.existsSync(path) ? fs.readFileSync(path, "utf8").trim() : "0";
  const [seq, epoch = "0", store = "-", leaf = "-", place = "1", count = "0", sum = "0"] = text.split(" ");
  return { seq: BigInt(seq), epoch: +epoch, store, leaf, place: +place, count: BigInt(count), sum: BigInt(sum) };
}

function save(path, s) {
  const text = `${s.seq} ${s.epoch} ${s.store} ${s.leaf} ${s.place} ${s.count} ${s.sum}\n`;
  const file = fs.openSync(path + ".new", "w", 0o600);
  fs.writeSync(file, text), fs.fsyncSync(file), fs.closeSync(file);
  fs.renameSync(path + ".new", path);
}

class Stop extends Error { constructor(exit, text) { super(text); this.exit = exit; } }

// ---- a record ----------------------------------------------------------------------------------------------

// What the record does to us. It depends on the order, as most effects do.
function effect(s, record) {
  const by = record.data?.by;
  s.count += 1n;
  s.sum = BigInt.asUintN(64, 31n * s.sum + BigInt(Number.isInteger(by) ? by : 0));
}
const missing = (s, wanted) => `records ${s.seq + 1n} to ${wanted} are missing`;

function parse(text, where) { // over the server's max_payload it is msgpack: Content-Type says so
  try { return JSON.parse(text); } catch (e) { throw new Stop(1, `${where}: not JSON: ${e.message}`); }
}
// "taken", "passed", or the seq that must come before it. A seq above 2^53 is a text.
function take(s, text, where) {
  const record = parse(text, where);
  const seq = BigInt(record.seq ?? 0), after = BigInt(record.after ?? seq - 1n);
  const { epoch = 0, store = "-", prev = "-", leaf = "-" } = record;
  const broken = (why) => new Stop(7, `${where}: seq ${seq}: ${why}`);
  if (seq === 0n || after >= seq) throw new Stop(1, `${where}: not a record`);
  if (s.store !== "-" && s.store !== store) throw broken("it is of another store");
  if (epoch > s.epoch && seq <= s.seq)
    throw broken("a newer epoch begins here, behind our position: effects are to be undone");
  if (seq <= s.seq || epoch < s.epoch) return "passed";
  if (after > s.seq) return after;
  if (seq === s.seq + 1n && s.leaf !== "-" && s.leaf !== prev)
    throw broken("its prev is not the leaf of the record before: one of them was altered");
  effect(s, record);
  Object.assign(s, { seq, epoch, store, leaf });
  return "taken";
}

// ---- files -------------------------------------------------------------------------------------------------

function readFiles(paths, statePath, s) {
  for (;;) { // a second time when repairs came behind what needs them
    let wanted = null, waiting = 0, before = s.seq;
    for (const path of paths) {
      fs.readFileSync(path, "utf8").split("\n").slice(0, -1).forEach((line, i) => { // a torn end comes again, whole
        const is = take(s, line, `${path}:${i + 1}`);
        if (typeof is === "bigint") wanted ??= is;
        if (is === "taken" && ++waiting % BATCH === 0) save(statePath, s);
      });
    }
    if (wanted === null) return;
    if (s.seq === before) throw new Stop(7, `${paths.at(-1)}: ${missing(s, wanted)}`);
  }
}

// ---- NATS --------------------------------------------------------------------------------------------------

class Nats { // one connection, with one pull consumer at a time: the server forgets it, the position is ours
  constructor(url) {
    const { hostname, port } = new URL(url);
    this.inbox = `_INBOX.${process.pid}.${Math.random().toString(36).slice(2)}`;
    [this.buffer, this.messages, this.pull] = [Buffer.alloc(0), [], 0];
    this.socket = net.connect(Number(port || 4222), hostname).on("data", (data) => this.read(data));
    this.socket.on("error", (e) => (this.fault = e));
    this.socket.on("close", () => { this.fault ??= new Error("connection closed"); this.wake?.(); });
    this.socket.write(`CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nSUB ${this.inbox}.answer answer\r\n`);
  }
  // MSG subject sid [reply] bytes, HMSG subject sid [reply] header-bytes bytes, each with its payload behind.
  read(data) {
    this.buffer = Buffer.concat([this.buffer, data]);
    let at = 0;
    for (let end; (end = this.buffer.indexOf("\r\n", at)) >= 0; ) {
      const words = this.buffer.toString("utf8", at, end).split(" "), headed = words[0] === "HMSG";
      let next = end + 2;
      if (words[0] === "PING") this.socket.write("PONG\r\n");
      if (words[0] === "-ERR") this.fault = new Error(words.slice(1).join(" "));
      if (words[0] === "MSG" || headed) {
        const size = Number(words.at(-1)), head = headed ? Number(words.at(-2)) : 0;
        if (this.buffer.length < next + size + 2) break;
        const status = this.buffer.toString("latin1", next, next + head).match(/^NATS\/1\.0 (\d+)/)?.[1];
        const text = this.buffer.toString("utf8", next + head, next + size);
        this.messages.push({ to: words[2], reply: words[3], status, text });
        next += size + 2;
      }
      at = next;
    }
    this.buffer = this.buffer.subarray(at);
    this.wake?.();
  }
  publish(subject, document, reply) {
    const text = JSON.stringify(document);
    this.socket.write(`PUB ${subject} ${this.inbox}.${reply} ${Buffer.byteLength(text)}\r\n${text}\r\n`);
  }
  async next(to) { // the next message to this subscription; what an earlier consumer still sends is let go
    for (const end = Date.now() + ANSWER_MS; ; ) {
      for (let message; (message = this.messages.shift()); ) if (message.to === to) return message;
      if (this.fault) throw this.fault;
      if (Date.now() >= end) throw new Error("no answer");
      await new Promise((done) => { this.wake = done; this.timer = setTimeout(done, end - Date.now()); });
      clearTimeout(this.timer);
    }
  }
  async request(subject, document) {
    this.publish(subject, document, "answer");
    const { status, text } = await this.next("answer"), answer = JSON.parse(text || "{}");
    if (!status && !answer.error) return answer;
    throw new Error(answer.error?.description ?? "nobody answers for JetStream");
  }
  async lastOf(stream) { return (await this.request(`$JS.API.STREAM.INFO.${stream}`, {})).state.last_seq; }
  async consume(stream, place) {
    const from = { deliver_policy: "by_start_sequence", opt_start_seq: place }; // behind what we have
    const config = { ...from, ack_policy: "none", inactive_threshold: 5e9 };
    const made = await this.request(`$JS.API.CONSUMER.CREATE.${stream}`, { stream_name: stream, config });
    const next = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${made.name}`, reply = this.pull + 1;
    this.socket.write(`UNSUB ${this.pull++}\r\nSUB ${this.inbox}.${reply} ${reply}\r\n`);
    return (batch) => this.publish(next, { batch, expires: WAIT_MS * 1e6 }, reply);
  }
}

// From s.place on, for ever, or until nothing but early ones has come for so many seconds.
async function readStream(url, stream, seconds, statePath, s) {
  let next = s.place, behind = 0, wanted = 0n, filled = false; // behind: the first early one passed over, 0 = none
  let searched = null, heard = Date.now(), waiting = 0, fault = null, nats = null;
  const goTo = (place) => { [next, behind, filled] = [place, 0, false]; return true; };
  const keep = (least) => { if (waiting >= least) { save(statePath, s); waiting = 0; }; };
  const took = (is, place) => { // true: read on somewhere else
    let moved = false;
    next = place + 1;
    if (typeof is !== "bigint") heard = Date.now();
    else if (filled) moved = goTo(behind);
    else if (searched !== s.seq) { searched = s.seq; moved = goTo(1); } // the place was only a hint: is it before that?
    else if (behind === 0) { [behind, wanted] = [place, is]; console.error(`${stream}: ${missing(s, wanted)}`); }
    if (is === "taken") { filled = behind !== 0; waiting++; }
    s.place = behind || next;
    return moved;
  };
  const session = async () => { // what one consumer gives, until it is of no use
    if (next > (await nats.lastOf(stream)) + 1) goTo(1); // the stream has lost its end, or was made anew
    const ask = await nats.consume(stream, next);
    for (let left = 0; ; left--) {
      if (left === 0) ask((left = BATCH * 4));
      const { status, reply, text } = await nats.next(`${nats.pull}`);
      if (status) { // quiet, or the consumer is gone
        keep((left = 1));
        if (filled) return goTo(behind);
        if (status !== "408" || next !== (await nats.lastOf(stream)) + 1 || over()) return;
        continue;
      }
      const place = Number(reply.split(".").at(-4)); // $JS.ACK.stream.consumer.n.PLACE.n.time.pending
      if (took(take(s, text, `${stream}:${place}`), place)) return;
      keep(BATCH);
    }
  };
  const over = () => seconds > 0 && Date.now() - heard > seconds * 1000;
  while (!over()) {
    try {
      nats ??= new Nats(url);
      await session();
      fault = null;
    } catch (e) {
      if (e instanceof Stop) throw e;
      nats.socket.destroy(), keep(1);
      [nats, fault] = [null, e];
      await sleep(AGAIN_MS);
    }
  }
  if (behind !== 0) throw new Stop(7, `${stream}: ${missing(s, wanted)}`);
  if (fault) throw new Stop(1, `${stream}: ${fault.message}`);
}

const [statePath, first, ...rest] = process.argv.slice(2), isUrl = first?.includes("://");
let state = null, exit = 0;
try {
  if (first === undefined || (isUrl && rest.length === 0))
    throw new Stop(2, "usage: node consume_once.mjs STATE FILE... | STATE nats://HOST:PORT STREAM [SECONDS]");
  state = load(statePath);
  if (isUrl) await readStream(first, rest[0], Number(rest[1] ?? 0), statePath, state);
  else readFiles([first, ...rest], statePath, state);
} catch (e) {
  console.error(e.message), (exit = e.exit ?? 1);
}
if (state !== null) save(statePath, state);
process.exit(exit);
