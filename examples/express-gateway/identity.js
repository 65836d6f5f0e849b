// Who asks: a bearer token, checked here so that nobody else gets further, and again by fsmd, which trusts no gateway.
import { createSecretKey } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { importSPKI, jwtVerify } from "jose";

import { learn, log } from "./log.js";

/** The key of a file: a PEM public key (RS256, ES256), else the bytes of an HS256 secret, less one newline at the end. */
async function readKey(path, algorithm) {
  const bytes = readFileSync(path);
  if (!algorithm.startsWith("HS")) return importSPKI(bytes.toString(), algorithm);
  if (statSync(path).mode & 0o077) throw new Error(`${path}: a secret that others may read`);
  const secret = bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes;
  if (secret.length < 32) throw new Error(`${path}: a secret of fewer than 32 bytes`);
  return createSecretKey(secret);
}

/** Express middleware: request.token and the user of the log's context, or 401. */
export async function bearer({ keyFile, algorithm = "HS256", audience = "fsmd", issuer }) {
  const key = await readKey(keyFile, algorithm);
  const checks = { algorithms: [algorithm], audience, issuer, requiredClaims: ["exp", "sub"], clockTolerance: 30 };
  return async (request, response, next) => {
    const [, token] = /^Bearer +(\S+)$/i.exec(request.get("Authorization") ?? "") ?? [];
    try {
      const { payload } = await jwtVerify(token ?? "", key, checks);
      request.token = token;
      learn({ userId: payload.sub, sessionId: payload.jti });
      next();
    } catch (error) {
      log("warn", "token refused", { jwtError: error.code }); // never the token itself
      response.set("WWW-Authenticate", 'Bearer realm="documents"');
      response.status(401).type("application/problem+json").send({ title: "the token is not accepted", status: 401, code: "bad_token" });
    }
  };
}
