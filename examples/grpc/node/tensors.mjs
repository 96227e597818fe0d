// Scores films that are decoded already through `pneumonia_classifier`: node tensors.mjs 127.0.0.1:8051 film.u8 ...
// Each file is one film as the model takes it: 224 rows of 224 bytes, air dark. One JSON object a line.
import { readFileSync } from "node:fs";
import { call, main, shape, tensor } from "./door.mjs";

const MODEL = "pneumonia_classifier";
const SIDE_PX = 224;

await main("node tensors.mjs HOST:PORT FILE.u8 ...", async (client, paths) => {
  const { config } = await call(client, "ModelConfig", { name: MODEL });
  const { operating_point: point, version } = JSON.parse(config.parameters.model_card.string_value);
  const films = Buffer.concat(paths.map((path) => readFileSync(path)));
  const answer = await call(client, "ModelInfer", {
    model_name: MODEL,
    model_version: String(version), // the one that this operating point belongs to
    parameters: { lane: { string_param: "batch" }, priority: { uint64_param: 2 } }, // nobody waits for these films
    inputs: [{ name: "IMAGE", datatype: "UINT8", shape: [paths.length, 1, SIDE_PX, SIDE_PX] }],
    raw_input_contents: [films],
  });
  const [probability, ood] = ["PROBABILITY", "OOD_SCORE"].map((name) => tensor(answer, name));
  const [, rows, columns] = shape(answer, "HEATMAP");
  const cells = tensor(answer, "HEATMAP");
  paths.forEach((file, film) => {
    const of_film = cells.slice(film * rows * columns, (film + 1) * rows * columns);
    const heatmap = Array.from({ length: rows }, (_, row) => of_film.slice(row * columns, (row + 1) * columns));
    const finding = ood[film] <= point.ood_limit ? judged(probability[film], point) : "refused: not_chest_xray";
    console.log(JSON.stringify({ file, finding, probability: probability[film], ood_score: ood[film], heatmap }));
  });
});

function judged(probability, { threshold, indeterminate_low: low, indeterminate_high: high }) {
  if (probability >= low && probability < high) return "indeterminate";
  return probability >= threshold ? "pneumonia" : "no_pneumonia";
}
