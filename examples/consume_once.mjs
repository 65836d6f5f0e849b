// consume_once.mjs: effects exactly once, from the files of a file sink (format json): consume_once.c in Node.
//
//   node consume_once.mjs STATE FILE...
//
// Effect and position are in the one file STATE, written beside itself, synced and renamed: after a kill at any
// point both are as before a record or both as after it. What comes again is known by its seq; a gap is known by
// `after`, and stops the program: exit 7.
import fs from "node:fs";
import readline from "node:readline";

const BATCH = 16; // records that share a rename

function load(path) {
  if (!fs.existsSync(path)) return { seq: 0n, count: 0n, sum: 0n };
  const [seq, count, sum] = fs.readFileSync(path, "utf8").trim().split(" ").map(BigInt);
  return { seq, count, sum };
}

function save(path, state) {
  const beside = path + ".new", file = fs.openSync(beside, "w", 0o600);
  fs.writeSync(file, `${state.seq} ${state.count} ${state.sum}\n`);
  fs.fsyncSync(file);
  fs.closeSync(file);
  fs.renameSync(beside, path);
}

// What the record does to us.
function effect(state, record) {
  state.count += 1n;
  if (Number.isInteger(record.data?.by)) state.sum += BigInt(record.data.by);
}

// 0, or how to exit.
function take(state, record, where) {
  const seq = BigInt(record.seq), after = BigInt(record.after ?? seq - 1n);
  if (seq <= state.seq) return 0; // it is in the state already
  if (state.seq !== 0n && after > state.seq) {
    console.error(`${where}: records ${state.seq + 1n} to ${after} are missing`);
    return 7;
  }
  effect(state, record);
  state.seq = seq;
  return 0;
}

// Whole lines only: the end of the open file may be torn.
async function consume(path, statePath, state) {
  const size = fs.readFileSync(path).lastIndexOf(10) + 1;
  if (size === 0) return 0;
  const lines = readline.createInterface({ input: fs.createReadStream(path, { end: size - 1 }) });
  let number = 0, waiting = 0, result = 0;
  for await (const line of lines) {
    const before = state.seq;
    result = take(state, JSON.parse(line), `${path}:${++number}`);
    if (result !== 0) break;
    if (state.seq !== before && ++waiting === BATCH) {
      waiting = 0;
      save(statePath, state);
    }
  }
  save(statePath, state);
  return result;
}

const [statePath, ...paths] = process.argv.slice(2);
if (paths.length === 0) {
  console.error("usage: node consume_once.mjs STATE FILE...");
  process.exit(2);
}
const state = load(statePath);
let result = 0;
for (const path of paths) if (result === 0) result = await consume(path, statePath, state);
process.exit(result);
