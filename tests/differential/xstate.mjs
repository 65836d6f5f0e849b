// xstate.mjs: XState's side of the differential test: cases in, transcripts out, a line of JSON each, in the
// form that drive_differential.c describes. Expressions are {"@js": text} over context, event and In().
import { createInterface } from "node:readline";
import { and, assign, cancel, createActor, createMachine, emit, fromCallback, not, or, raise, stateIn } from "xstate";

const LOOP = 1000; // microsteps; the engine's bound
const MACROSTEPS = 300; // of one step of a case: timers that set each other without an end

console.warn = console.error = () => {};

// ---- time: only advance() moves it; what is due fires in the order (due, set), each at its own time

class Endless extends Error {}

class Clock {
  now = 0;
  set = 0;
  tie = false; // a timer of no delay was set while others were due at that very time
  timers = new Map();
  setTimeout = (fn, ms) => {
    this.set += 1;
    if (ms === 0) for (const timer of this.timers.values()) this.tie ||= timer.due === this.now;
    this.timers.set(this.set, { due: this.now + ms, fn });
    return this.set;
  };
  clearTimeout = (id) => this.timers.delete(id);
  advance(ms) {
    const end = this.now + ms;
    for (let fired = 0; ; fired += 1) {
      let next;
      for (const [id, timer] of this.timers)
        if (timer.due <= end && (next === undefined || timer.due < this.timers.get(next).due)) next = id;
      if (next === undefined) break;
      if (fired === MACROSTEPS) throw new Endless();
      const { due, fn } = this.timers.get(next);
      this.timers.delete(next);
      this.now = due;
      fn();
    }
    this.now = end;
  }
}

// ---- a definition that is data into one with functions

const functions = new Map();

function compiled(text) {
  if (!functions.has(text)) functions.set(text, new Function("context", "event", "In", `return (${text});`));
  return functions.get(text);
}

// A value with expressions in it, at a moment.
function valueOf(value, context, event) {
  if (Array.isArray(value)) return value.map((item) => valueOf(item, context, event));
  if (value === null || typeof value !== "object") return value;
  if ("@js" in value) return compiled(value["@js"])(context, event);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, valueOf(item, context, event)]));
}

const later = (value) => ({ context, event }) => valueOf(value, context, event);

function guardOf(guard) {
  if (typeof guard === "string") return guard;
  if ("@js" in guard) {
    const test = () => {};
    test.check = (snapshot, { context, event }) =>
      compiled(guard["@js"])(context, event, (path) => snapshot._nodes.some((node) => node.path.join(".") === path));
    return test;
  }
  switch (guard.type) {
    case "@xstate.and":
      return and(guard.guards.map(guardOf));
    case "@xstate.or":
      return or(guard.guards.map(guardOf));
    case "@xstate.not":
      return not(guardOf(guard.guard));
    case "@xstate.stateIn":
      return stateIn(guard.stateValue);
    default:
      return guard.type;
  }
}

