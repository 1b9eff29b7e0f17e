// Scales, names and operators of the pieces.

import { describe, expect, test } from "vitest";
import { coveredPx, defaultFlowOptions, flowGraph, flowScale, type FlowOptions } from "../../src/motion/index.ts";
import { GraphBuilder } from "../../src/onnx/index.ts";
import { flowModel, streamModel } from "./flow-model.ts";

describe("scales", () => {
  test.each<[number, number, readonly number[]]>([
    [480, 360, [32, 16, 8, 4]],
    [360, 480, [32, 16, 8, 4]],
    [640, 352, [40, 20, 10, 5]],
    [1280, 720, [88, 44, 22, 11]],
    [1920, 1080, [128, 64, 32, 16]],
    [64, 48, [4, 2, 1]],
    [20, 16, [1]],
  ])("%i x %i", (widthPx, heightPx, cells) => {
    expect(flowScale({ widthPx, heightPx }).levels.map(({ cellPx }) => cellPx)).toEqual(cells);
  });

  test("of every size: the finest level leaves out less than a cell, a coarser one nothing of the finer", () => {
    const wrong: string[] = [];
    for (let widthPx = 8; widthPx < 700; widthPx += 13) {
      for (let heightPx = 8; heightPx < 700; heightPx += 29) {
        const { levels, finest } = flowScale({ widthPx, heightPx });
        const covered = coveredPx(finest);
        const isWithin = (rest: number, end: number): boolean => rest >= 0 && rest < end;
        const left = [widthPx - covered.widthPx, heightPx - covered.heightPx];
        const fits = levels.every((level) => {
          const { widthPx: width, heightPx: height } = coveredPx(level);
          return [width - covered.widthPx, height - covered.heightPx].every((over) => isWithin(over, level.cellPx));
        });
        if (!fits || !left.every((rest) => isWithin(rest, finest.cellPx))) wrong.push(`${widthPx}x${heightPx}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test.each<[string, Partial<FlowOptions>]>([
    ["finestCells: expected a whole number of at least 1, got 0", { finestCells: 0 }],
    [
      "window of the middle level: expected an odd number of cells, got 4",
      { middle: { iterations: 1, windowCells: 4 } },
    ],
    ["iterations of the finest level: expected a whole", { finest: { iterations: 0, windowCells: 5 } }],
    ["regularisation: expected a number above 0, got 0", { regularisation: 0 }],
    ["differenceLimit: expected a number above 0, got NaN", { differenceLimit: NaN }],
  ])("refused: %s", (message, change) => {
    expect(() => flowScale({ widthPx: 48, heightPx: 36 }, { ...defaultFlowOptions, ...change })).toThrow(message);
  });

  test("a picture without pixels is refused", () => {
    expect(() => flowScale({ widthPx: 0, heightPx: 10 })).toThrow("width of the picture in pixels");
  });

  test("a single step on a single level is refused", () => {
    const size = { widthPx: 20, heightPx: 16 };
    const inputs = { now: "a", before: "b", scale: flowScale(size) };
    expect(() => flowGraph(new GraphBuilder("g"), inputs)).toThrow("at least two iterations");
  });
});

// As the web build of ONNX Runtime has them for WebGPU.
const operators = new Set(
  "Abs Add AveragePool Cast Clip Concat Conv Div Gather GatherElements GlobalAveragePool GridSample MatMul Mul Pad ReduceSum Reshape Slice Split Sqrt Sub Transpose Where".split(
    " ",
  ),
);

test("only operators that the WebGPU provider has, and every name under the prefix", () => {
  const ports = new Set(["flow", "residual", "valid", "luma", "path"]);
  for (const model of [flowModel({ widthPx: 481, heightPx: 359 }), streamModel({ widthPx: 480, heightPx: 360 })]) {
    const own = model.graph.nodes.filter(({ name }) => !ports.has(name));
    expect(own.map(({ op }) => op).filter((op) => !operators.has(op))).toEqual([]);
    const names = [...own.flatMap(({ outputs }) => outputs), ...model.graph.initializers.keys()];
    expect(names.filter((name) => !/^(clockwork\/motion|now|before)\//.test(name))).toEqual([]);
  }
});
