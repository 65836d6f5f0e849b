// One JSON line for each fact, with the context of the request that it belongs to: nobody has to pass a logger along.
import { AsyncLocalStorage } from "node:async_hooks";

const contexts = new AsyncLocalStorage();

export const context = () => contexts.getStore() ?? {};
export const within = (values, run) => contexts.run(values, run);
/** Known only later, as the user is. */
export const learn = (values) => Object.assign(context(), values);

export function log(level, msg, fields = {}) {
  const { correlationId, requestId, userId, sessionId } = context();
  const line = { time: new Date().toISOString(), level, msg, correlationId, requestId, userId, sessionId, ...fields };
  process.stdout.write(JSON.stringify(line) + "\n"); // what is undefined is left out, and no value can end the line
}
