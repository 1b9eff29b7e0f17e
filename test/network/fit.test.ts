// The size at which a network runs: the wanted one, what the file fixes, or the nearest that the strides allow.

import { expect, test } from "vitest";
import { ClockworkError } from "../../src/errors.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { nodeEngine } from "../../src/engine/node/engine.ts";
import { fitNetwork, sizeText } from "../../src/network/index.ts";
import { espnet, fastScnn, fcn8s, unet } from "../../src/networks/index.ts";
import { GraphBuilder, modelOf, type Dim, type Model } from "../../src/onnx/index.ts";
import { localEngine } from "../support/runtime.ts";

async function fitted(model: Model, widthPx: number, heightPx: number): Promise<string> {
  return sizeText((await fitNetwork(model, { size: { widthPx, heightPx }, engine: localEngine })).size);
}

test.each<[string, () => Model, readonly [number, number], string]>([
  ["multiples of 8", () => espnet({ width: 1 / 8 }), [192, 108], "192x112"],
  ["multiples of 8, at the height of video", () => espnet({ width: 1 / 8 }), [96, 540], "96x544"],
  ["multiples of 16", () => unet({ width: 1 / 16 }), [100, 75], "96x80"],
  ["multiples of 16 as they are", () => unet({ width: 1 / 16 }), [96, 80], "96x80"],
  ["multiples of 32", () => fcn8s({ width: 1 / 16 }), [101, 75], "96x64"],
  ["anything", () => fastScnn({ width: 1 / 8 }), [101, 75], "101x75"],
])("a network that takes %s", async (_name, build, [width, height], expected) => {
  expect(await fitted(build(), width, height)).toBe(expected);
});

/** Scores of an image of a declared shape. */
function declared(shape: readonly Dim[]): Model {
  const b = new GraphBuilder("declared");
  const x = b.input("image", "float32", shape);
  b.output(b.add("logits", "Conv", [x, b.float32("w", [2, 3, 1, 1], [1, 2, 3, 4, 5, 6])]), "float32", undefined);
  return modelOf(b.build());
}

test("a size that the file fixes wins over the wanted one, along each axis", async () => {
  expect(await fitted(declared([1, 3, 48, 64]), 100, 100)).toBe("64x48");
  expect(await fitted(declared([1, 3, 48, "w"]), 100, 100)).toBe("100x48");
});

/** An engine that counts what it is asked to open. */
function counting(): { engine: Engine; opened: () => number; closed: () => number } {
  let [opened, closed] = [0, 0];
  const engine: Engine = {
    async open(model, options) {
      const session = await localEngine.open(model, options);
      opened++;
      return {
        ...session,
        inputs: session.inputs,
        outputs: session.outputs,
        [Symbol.asyncDispose]: () => (closed++, session[Symbol.asyncDispose]()),
      };
    },
  };
  return { engine, opened: () => opened, closed: () => closed };
}

test("no size works: the message tells what was tried and why it failed", async () => {
  const b = new GraphBuilder("never");
  const x = b.input("image", "float32", [1, 3, "height", "width"]);
  b.output(b.add("logits", "Reshape", [x, b.int64("to", [4], [1, 7, 11, 13])]), "float32", undefined);
  const { engine, opened, closed } = counting();
  const fit = fitNetwork(modelOf(b.build()), { size: { widthPx: 100, heightPx: 75 }, engine });
  const error = await fit.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ClockworkError);
  expect(error).toMatchObject({
    code: "unsupported-model",
    message: expect.stringMatching(
      /^network: expected a size near 100x75 that it can take, got refusals at 100x75, 100x76, .*128x64: .*eshape/,
    ) as string,
    cause: { code: "engine" },
  });
  expect(closed()).toBe(opened());
});

test("a network is opened twice, for types and for shapes, and closed again", async () => {
  const { engine, opened, closed } = counting();
  await fitNetwork(fcn8s({ width: 1 / 16 }), { size: { widthPx: 64, heightPx: 64 }, engine });
  expect([opened(), closed()]).toEqual([2, 2]);
});

test("what the graph lacks is no matter of size and is told at once", async () => {
  const model = declared([1, 3, "h", "w"]);
  const [node] = model.graph.nodes;
  const broken: Model = {
    ...model,
    graph: { ...model.graph, nodes: node === undefined ? [] : [{ ...node, inputs: ["lost", "w"] }] },
  };
  const { engine, opened } = counting();
  await expect(fitNetwork(broken, { size: { widthPx: 64, heightPx: 64 }, engine })).rejects.toMatchObject({
    code: "invalid-model",
  });
  expect(opened()).toBe(0);
});

test("looking at a network takes no more memory than running it", async () => {
  // 40 maps of 16 MB, of which a run needs two at a time.
  const b = new GraphBuilder("deep");
  const x = b.input("image", "float32", [1, 3, "height", "width"]);
  let last = b.add("wide", "Conv", [x, b.float32("w", [16, 3, 1, 1], new Float32Array(48).fill(1))]);
  for (let i = 0; i < 40; i++) last = b.add(`softsign ${i}`, "Softsign", [last]);
  b.output(last, "float32", undefined);
  const before = process.resourceUsage().maxRSS;
  await fitNetwork(modelOf(b.build()), { size: { widthPx: 512, heightPx: 512 }, engine: localEngine });
  expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(250);
});

test("the engine for Node finds the same network", async () => {
  const size = { widthPx: 60, heightPx: 60 };
  const [a, b] = [
    await fitNetwork(unet({ width: 1 / 16 }), { size, engine: nodeEngine }),
    await fitNetwork(unet({ width: 1 / 16 }), { size, engine: localEngine }),
  ];
  const told = ({ size: at, output, totalMacs, index }: typeof a) => ({
    at,
    output,
    totalMacs,
    nodes: index.nodes.map(({ name }) => name),
  });
  expect(told(a)).toEqual(told(b));
  expect(a.size).toEqual({ widthPx: 64, heightPx: 64 });
});
