// Motion that is fed into a compiled network: what the protocol says of it, and that it is this motion that moves what is
// held, and nothing that is seen in the pictures.

import { beforeAll, describe, expect, test } from "vitest";
import { parseSchedule } from "../../src/clocks/index.ts";
import { compile, readProtocol, type Protocol } from "../../src/compile/index.ts";
import type { EngineTensor } from "../../src/engine/engine.ts";
import { zeros } from "../../src/engine/ort-session.ts";
import { networkAt } from "../support/sessions.ts";
import { fcn8s } from "../../src/networks/index.ts";
import type { Network } from "../../src/network/index.ts";
import { readModel, writeModel, type Model } from "../../src/onnx/index.ts";
import { defaultPreprocessing } from "../../src/preprocessing.ts";
import { planOf } from "../../src/stages/index.ts";
import { Scene } from "../support/pictures.ts";
import { named, type Tensors } from "../support/reference.ts";
import { localEngine } from "../support/runtime.ts";

const size = { widthPx: 192, heightPx: 128 };
const scene = new Scene(5);

let network: Network;
beforeAll(async () => {
  network = await networkAt(fcn8s({ width: 0.125, classes: 6 }), size);
});

function compiled(clock: string, motion?: "graph" | "codec", stages = 2): { model: Model; protocol: Protocol } {
  return compile(network, planOf(network, { stages }), {
    io: "frames",
    schedule: parseSchedule(clock),
    preprocessing: defaultPreprocessing(),
    shots: false,
    ...(motion !== undefined && { motion }),
  });
}

/** Names of what goes into a model besides its memory. */
function inputsOf({ model: { graph } }: { model: Model }): readonly string[] {
  return graph.inputs.map(({ name }) => name).filter((name) => !name.startsWith("state/"));
}

const memoryOf = ({ protocol }: { protocol: Protocol }): readonly string[] =>
  protocol.state.map(({ input }) => input.replace("state/", "")).filter((name) => name.endsWith("luma"));

/** Runs frames that stand still, while what is fed says that every cell came from `steps` cells to the right and down. */
async function moved(
  { model, protocol }: { model: Model; protocol: Protocol },
  steps: readonly [number, number],
  count: number,
): Promise<readonly Tensors[]> {
  const ports = protocol.inputs.motion;
  if (ports === undefined) throw new Error("expected a network that takes motion");
  const [, , rows = 0, columns = 0] = ports.flow.shape;
  const cells = rows * columns;
  const told = Float32Array.from({ length: 2 * cells }, (_, at) =>
    at < cells ? (2 * steps[0]) / columns : (2 * steps[1]) / rows,
  );
  const flow: EngineTensor = { dtype: "float32", dims: ports.flow.shape, data: told };
  const valid: EngineTensor = { dtype: "float32", dims: ports.valid.shape, data: new Float32Array(cells).fill(1) };
  await using session = await localEngine.open(writeModel(model).bytes, { optimize: "none" });
  let memory: Tensors = Object.fromEntries(
    protocol.state.map(({ input, dtype, dims }) => [input, { dtype, dims, data: zeros(dtype, dims) }]),
  );
  const results: Tensors[] = [];
  for (let frame = 0; frame < count; frame++) {
    const { data } = scene.at(size, { zoom: 0.5 });
    const { outputs } = await session.run({
      [protocol.inputs.image.name]: { dtype: "uint8", dims: protocol.inputs.image.shape, data },
      [protocol.inputs.reset.name]: { dtype: "bool", dims: [1], data: Uint8Array.of(frame === 0 ? 1 : 0) },
      [ports.flow.name]: flow,
      [ports.valid.name]: valid,
      ...memory,
    });
    memory = Object.fromEntries(protocol.state.map(({ input, output }) => [input, named(outputs, output)]));
    results.push(outputs);
  }
  return results;
}