const listOf = (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

class Converter {
  constructor(trace) {
    this.trace = trace;
  }
  action(action) {
    if (typeof action === "string") return action;
    switch (action.type) {
      case "@xstate.assign":
        return assign(Object.fromEntries(Object.entries(action.context).map(([key, value]) => [key, later(value)])));
      case "@xstate.raise": {
        const { delay, id } = action;
        return raise(later(action.event), { id, delay: delay !== null && typeof delay === "object" ? later(delay) : delay });
      }
      case "@xstate.cancel":
        return cancel(action.id);
      case "@xstate.emit":
        return emit(later(action.event));
      case "@xstate.log":
        return ({ context, event }) => this.trace.log.push(valueOf(action.args, context, this.named(event)));
      case "enter": // a state that is active is entered: what we never do
        return this.mark(() => {
          if (this.trace.active.has(action.path)) this.trace.twice = true;
          this.trace.active.add(action.path);
        });
      case "leave":
        return this.mark(() => void this.trace.active.delete(action.path));
      default:
        return { type: action.type };
    }
  }
  // An action that is run while a microstep is made, also one that is thrown away later.
  mark(fn) {
    const action = () => {};
    action.resolve = (_, snapshot) => {
      fn();
      return [snapshot, undefined, undefined];
    };
    return action;
  }
  // Events of the engine's own are named by the path of a state here, by its id there.
  named(event) {
    const type = event.type.replace(/^(xstate\.(?:after\.[^.]+|done\.state))\.m\./, "$1.");
    return type === event.type ? event : { ...event, type };
  }
  actions(list, patch) {
    const actions = listOf(list).map((action) => this.action(action));
    return patch === undefined ? actions : [this.action({ type: "@xstate.assign", context: patch }), ...actions];
  }
  transitions(list) {
    return listOf(list).map((item) => {
      if (typeof item === "string") return item;
      const { guard, actions, context, ...rest } = item;
      return {
        ...rest,
        ...(guard === undefined ? {} : { guard: guardOf(guard) }),
        ...(actions === undefined && context === undefined ? {} : { actions: this.actions(actions, context) }),
      };
    });
  }
  table(table) {
    return Object.fromEntries(Object.entries(table).map(([key, list]) => [key, this.transitions(list)]));
  }
  state(state, path) {
    const out = { ...state };
    if (state.type !== "history") {
      state = { ...state, entry: [{ type: "enter", path }, ...listOf(state.entry)], exit: [{ type: "leave", path }, ...listOf(state.exit)] };
    }
    for (const key of ["on", "after"]) if (state[key]) out[key] = this.table(state[key]);
    for (const key of ["always", "onDone"]) if (state[key]) out[key] = this.transitions(state[key]);
    for (const key of ["entry", "exit"]) if (state[key]) out[key] = this.actions(state[key]);
    if (state.initial?.actions) out.initial = { ...state.initial, actions: this.actions(state.initial.actions) };
    if (state.output !== undefined) out.output = later(state.output);
    if (state.invoke)
      out.invoke = listOf(state.invoke).map((invoke) => ({
        ...invoke,
        ...(invoke.input === undefined ? {} : { input: later(invoke.input) }),
        ...(invoke.onDone ? { onDone: this.transitions(invoke.onDone) } : {}),
        ...(invoke.onError ? { onError: this.transitions(invoke.onError) } : {}),
      }));
    if (state.states)
      out.states = Object.fromEntries(Object.entries(state.states).map(([key, child]) => [key, this.state(child, path + "." + key)]));
    return out;
  }
  machine({ guards, actions, delays, context, ...config }) {
    const service = fromCallback(({ self, input }) => {
      const mark = {};
      this.trace.tasks.set(self.id, { input: input ?? null, mark });
      return () => {
        if (this.trace.tasks.get(self.id)?.mark === mark) this.trace.tasks.delete(self.id);
      };
    });
    const each = (table, fn) => Object.fromEntries(Object.entries(table ?? {}).map(([key, item]) => [key, fn(item)]));
    return createMachine(
      { ...this.state(config, ""), context, options: { maxIterations: LOOP } },
      {
        guards: each(guards, guardOf),
        actions: each(actions, (action) => this.action(action)),
        delays: each(delays, (delay) => (typeof delay === "object" ? later(delay) : delay)),
        actors: { svc: service },
      },
    );
  }
}

// ---- a case

// One child of each compound state, all of a parallel one, the parents of all.
function isLegal(nodes) {
  const active = new Set(nodes);
  return nodes.every((node) => {
    const children = Object.values(node.states).filter((child) => child.type !== "history");
    const count = children.filter((child) => active.has(child)).length;
    const wanted = node.type === "parallel" ? children.length : node.type === "compound" ? 1 : 0;
    return count === wanted && (node.parent === undefined || active.has(node.parent));
  });
}

// Could document order have given other eventless transitions, or the same in another order? XState asks the active
// states in the order in which they were entered last, which also decides conflicts.
function isDisordered(nodes, transitions) {
  if (transitions.length === 0 || transitions.some((transition) => transition.eventType !== "")) return false;
  const sourcesOf = (leaf) => {
    const sources = [];
    for (let node = leaf; node; node = node.parent) if (node.always?.length) sources.push(node.order);
    return sources.join();
  };
  const asked = nodes.filter((node) => (node.type === "atomic" || node.type === "final") && sourcesOf(node) !== "");
  return asked.some((leaf, n) => n > 0 && leaf.order < asked[n - 1].order && sourcesOf(leaf) !== sourcesOf(asked[n - 1]));
}

function play({ machine: definition, steps }) {
  const trace = { log: [], emit: [], tasks: new Map(), active: new Set(), nodes: [] };
  const machine = new Converter(trace).machine(definition);
  const clock = new Clock();
  const actor = createActor(machine, {
    clock,
    id: "m",
    inspect(seen) {
      if (seen.type !== "@xstate.microstep" || !seen.snapshot._nodes) return;
      if (!isLegal(seen.snapshot._nodes)) trace.illegal = true;
      if (isDisordered(trace.nodes, seen._transitions)) trace.disorder = true;
      trace.nodes = seen.snapshot._nodes;
    },
  });
  const transcript = [];
  actor.subscribe({ error() {} });
  actor.on("*", (event) => trace.emit.push(event));

  const marks = () => ({ ...(trace.twice ? { twice: true } : {}), ...(trace.illegal ? { illegal: true } : {}), ...(trace.disorder ? { disorder: true } : {}), ...(clock.tie ? { tie: true } : {}) });
  const entry = (taken) => {
    const now = actor.getSnapshot();
    if (now.status === "error") {
      transcript.push({ ...marks(), status: /^Infinite loop/.test(now.error?.message) ? "loop" : "error", text: String(now.error?.stack ?? now.error) });
      return false;
    }
    const leaves = now._nodes.filter((node) => node.type === "atomic" || node.type === "final");
    transcript.push({
      status: now.status,
      state: leaves.map((node) => node.path.join(".")),
      context: now.context,
      ...(now.status === "done" ? { output: now.output ?? null } : {}),
      ...(taken === undefined ? {} : { taken }),
      ...marks(),
      tasks: Object.fromEntries([...trace.tasks].map(([id, task]) => [id, task.input])),
      log: trace.log,
      emit: trace.emit,
    });
    trace.log = [];
    trace.emit = [];
    return now.status === "active";
  };

  const take = (step) => {
    if (step.send) {
      const taken = machine.getTransitionData(actor.getSnapshot(), step.send)?.length > 0;
      actor.send(step.send);
      clock.advance(0);
      return taken;
    }
    if (step.advance !== undefined) clock.advance(step.advance);
    else if (trace.tasks.delete(step.answer)) {
      const kind = step.failed ? "error" : "done";
      actor.send({ type: `xstate.${kind}.actor.${step.answer}`, [step.failed ? "error" : "output"]: step.data, actorId: step.answer });
      clock.advance(0);
    }
    return undefined;
  };

  try {
    actor.start();
    clock.advance(0);
    let alive = entry();
    for (const step of steps) {
      if (!alive) break;
      alive = entry(take(step));
    }
  } catch (error) {
    if (!(error instanceof Endless)) throw error;
    transcript.push({ ...marks(), status: "loop" });
  }
  actor.stop();
  return transcript;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, xstate, steps } = JSON.parse(line);
  let answer;
  try {
    answer = { id, transcript: play({ machine: xstate, steps }) };
  } catch (error) {
    answer = { id, refused: String(error.stack) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
