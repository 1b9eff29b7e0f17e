// onnxruntime-node's WebGPU provider on a Vulkan driver in software, against its CPU provider.

import { fork } from "node:child_process";
import { describe, expect, test } from "vitest";
import { cases, onCpu, type CaseName } from "../../web/cases.ts";
import { disagreements, isTelling } from "../../web/compare.ts";
import type { Drive, Stream } from "../../web/streams.ts";
import { swiftshader } from "./chromium.ts";
import { ofOperator, placementsIn, type Placements } from "./placements.ts";

/** Runs a stream in a process of its own. */
async function onWebGpu(stream: Stream, driver: string): Promise<{ result: Drive; placements: Placements }> {
  const child = fork(new URL("webgpu-child.js", import.meta.url), {
    env: { ...process.env, VK_ICD_FILENAMES: driver },
    execArgv: [],
    serialization: "advanced",
    silent: true,
  });
  let log = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (log += text));
  child.stdout?.resume();
  const result = await new Promise<Drive>((resolve, reject) => {
    let answer: Drive | undefined;
    child.once("message", (message) => (answer = message as unknown as Drive));
    child.once("error", reject);
    // Closed only when the log is complete.
    child.once("close", (code) => {
      if (answer === undefined) reject(new Error(`the process ended with ${code}: ${log.slice(-2000)}`));
      else resolve(answer);
    });
    child.send({ ...stream });
  });
  return { result, placements: placementsIn(log) };
}

describe.skipIf(swiftshader === undefined)("onnxruntime-node, webgpu (skipped without Debian's chromium)", () => {
  test.each(Object.keys(cases) as CaseName[])("%s", async (name) => {
    const stream = await cases[name]();
    const expected = await onCpu(stream);
    expect(isTelling(stream, expected)).toBe(true);
    const { result, placements } = await onWebGpu(stream, swiftshader ?? "");
    expect(disagreements(stream, result, expected)).toEqual([]);
    // It was the device that computed it.
    expect(ofOperator(placements.device, "GridSample").length).toBeGreaterThanOrEqual(5);
    expect(placements.cpu.filter((node) => /^(GridSample|MatMul|AveragePool|Conv|If) /.test(node))).toEqual([]);
    expect(placements.cpu.filter((node) => node.includes("clockwork/motion/flow"))).toEqual([]);
  });
});
