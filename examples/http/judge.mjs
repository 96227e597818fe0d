// The same in JavaScript, without a dependency (Node 18 or later): node judge.mjs FILM...
// CXR_GATEWAY_URL says where the gateway is, CXR_API_KEY is your key.

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const URL_BASE = process.env.CXR_GATEWAY_URL ?? "http://127.0.0.1:7860";
const KEY = process.env.CXR_API_KEY;

async function ask(path, options = {}) {
  const headers = { ...options.headers, ...(KEY && { Authorization: `Bearer ${KEY}` }) };
  for (;;) {
    const answer = await fetch(URL_BASE + path, { ...options, headers });
    if (answer.ok) return answer;
    if (answer.status !== 429 && answer.status !== 503) {
      const problem = await answer.json();
      throw new Error(`${problem.code}: ${problem.detail}`);
    }
    await pause(1000 * Number(answer.headers.get("Retry-After")));
  }
}

async function submit(paths) {
  const form = new FormData();
  for (const path of paths) form.append("files", new Blob([await readFile(path)]), basename(path));
  // Sent again with this key, it is the same job.
  const headers = { "Idempotency-Key": randomUUID() };
  return (await ask("/v1/jobs", { method: "POST", body: form, headers })).json();
}

async function wait(id) {
  for (;;) {
    const { state } = await (await ask(`/v1/jobs/${id}`)).json();
    if (state === "done" || state === "cancelled") return;
    await pause(500);
  }
}

const job = await submit(process.argv.slice(2));
await wait(job.id);
const { results } = await (await ask(`/v1/jobs/${job.id}/results`)).json();
for (const { image, result } of results) {
  const said =
    result.kind === "prediction"
      ? `${result.finding}, probability ${result.probability.toFixed(3)}`
      : `refused, ${result.code}: ${result.message}`;
  console.log(`${image.name}: ${said}`);
}
