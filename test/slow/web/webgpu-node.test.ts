// onnxruntime-node's WebGPU provider on a Vulkan driver in software, against its CPU provider.

import { describe, expect, test } from "vitest";
import { cases, onCpu, type CaseName } from "../../web/cases.ts";
import { disagreements, isTelling } from "../../web/compare.ts";
import type { Drive } from "../../web/streams.ts";
import { answerOf } from "../../support/provider-child.ts";
import { swiftshader } from "./chromium.ts";
import { ofOperator } from "./placements.ts";

const child = new URL("webgpu-child.js", import.meta.url);

describe.skipIf(swiftshader === undefined)("onnxruntime-node, webgpu (skipped without Debian's chromium)", () => {
  test.each(Object.keys(cases) as CaseName[])("%s", async (name) => {
    const stream = await cases[name]();
    const expected = await onCpu(stream);
    expect(isTelling(stream, expected)).toBe(true);
    const { result, placements } = await answerOf(child, { ...stream });
    expect(disagreements(stream, result as Drive, expected)).toEqual([]);
    // It was the device that computed it.
    expect(ofOperator(placements.device, "GridSample").length).toBeGreaterThanOrEqual(5);
    expect(placements.cpu.filter((node) => /^(GridSample|MatMul|AveragePool|Conv|If) /.test(node))).toEqual([]);
    expect(placements.cpu.filter((node) => node.includes("clockwork/motion/flow"))).toEqual([]);
  });
});
