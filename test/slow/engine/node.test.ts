// The engine for Node: the contract of all engines, and what is its own: worker threads that do not keep the process
// alive, and answers that come even where a worker dies.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { nodeEngine } from "../../../src/engine/node/engine.ts";
import { parseProfile } from "../../../src/engine/node/profile.ts";
import { GraphBuilder, modelOf, writeModel } from "../../../src/onnx/index.ts";
import { engineContract } from "../../engine/contract.ts";

engineContract("node", nodeEngine, { offThread: true, profiles: true });

/** y = x x for a matrix of any size. */
function square(): Uint8Array {
  const b = new GraphBuilder("square");
  const x = b.input("x", "float32", ["n", "n"]);
  b.output(b.add("y", "MatMul", [x, x]), "float32", ["n", "n"]);
  return writeModel(modelOf(b.build())).bytes;
}

function matrix(size: number) {
  return { dtype: "float32", dims: [size, size], data: new Float32Array(size * size).fill(1) } as const;
}

describe("a worker that dies", () => {
  test("fails the runs that it had, and those that come later", async () => {
    const session = await nodeEngine.open(square(), { threads: 1 });
    await session.run({ x: matrix(2) });
    // The request is lost on its way, so that it has no answer when the worker goes.
    const workers: Worker[] = [];
    const post = vi.spyOn(Worker.prototype, "postMessage").mockImplementation(function (this: Worker) {
      workers.push(this);
    });
    onTestFinished(() => post.mockRestore());
    const lost = Promise.allSettled([session.run({ x: matrix(2) })]);
    post.mockRestore();
    await workers[0]?.terminate();
    expect(await lost).toMatchObject([{ status: "rejected", reason: { code: "engine" } }]);
    await expect(session.run({ x: matrix(2) })).rejects.toMatchObject({ code: "engine" });
    await session[Symbol.asyncDispose]();
    await expect(session.run({ x: matrix(2) })).rejects.toMatchObject({ code: "aborted" });
  });
});

test(
  "a process ends by itself with a session open and idle, and waits for a run that goes on",
  { timeout: 20_000 },
  async () => {
    const script = fileURLToPath(new URL("../../engine/leave-open.ts", import.meta.url));
    const child = spawn(process.execPath, ["--import", "./scripts/typescript.js", script], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    onTestFinished(() => void child.kill());
    let text = "";
    child.stdout.on("data", (part: Buffer) => (text += part.toString()));
    child.stderr.on("data", (part: Buffer) => (text += part.toString()));
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
      child.on("exit", (...end) => resolve(end)),
    );
    expect({ code, signal, text }).toEqual({ code: 0, signal: null, text: "ran 4\n" });
  },
);

test("a profile is summed up by node, in order of first execution", () => {
  const event = (name: string, dur: number, op: string) => ({ cat: "Node", name, dur, args: { op_name: op } });
  const trace = [
    { cat: "Session", name: "model_loading", dur: 5 },
    event("b_kernel_time", 1500, "Relu"),
    event("b_fence_after", 100, "Relu"),
    event("a_kernel_time", 250, "Conv"),
    event("b_kernel_time", 500, "Relu"),
  ];
  expect(parseProfile(JSON.stringify(trace))).toEqual([
    { node: "b", op: "Relu", runs: 2, milliseconds: 2 },
    { node: "a", op: "Conv", runs: 1, milliseconds: 0.25 },
  ]);
});
