// The client as a typed program uses it: compiled by `npm run check`, never run.
import { FsmdClient, FsmdError, type Answer } from "fsmd-client";

export async function approve(url: string, id: string): Promise<Answer | string> {
  const fsmd = new FsmdClient({ url, token: async () => "token" }).with({ correlationId: "order-7" });
  try {
    for await (const row of fsmd.stuck({ for: "10m", label: ["region=eu"] })) console.log(row.id, row.rev + 1);
    for await (const record of fsmd.follow({ machine: "document-approval", after: 0 })) console.log(record.seq, record.kind);
    // @ts-expect-error an administrator's command needs a reason
    await fsmd.admin(id, "pause", {});
    // @ts-expect-error and there is no such one
    await fsmd.admin(id, "explode", { reason: "no" });
    return await fsmd.send(id, "APPROVE", { comment: "fine" }, { ifMatch: 3 });
  } catch (error) {
    if (error instanceof FsmdError && error.code === "stale") return error.message;
    throw error;
  } finally {
    fsmd.close();
  }
}
