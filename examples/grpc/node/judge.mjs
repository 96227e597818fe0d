// Judges films through Triton's `pneumonia` model: node judge.mjs 127.0.0.1:8051 film.jpeg film.dcm ...
// One JSON object a line: the file, and its finding or why it was refused.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const PROTO = fileURLToPath(new URL("../inference.proto", import.meta.url));
const DEADLINE_MS = 30_000;
const RETRYABLE = new Set([grpc.status.UNAVAILABLE, grpc.status.RESOURCE_EXHAUSTED]);

const [address, ...paths] = process.argv.slice(2);
if (paths.length === 0) {
  console.error("usage: node judge.mjs HOST:PORT FILE ...");
  process.exit(2);
}

const definition = protoLoader.loadSync(PROTO, { keepCase: true, longs: Number });
const { inference } = grpc.loadPackageDefinition(definition);
const client = new inference.GRPCInferenceService(address, grpc.credentials.createInsecure(), {
  "grpc.max_send_message_length": -1,
  "grpc.max_receive_message_length": -1,
});

function infer(files) {
  const request = {
    model_name: "pneumonia",
    inputs: [{ name: "FILE", datatype: "BYTES", shape: [files.length, 1], contents: { bytes_contents: files } }],
  };
  const options = { deadline: Date.now() + DEADLINE_MS };
  return new Promise((resolve, reject) =>
    client.ModelInfer(request, options, (error, answer) => (error ? reject(error) : resolve(answer))),
  );
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

function tensor(answer, name) {
  const index = answer.outputs.findIndex((output) => output.name === name);
  const raw = Buffer.from(answer.raw_output_contents[index]);
  if (answer.outputs[index].datatype === "BYTES") return strings(raw);
  return Array.from({ length: raw.length / 4 }, (_, at) => raw.readFloatLE(4 * at));
}

try {
  const answer = await infer(paths.map((path) => readFileSync(path)));
  const [finding, code, sentence, model] = ["FINDING", "REFUSAL_CODE", "REFUSAL", "MODEL"].map((n) => tensor(answer, n));
  const probability = tensor(answer, "PROBABILITY");
  paths.forEach((file, row) => {
    const judged = { file, finding: finding[row], probability: probability[row], model: model[row] };
    console.log(JSON.stringify(finding[row] ? judged : { file, refused: code[row], sentence: sentence[row] }));
  });
} catch (error) {
  const advice = RETRYABLE.has(error.code) ? " (trying again may help)" : "";
  console.error(`${grpc.status[error.code] ?? "ERROR"}: ${error.details ?? error.message}${advice}`);
  process.exitCode = 1;
} finally {
  client.close();
}
