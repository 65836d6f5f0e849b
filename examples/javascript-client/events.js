// Server-sent events (WHATWG HTML 9.2): the fields of a stream of bytes, and a stream that goes on after a break.
import { FsmdError, unreachable } from "./wire.js";

const EVENT_MAX = 4 << 20; // characters of one event

/** Events of a readable stream of text: {id, event, data}. */
export async function* parseEvents(stream) {
  let text = "";
  let event = { id: undefined, event: "message", data: [] };
  for await (const part of stream) {
    text += part;
    if (text.length > EVENT_MAX) throw new Error("an event is too large");
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    text = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (event.data.length > 0) yield { ...event, data: event.data.join("\n") };
        event = { id: event.id, event: "message", data: [] };
        continue;
      }
      const colon = line.indexOf(":");
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "data") event.data.push(value);
      else if (name === "event") event.event = value;
      else if (name === "id") event.id = value;
    }
  }
}

function response(wire, request) {
  return new Promise((resolve, reject) => {
    const fail = (error) => reject(unreachable(error));
    const opened = wire.open({ method: "GET", ...request }, (answer) => {
      answer.setEncoding("utf8");
      opened.off("error", fail);
      opened.on("error", () => {}); // a break is the end of `answer`
      resolve(answer);
    });
    opened.on("error", fail);
    opened.setTimeout(60_000, () => opened.destroy()); // fsmd writes something every 15 s
    opened.end();
  });
}

async function refuse(answer) {
  let text = "";
  for await (const part of answer) text += part;
  let problem = { detail: text };
  try {
    problem = JSON.parse(text);
  } catch {
    // told as it is
  }
  throw new FsmdError(answer.statusCode, problem);
}

/** Each event once, in order, for ever: where the stream breaks it is taken up behind the last one. */
export async function* followEvents(wire, { path, headers, signal, after }) {
  let last = after;
  for (let broken = 0; !signal?.aborted; ) {
    try {
      const resume = last === undefined ? {} : { "Last-Event-ID": String(last) };
      const answer = await response(wire, { path, headers: { ...(await headers()), ...resume, Accept: "text/event-stream" }, signal });
      if (answer.statusCode !== 200) await refuse(answer);
      for await (const event of parseEvents(answer)) {
        broken = 0;
        if (event.id !== undefined) last = event.id;
        yield event;
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (error instanceof FsmdError && error.status !== 0 && error.status !== 503) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(100 * 2 ** broken++, 5000)));
  }
}