describe("the protocol", () => {
  test("says what to feed, and the file has it", () => {
    const made = compiled("fixed:3+flow", "codec");
    const ports = made.protocol.inputs.motion;
    // Cells are squares; the last that are not full are left out.
    const cellPx = ports?.cellPx ?? NaN;
    const cells = [Math.floor(size.heightPx / cellPx), Math.floor(size.widthPx / cellPx)];
    expect(ports).toEqual({
      flow: { name: "motion", dtype: "float32", shape: [1, 2, ...cells] },
      valid: { name: "motion-valid", dtype: "float32", shape: [1, 1, ...cells] },
      cellPx,
    });
    expect(inputsOf(made)).toEqual(["frame", "reset", "motion", "motion-valid"]);
    const read = readModel(writeModel(made.model).bytes);
    expect(readProtocol(read)).toEqual(made.protocol);
  });

  test("is that of before for motion from the graph", () => {
    const made = compiled("fixed:3+flow");
    expect(made.protocol).toEqual(compiled("fixed:3+flow", "graph").protocol);
    expect(Object.keys(made.protocol.inputs)).toEqual(["image", "reset"]);
    expect(inputsOf(made)).toEqual(["frame", "reset"]);
  });

  test("with the network's own tensors as without", () => {
    const schedule = parseSchedule("fixed:3+flow");
    const made = compile(network, planOf(network), { io: "tensors", schedule, motion: "codec" });
    expect(made.protocol.inputs.motion).toEqual(compiled("fixed:3+flow", "codec").protocol.inputs.motion);
  });

  test("keeps brightness only where pictures are compared", () => {
    expect(memoryOf(compiled("fixed:3+flow", "graph"))).toHaveLength(1);
    expect(memoryOf(compiled("fixed:3+flow+blend:0", "codec"))).toEqual([]);
    const nodes = compiled("fixed:3+flow+blend:0", "codec").model.graph.nodes.map(({ name }) => name);
    expect(nodes.filter((name) => /luma|motion\/flow/u.test(name))).toEqual([]);
    // The shallow scores are mixed on every frame with those of the frame before.
    expect(memoryOf(compiled("every+flow", "codec"))).toHaveLength(1);
  });
});

describe("what is held", () => {
  test.each([[[1, 0]], [[-1, 2]]] as const)(
    "moves by cells %j a frame, though the pictures stand still",
    async ([x, y]) => {
      const made = compiled("skip:4+flow", "codec");
      const cellPx = made.protocol.inputs.motion?.cellPx ?? NaN;
      const results = await moved(made, [x, y], 4);
      const labels = results.map((outputs) => named(outputs, "labels").data as Uint8Array);
      const [key] = labels;
      for (const [age, map] of labels.entries()) {
        let apart = 0;
        for (let row = 40; row < size.heightPx - 40; row++) {
          for (let column = 40; column < size.widthPx - 40; column++) {
            const from = (row + age * y * cellPx) * size.widthPx + column + age * x * cellPx;
            if (map[row * size.widthPx + column] !== key?.[from]) apart++;
          }
        }
        expect(apart).toBe(0);
      }
      expect(new Set(key).size).toBeGreaterThan(1);
      expect(labels[3]).not.toEqual(key);
    },
  );

  test("stays where it is while nothing moves", async () => {
    const labels = (await moved(compiled("skip:4+flow", "codec"), [0, 0], 4)).map((outputs) =>
      named(outputs, "labels"),
    );
    for (const map of labels) expect(map.data).toEqual(labels[0]?.data);
  });
});

test.each(["fixed:3", "every", "pipeline"])("%s has no use for it", (clock) => {
  expect(() => compiled(clock, "codec")).toThrow(/motion: expected a clock that flows for motion of a codec/);
});

test("a network without anything that rests or is blended takes it all the same", async () => {
  const results = await moved(compiled("fixed:1+flow+blend:0", "codec"), [1, 1], 2);
  expect(named(results[1] ?? {}, "labels").data).toEqual(named(results[0] ?? {}, "labels").data);
});
