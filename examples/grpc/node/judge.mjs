// Judges films through Triton's `pneumonia` model: node judge.mjs 127.0.0.1:8051 film.jpeg film.dcm ...
// One JSON object a line: the file, and its finding or why it was refused.
import { readFileSync } from "node:fs";
import { call, main, tensor } from "./door.mjs";

const MOST_FILES = 64; // rows of one request

await main("node judge.mjs HOST:PORT FILE ...", async (client, paths) => {
  for (let start = 0; start < paths.length; start += MOST_FILES) {
    const some = paths.slice(start, start + MOST_FILES);
    const files = some.map((path) => readFileSync(path));
    const answer = await call(client, "ModelInfer", {
      model_name: "pneumonia",
      inputs: [{ name: "FILE", datatype: "BYTES", shape: [files.length, 1], contents: { bytes_contents: files } }],
    });
    print(some, answer);
  }
});

function print(paths, answer) {
  const names = ["FINDING", "NOTES", "REFUSAL_CODE", "REFUSAL", "MODEL"];
  const [finding, notes, code, sentence, model] = names.map((name) => tensor(answer, name));
  const probability = tensor(answer, "PROBABILITY");
  paths.forEach((file, row) => {
    const told = notes[row].split(",").filter(Boolean);
    const judged = { file, finding: finding[row], probability: probability[row], notes: told, model: model[row] };
    console.log(JSON.stringify(finding[row] ? judged : { file, refused: code[row], sentence: sentence[row] }));
  });
}
