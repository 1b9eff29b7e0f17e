// `npm run bench [-- --json] [NAME ...]`: runs benchmarks and prints a line for each figure.
// Every figure is a median over turns that alternate between this package and its reference, in one process.

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import {
  everyOverhead,
  fixed2,
  fixed10FlowOneStage,
  fixed3FlowOneStage,
  fixed5,
  fixed5Flow,
  fixed6FlowOneStage,
  heldFrame,
} from "./clocks.ts";
import { endToEnd } from "./end-to-end.ts";
import { evaluateOverhead } from "./evaluate-overhead.ts";
import { flow } from "./flow.ts";
import type { Benchmark, Measurement } from "./measurement.ts";
import { trainingStep, trainingStepBatchNorm } from "./training-step.ts";

const benchmarks: readonly Benchmark[] = [
  everyOverhead,
  heldFrame,
  fixed2,
  fixed5,
  endToEnd,
  evaluateOverhead,
  flow,
  fixed3FlowOneStage,
  fixed6FlowOneStage,
  fixed10FlowOneStage,
  fixed5Flow,
  trainingStep,
  trainingStepBatchNorm,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, list: { type: "boolean", default: false } },
});
const unknown = positionals.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
if (unknown.length > 0 || values.list) {
  if (unknown.length > 0) console.error(`bench: expected names of benchmarks, got ${unknown.join(", ")}; there are:`);
  for (const { name, about } of benchmarks) console.error(`  ${name.padEnd(16)} ${about}`);
  process.exit(unknown.length > 0 ? 2 : 0);
}
const chosen = benchmarks.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
if (!values.json) console.log(`Node ${process.version}, ${process.arch}, ${availableParallelism()} cores`);
for (const benchmark of chosen) {
  for (const measurement of await benchmark.run())
    console.log(values.json ? JSON.stringify(measurement) : text(measurement));
}

function text({ bench, ours, reference, ratio, unit, note }: Measurement): string {
  return `${bench.padEnd(22)} ${ours.toFixed(2)} ${unit} against ${reference.toFixed(2)} ${unit}: ratio ${ratio.toFixed(3)}  (${note})`;
}
