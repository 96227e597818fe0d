// The same in JavaScript, without a dependency (Node 18 or later): node judge.mjs FILM...
// CXR_GATEWAY_URL says where the gateway is, CXR_API_KEY is your key.

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const URL_BASE = process.env.CXR_GATEWAY_URL ?? "http://127.0.0.1:7860";
const KEY = process.env.CXR_API_KEY;
const TRIES = 10;
const PAUSE_S = 2;

async function refusal(answer) {
  if (answer.headers.get("Content-Type") !== "application/problem+json") return `refused: HTTP ${answer.status}`;
  const { code, detail } = await answer.json();
  return `refused: ${code}: ${detail}`;
}

// The answer to a request, which is sent again while the gateway is busy or away: TRIES times in all.
async function ask(path, options = {}) {
  const headers = { ...options.headers, ...(KEY && { Authorization: `Bearer ${KEY}` }) };
  for (let triesLeft = TRIES - 1; ; triesLeft--) {
    let said;
    let seconds = PAUSE_S;
    try {
      const answer = await fetch(URL_BASE + path, { ...options, headers });
      if (answer.ok) return answer;
      said = await refusal(answer);
      if (![429, 502, 503, 504].includes(answer.status)) triesLeft = 0;
      seconds = Number(answer.headers.get("Retry-After") ?? PAUSE_S);
    } catch (error) {
      said = `no connection to ${URL_BASE}: ${error.cause?.code ?? error.message}`;
    }
    if (triesLeft === 0) throw new Error(said);
    console.error(`${said}; again in ${seconds} s`);
    await pause(1000 * seconds);
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

// All rows of a job, page by page.
async function* rows(id) {
  for (let offset = 0; offset !== null; ) {
    const page = await (await ask(`/v1/jobs/${id}/results?offset=${offset}`)).json();
    yield* page.results;
    offset = page.next_offset;
  }
}

function saidOf(result) {
  if (result === null) return "not judged: the job was cancelled";
  if (result.kind === "prediction") return `${result.finding}, probability ${result.probability.toFixed(3)}`;
  return `refused, ${result.code}: ${result.message}`;
}

async function main(paths) {
  if (paths.length === 0) {
    console.error("usage: node judge.mjs FILM...");
    return 2;
  }
  try {
    const job = await submit(paths);
    await wait(job.id);
    for await (const { image, result } of rows(job.id)) console.log(`${image.name}: ${saidOf(result)}`);
  } catch (error) {
    console.error(error.message);
    return 1;
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
