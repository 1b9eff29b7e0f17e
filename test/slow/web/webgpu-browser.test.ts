// onnxruntime-web's WebGPU providers in a browser, rendered in software, against onnxruntime-node's CPU provider: the one
// of `onnxruntime-web/webgpu`, which is the native one compiled to WebAssembly, and the older one in JavaScript that
// `onnxruntime-web` itself brings.

import type * as Web from "onnxruntime-web";
import { describe, expect, test } from "vitest";
import { cases, onCpu, type CaseName } from "../../web/cases.ts";
import { disagreements, isTelling } from "../../web/compare.ts";
import type { drive } from "../../web/drive.js";
import type { Drive, Stream } from "../../web/streams.ts";
import { chromiumPath, openPage } from "./chromium.ts";
import { ofOperator, placementsIn, type Placements } from "./placements.ts";

/** Files of onnxruntime-web by what is imported. */
const bundles = { "onnxruntime-web/webgpu": "/ort.webgpu.min.mjs", "onnxruntime-web": "/ort.min.mjs" } as const;

/** What the page has imported. */
interface Loaded {
  readonly ort: typeof Web;
  readonly drive: typeof drive;
}

/** Runs a stream in a page. @param memory where it is kept between frames */
async function inBrowser(
  stream: Stream,
  bundle: string,
  memory: "cpu" | "gpu-buffer",
): Promise<{ result: Drive; placements: Placements }> {
  const { model, ...rest } = stream;
  const script = `import * as ort from "${bundle}"; import { drive } from "/drive.js"; globalThis.loaded = { ort, drive };`;
  await using open = await openPage(chromiumPath ?? "", script, { "/model.onnx": model });
  const result = await open.page.evaluate(
    async ({ rest, memory }): Promise<Drive> => {
      const { ort, drive } = (globalThis as unknown as { loaded: Loaded }).loaded;
      ort.env.wasm.numThreads = 1;
      ort.env.wasm.wasmPaths = "/";
      const bytes = new Uint8Array(await (await fetch("/model.onnx")).arrayBuffer());
      const options = {
        executionProviders: ["webgpu"],
        logSeverityLevel: 0,
        logVerbosityLevel: 1,
        preferredOutputLocation: Object.fromEntries(rest.state.map(({ output }) => [output, memory])),
      };
      return await drive(ort, { ...rest, model: bytes }, options);
    },
    { rest, memory },
  );
  return { result, placements: placementsIn(open.lines.join("\n")) };
}

/** One of each: software takes most of a minute for a stream. */
const runs: readonly [CaseName, keyof typeof bundles, "cpu" | "gpu-buffer"][] = [
  ["the whole network rests", "onnxruntime-web/webgpu", "gpu-buffer"],
  ["flow, chain and warp", "onnxruntime-web", "cpu"],
];

describe.skipIf(chromiumPath === undefined)("in a browser, webgpu (skipped without Debian's chromium)", () => {
  test.each(runs)("%s: %s, memory in %s", async (name, bundle, memory) => {
    const stream = await cases[name]();
    const expected = await onCpu(stream);
    expect(isTelling(stream, expected)).toBe(true);
    const { result, placements } = await inBrowser(stream, bundles[bundle], memory);
    expect(disagreements(stream, result, expected)).toEqual([]);
    expect(new Set(Object.values(result.locations))).toEqual(new Set([memory]));
    // It was the device that computed it.
    expect(ofOperator(placements.device, "GridSample").length).toBeGreaterThanOrEqual(5);
    expect(placements.cpu.filter((node) => /^(GridSample|MatMul|AveragePool|Conv|If) /.test(node))).toEqual([]);
  });
});
