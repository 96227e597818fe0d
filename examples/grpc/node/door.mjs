// What both examples share: a client made from the proto file, a call that tries again, and tensors as they travel.
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const PROTO = fileURLToPath(new URL("../inference.proto", import.meta.url));
const DEADLINE_MS = 30_000;
const WORTH_ANOTHER_TRY = new Set([grpc.status.UNAVAILABLE, grpc.status.NOT_FOUND]);
const TRIES = 3;
const FIRST_PAUSE_MS = 500;

export function connect(address) {
  const { inference } = grpc.loadPackageDefinition(protoLoader.loadSync(PROTO, { keepCase: true, longs: Number }));
  return new inference.GRPCInferenceService(address, grpc.credentials.createInsecure(), {
    "grpc.max_send_message_length": -1,
    "grpc.max_receive_message_length": -1,
  });
}

// One call with a deadline; a server or model that is away is asked again, after a pause that grows.
export async function call(client, method, request) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(client, method, request);
    } catch (error) {
      if (attempt === TRIES || !WORTH_ANOTHER_TRY.has(error.code)) throw error;
      await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1));
    }
  }
}

function once(client, method, request) {
  const options = { deadline: Date.now() + DEADLINE_MS };
  return new Promise((resolve, reject) =>
    client[method](request, options, (error, answer) => (error ? reject(error) : resolve(answer))),
  );
}

// An output by its name: they come in no promised order. Numbers are FP32, little-endian, row by row.
export function tensor(answer, name) {
  const index = answer.outputs.findIndex((output) => output.name === name);
  const raw = Buffer.from(answer.raw_output_contents[index]);
  if (answer.outputs[index].datatype === "BYTES") return strings(raw);
  return Array.from({ length: raw.length / 4 }, (_, at) => raw.readFloatLE(4 * at));
}

export function shape(answer, name) {
  return answer.outputs.find((output) => output.name === name).shape;
}

// A BYTES tensor arrives as its elements one after another, each behind its length (4 bytes, little-endian).
function strings(raw) {
  const found = [];
  for (let at = 0; at < raw.length; ) {
    const length = raw.readUInt32LE(at);
    found.push(raw.toString("utf8", at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

// Run an example: its usage when it is called without files, and one line for an error.
export async function main(usage, example) {
  const [address, ...paths] = process.argv.slice(2);
  if (paths.length === 0) {
    console.error(`usage: ${usage}`);
    process.exit(2);
  }
  const client = connect(address);
  try {
    await example(client, paths);
  } catch (error) {
    console.error(`${grpc.status[error.code] ?? "ERROR"}: ${error.details ?? error.message}`);
    process.exitCode = 1;
  } finally {
    client.close();
  }
}
