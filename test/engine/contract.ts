// What every engine must do, as tests that any implementation of `Engine` is put through. The expected numbers are
// worked out by hand from small graphs.

import { describe, expect, test } from "vitest";
import type { Engine, EngineSession, EngineTensor, OpenOptions } from "../../src/engine/engine.ts";
import { GraphBuilder, modelOf, writeModel, type Graph } from "../../src/onnx/index.ts";

/** What to expect of an engine beyond the contract of all. */
export interface Traits {
  /** Whether a run leaves the calling thread free. */
  readonly offThread: boolean;
  /** Whether it can tell the time of every node. */
  readonly profiles: boolean;
}

function bytesOf(graph: Graph): Uint8Array {
  return writeModel(modelOf(graph)).bytes;
}

/** doubled = 2 x, ten = x + 10, for x float32 [4]. */
function twoOutputs(): Uint8Array {
  const b = new GraphBuilder("two outputs");
  const x = b.input("x", "float32", [4]);
  b.output(b.add("doubled", "Mul", [x, b.float32("two", [], [2])]), "float32", [4]);
  b.output(b.add("ten", "Add", [x, b.float32("ten/by", [], [10])]), "float32", [4]);
  return bytesOf(b.build());
}

/** sum = before + x; the memory of before is sum itself. */
function counter(): { readonly bytes: Uint8Array; readonly options: OpenOptions } {
  const b = new GraphBuilder("counter");
  const x = b.input("x", "float32", [2]);
  const before = b.input("before", "float32", [2]);
  const sum = b.add("sum", "Add", [before, x]);
  b.output(b.add("told", "Identity", [sum]), "float32", [2]);
  b.output(sum, "float32", [2]);
  return {
    bytes: bytesOf(b.build()),
    options: { threads: 1, state: [{ input: "before", output: "sum", dtype: "float32", dims: [2] }] },
  };
}

/** A graph whose memory is of several types, one of them float16 and one larger than a number of JavaScript. */
function mixedMemory(): { readonly bytes: Uint8Array; readonly options: OpenOptions } {
  const b = new GraphBuilder("mixed memory");
  const x = b.input("x", "float32", [3]);
  // trace = trace / 3 + x: fractions that no rounding on the way would leave as they are.
  const third = b.add("third", "Mul", [b.input("trace", "float32", [3]), b.float32("a third", [], [1 / 3])]);
  const trace = b.add("trace now", "Add", [third, x]);
  const half = b.add(
    "half now",
    "Cast",
    [b.add("both", "Add", [b.add("wide", "Cast", [b.input("half", "float16", [1, 3])], { to: 1 }), trace])],
    { to: 10 },
  );
  const count = b.add("count now", "Add", [b.input("count", "int64", []), b.int64("step", [], [2 ** 52])]);
  const flag = b.add("flag now", "Not", [b.input("flag", "bool", [1])]);
  b.output(
    b.add(
      "told",
      "Concat",
      [trace, b.add("flat", "Reshape", [b.add("told half", "Cast", [half], { to: 1 }), b.int64("three", [1], [3])])],
      { axis: 0 },
    ),
    "float32",
    [6],
  );
  b.output(b.add("counted", "Identity", [count]), "int64", []);
  b.output(b.add("flagged", "Identity", [flag]), "bool", [1]);
  b.output(trace, "float32", [3]);
  b.output(half, "float16", [1, 3]);
  b.output(count, "int64", []);
  b.output(flag, "bool", [1]);
  return {
    bytes: bytesOf(b.build()),
    options: {
      threads: 1,
      state: [
        { input: "trace", output: "trace now", dtype: "float32", dims: [3] },
        { input: "half", output: "half now", dtype: "float16", dims: [1, 3] },
        { input: "count", output: "count now", dtype: "int64", dims: [] },
        { input: "flag", output: "flag now", dtype: "bool", dims: [1] },
      ],
    },
  };
}

/** y = x (x ... (x x)) for a square matrix. */
function products(size: number, count: number): Uint8Array {
  const b = new GraphBuilder("products");
  const x = b.input("x", "float32", [size, size]);
  let y = x;
  for (let i = 0; i < count; i++) y = b.add(`y${i}`, "MatMul", [x, y]);
  b.output(y, "float32", [size, size]);
  return bytesOf(b.build());
}

function floats(...values: readonly number[]): EngineTensor {
  return { dtype: "float32", dims: [values.length], data: Float32Array.from(values) };
}

const refused = (code: string): unknown => expect.objectContaining({ name: "ClockworkError", code });

async function ownLoopDelay(work: Promise<unknown>): Promise<{ longestMs: number; totalMs: number }> {
  const start = performance.now();
  let [last, longestMs] = [start, 0];
  const timer = setInterval(() => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - last);
    last = now;
  }, 1);
  await work;
  longestMs = Math.max(longestMs, performance.now() - last);
  clearInterval(timer);
  return { longestMs, totalMs: performance.now() - start };
}

/** Puts an engine through the contract. */
export function engineContract(name: string, engine: Engine, traits: Traits): void {
  describe(`engine ${name}`, () => {
    test("tells the in- and outputs and their types", async () => {
      const b = new GraphBuilder("ports");
      b.output(b.add("sizes", "Shape", [b.input("image", "uint8", [1, "rows"])]), "int64", [2]);
      b.output(b.add("half", "Cast", ["image"], { to: 10 }), "float16", [1, "rows"]);
      await using session = await engine.open(bytesOf(b.build()), { threads: 1 });
      expect(session.inputs).toMatchObject([{ name: "image", dtype: "uint8" }]);
      expect(session.outputs).toMatchObject([
        { name: "sizes", dtype: "int64" },
        { name: "half", dtype: "float16" },
      ]);
      const { outputs } = await session.run({ image: { dtype: "uint8", dims: [1, 3], data: Uint8Array.of(0, 1, 2) } });
      // float16 is its bits: 0, 1 and 2.
      expect(outputs).toEqual({
        sizes: { dtype: "int64", dims: [2], data: BigInt64Array.of(1n, 3n) },
        half: { dtype: "float16", dims: [1, 3], data: Uint16Array.of(0, 0x3c00, 0x4000) },
      });
    });

    test("runs, returns what was asked for, and leaves the feeds to the caller", async () => {
      await using session = await engine.open(twoOutputs(), { threads: 1 });
      const data = Float32Array.of(9, 1, 2, 3, 4, 9).subarray(1, 5);
      const x: EngineTensor = { dtype: "float32", dims: [4], data };
      const all = await session.run({ x });
      expect(all.outputs).toEqual({ doubled: floats(2, 4, 6, 8), ten: floats(11, 12, 13, 14) });
      expect(all.milliseconds).toBeGreaterThan(0);
      expect(data).toEqual(Float32Array.of(1, 2, 3, 4));
      data[0] = 5;
      const some = await session.run({ x }, ["ten"]);
      expect(some.outputs).toEqual({ ten: floats(15, 12, 13, 14) });
      // Results are the caller's as well: a later run does not change them.
      expect(all.outputs["doubled"]).toEqual(floats(2, 4, 6, 8));
    });

    test("takes and gives every number type that graphs exchange", async () => {
      const values = [
        ["float32", Float32Array.of(1.5, -2)],
        ["float64", Float64Array.of(0.1, -2)],
        ["float16", Uint16Array.of(0x3c00, 0xc000)],
        ["uint8", Uint8Array.of(0, 255)],
        ["int8", Int8Array.of(-128, 127)],
        ["uint16", Uint16Array.of(0, 65_535)],
        ["int16", Int16Array.of(-32_768, 32_767)],
        ["uint32", Uint32Array.of(0, 4_294_967_295)],
        ["int32", Int32Array.of(-(2 ** 31), 2 ** 31 - 1)],
        ["int64", BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)],
        ["uint64", BigUint64Array.of(0n, 2n ** 64n - 1n)],
        ["bool", Uint8Array.of(1, 0)],
      ] as const;
      const b = new GraphBuilder("types");
      for (const [dtype] of values) b.output(b.add(`y ${dtype}`, "Identity", [b.input(dtype, dtype, [2])]), dtype, [2]);
      await using session = await engine.open(bytesOf(b.build()), { threads: 1 });
      const feeds = Object.fromEntries(values.map(([dtype, data]) => [dtype, { dtype, dims: [2], data }]));
      const { outputs } = await session.run(feeds);
      expect(outputs).toEqual(
        Object.fromEntries(Object.entries(feeds).map(([dtype, tensor]) => [`y ${dtype}`, tensor])),
      );
    });

    test("writes outputs of known shape", async () => {
      await using session = await engine.open(twoOutputs(), {
        threads: 1,
        outputs: [{ name: "doubled", dtype: "float32", dims: [4] }],
      });
      const first = await session.run({ x: floats(1, 2, 3, 4) });
      const second = await session.run({ x: floats(5, 6, 7, 8) });
      expect(first.outputs).toEqual({ doubled: floats(2, 4, 6, 8), ten: floats(11, 12, 13, 14) });
      expect(second.outputs).toEqual({ doubled: floats(10, 12, 14, 16), ten: floats(15, 16, 17, 18) });
      expect((await session.run({ x: floats(0, 0, 0, 1) }, ["ten"])).outputs).toEqual({ ten: floats(10, 10, 10, 11) });
    });

    test("keeps memory between runs, from zeros, and runs in the order of the calls", async () => {
      const { bytes, options } = counter();
      await using session = await engine.open(bytes, options);
      const runs = Array.from({ length: 200 }, (_, i) => session.run({ x: floats(1, i) }));
      const told = (await Promise.all(runs)).map(({ outputs }) => outputs);
      expect(told).toEqual(Array.from({ length: 200 }, (_, i) => ({ told: floats(i + 1, (i * (i + 1)) / 2) })));
      await using other = await engine.open(bytes, options);
      expect((await other.run({ x: floats(1, 1) })).outputs).toEqual({ told: floats(1, 1) });
    });

    test("keeps its memory to itself", async () => {
      const { bytes, options } = counter();
      await using session = await engine.open(bytes, options);
      await session.run({ x: floats(1, 2) });
      await expect(session.run({ x: floats(1, 2) }, ["sum"])).rejects.toEqual(refused("engine"));
      await expect(session.run({ x: floats(1, 2), before: floats(5, 5) })).rejects.toEqual(refused("engine"));
      expect((await session.run({ x: floats(1, 2) })).outputs).toEqual({ told: floats(2, 4) });
    });

    test.each([0, 1, 2])("goes on from memory that was read after %i runs, to the bit", async (before) => {
      const { bytes, options } = mixedMemory();
      const feed = (run: number): EngineTensor => floats(0.1 * run, -7.3 / (run + 1), 1e-3);
      await using first = await engine.open(bytes, options);
      for (let run = 0; run < before; run++) await first.run({ x: feed(run) });
      const state = await first.readState();
      expect(Object.entries(state).map(([name, { dtype, dims }]) => [name, dtype, dims])).toEqual([
        ["trace", "float32", [3]],
        ["half", "float16", [1, 3]],
        ["count", "int64", []],
        ["flag", "bool", [1]],
      ]);
      expect(state["count"]?.data).toEqual(BigInt64Array.of(BigInt(before) * 2n ** 52n));
      const on = async (session: EngineSession): Promise<unknown> => {
        const outputs: unknown[] = [];
        for (let run = before; run < before + 3; run++) outputs.push((await session.run({ x: feed(run) })).outputs);
        return outputs;
      };
      const expected = await on(first);
      await using fresh = await engine.open(bytes, options);
      await fresh.run({ x: feed(9) });
      await fresh.writeState(state);
      expect(await fresh.readState()).toEqual(state);
      expect(await on(fresh)).toEqual(expected);
      // Back in the session that it came from: neither its runs nor those of the other one have changed it.
      await first.writeState(state);
      expect(await on(first)).toEqual(expected);
    });

    test("reads and writes memory in the order of the calls, as copies", async () => {
      const { bytes, options } = counter();
      await using session = await engine.open(bytes, options);
      const x = floats(1, 2);
      const [, early, , , late] = await Promise.all([
        session.run({ x }),
        session.readState(),
        session.writeState({ before: floats(10, 20) }),
        session.run({ x }),
        session.readState(),
        session.run({ x }),
      ]);
      expect([early, late]).toEqual([{ before: floats(1, 2) }, { before: floats(11, 22) }]);
      // What was read is the caller's, and so is what was written, once that is over.
      Object.values(late).forEach(({ data }) => new Uint8Array(data.buffer).fill(0));
      expect((await session.run({ x })).outputs).toEqual({ told: floats(13, 26) });
      const written = Float32Array.of(9, 5, 6, 9).subarray(1, 3);
      await session.writeState({ before: { dtype: "float32", dims: [2], data: written } });
      written.fill(0);
      expect((await session.run({ x })).outputs).toEqual({ told: floats(6, 8) });
      expect((await session.run({ x })).outputs).toEqual({ told: floats(7, 10) });
    });

    test("refuses memory of another graph, and keeps what it has", async () => {
      const { bytes, options } = mixedMemory();
      await using session = await engine.open(bytes, options);
      await session.run({ x: floats(1, 2, 3) });
      const state = await session.readState();
      const { trace, ...others } = state;
      const float = (data: Float32Array<ArrayBuffer>, dims = [3]): EngineTensor => ({ dtype: "float32", dims, data });
      const wrong: readonly (readonly [Record<string, EngineTensor>, RegExp])[] = [
        [{}, /"trace": expected float32 \[3\] .*got none/],
        [others, /"trace".*got none/],
        [{ ...others, "trace now": floats(0, 0, 0) }, /got "trace now"/],
        [{ ...state, more: floats(0) }, /got "more"/],
        [{ ...state, trace: floats(0, 0) }, /"trace".*got float32 \[2\]/],
        [{ ...state, trace: float(new Float32Array(3), [3, 1]) }, /got float32 \[3,1\]/],
        [{ ...state, trace: float(new Float32Array(2)) }, /of 3\), got float32 \[3\] \(Float32Array of 2\)/],
        [{ ...state, trace: { dtype: "int32", dims: [3], data: new Int32Array(3) } }, /got int32/],
        [{ ...state, trace: { dtype: "float32", dims: [3], data: new Int32Array(3) } }, /\(Int32Array of 3\)/],
        // The last one is wrong: those before it must not have been written.
        [{ ...state, trace: floats(0, 0, 0), flag: { dtype: "bool", dims: [2], data: new Uint8Array(2) } }, /"flag"/],
      ];
      for (const [tensors, message] of wrong) {
        await expect(session.writeState(tensors)).rejects.toMatchObject({
          code: "invalid-argument",
          message: expect.stringMatching(message) as string,
        });
      }
      expect(await session.readState()).toEqual(state);
      expect(trace?.data).toEqual(Float32Array.of(1, 2, 3));
    });

    test("has no memory to give where the graph has none", async () => {
      await using session = await engine.open(twoOutputs(), { threads: 1 });
      expect(await session.readState()).toEqual({});
      await session.writeState({});
      await expect(session.writeState({ x: floats(1, 2, 3, 4) })).rejects.toEqual(refused("invalid-argument"));
    });

    test("refuses files that it cannot run", async () => {
      await expect(engine.open(Uint8Array.of(1, 2, 3))).rejects.toEqual(refused("engine"));
      await expect(engine.open(new Uint8Array())).rejects.toEqual(refused("engine"));
      const b = new GraphBuilder("unknown operator");
      b.output(b.add("y", "NoSuchOperator", [b.input("x", "float32", [1])]), "float32", [1]);
      await expect(engine.open(bytesOf(b.build()))).rejects.toEqual(
        expect.objectContaining({ code: "engine", message: expect.stringContaining("NoSuchOperator") as string }),
      );
    });

    test("refuses wrong feeds and goes on as if they had not been", async () => {
      const { bytes, options } = counter();
      await using session = await engine.open(bytes, options);
      await session.run({ x: floats(1, 2) });
      const wrong: readonly (readonly [feeds: Record<string, EngineTensor>, outputs?: string[]])[] = [
        [{}],
        [{ y: floats(1, 2) }],
        [{ x: floats(1, 2), y: floats(1, 2) }],
        [{ x: floats(1, 2, 3) }],
        [{ x: { dtype: "float32", dims: [3], data: Float32Array.of(1, 2) } }],
        [{ x: { dtype: "int32", dims: [2], data: Int32Array.of(1, 2) } }],
        [{ x: { dtype: "float32", dims: [2], data: Int32Array.of(1, 2) } }],
        [{ x: floats(1, 2) }, ["no such output"]],
      ];
      for (const [feeds, outputs] of wrong) {
        const [end] = await Promise.allSettled([session.run(feeds, outputs)]);
        expect({ feeds, outputs, end }).toMatchObject({ end: { status: "rejected", reason: { code: "engine" } } });
      }
      // A message that tells which.
      await expect(session.run({ x: floats(1, 2, 3) })).rejects.toThrow(/\bx\b/);
      expect((await session.run({ x: floats(1, 2) })).outputs).toEqual({ told: floats(2, 4) });
    });

    test("refuses feeds whose memory is gone, and answers the runs around it", async () => {
      const { bytes, options } = counter();
      await using session = await engine.open(bytes, options);
      const gone = floats(1, 2);
      structuredClone(gone.data, { transfer: [gone.data.buffer] });
      const [a, b, c] = await Promise.allSettled([
        session.run({ x: floats(1, 1) }),
        session.run({ x: gone }),
        session.run({ x: floats(1, 1) }),
      ]);
      expect(b).toEqual({ status: "rejected", reason: refused("engine") });
      expect(a).toMatchObject({ value: { outputs: { told: floats(1, 1) } } });
      expect(c).toMatchObject({ value: { outputs: { told: floats(2, 2) } } });
    });

    test("fails in the middle of a graph without losing memory", async () => {
      const b = new GraphBuilder("may fail");
      const at = b.input("at", "int64", [1]);
      const before = b.input("before", "int64", [1]);
      const sum = b.add("sum", "Add", [before, at]);
      // Refuses places beyond the table when it runs.
      b.output(b.add("found", "Gather", [b.float32("table", [4], [10, 20, 30, 40]), sum]), "float32", [1]);
      b.output(sum, "int64", [1]);
      const state = [{ input: "before", output: "sum", dtype: "int64", dims: [1] }] as const;
      await using session = await engine.open(bytesOf(b.build()), { threads: 1, state });
      const step = (by: bigint) => session.run({ at: { dtype: "int64", dims: [1], data: BigInt64Array.of(by) } });
      expect((await step(1n)).outputs).toEqual({ found: floats(20) });
      await expect(step(7n)).rejects.toEqual(refused("engine"));
      expect((await step(1n)).outputs).toEqual({ found: floats(30) });
    });

    test("finishes what was asked for before disposal, and nothing after", async () => {
      const session = await engine.open(twoOutputs(), { threads: 1 });
      const before = session.run({ x: floats(1, 2, 3, 4) }, ["ten"]);
      const disposed = session[Symbol.asyncDispose]();
      const after = session.run({ x: floats(1, 2, 3, 4) });
      await expect(after).rejects.toEqual(refused("aborted"));
      expect((await before).outputs).toEqual({ ten: floats(11, 12, 13, 14) });
      await disposed;
      await session[Symbol.asyncDispose]();
      await expect(session.run({ x: floats(1, 2, 3, 4) })).rejects.toEqual(refused("aborted"));
      await expect(session.profile()).rejects.toEqual(refused("aborted"));
      await expect(session.readState()).rejects.toEqual(refused("aborted"));
      await expect(session.writeState({})).rejects.toEqual(refused("aborted"));
    });

    test("runs sessions side by side without mixing them up", async () => {
      const { bytes, options } = counter();
      const sessions = await Promise.all([1, 2, 3].map(() => engine.open(bytes, options)));
      const sums = sessions.map(async (session, i) => {
        let last: EngineTensor | undefined;
        for (let run = 0; run < 20; run++) last = (await session.run({ x: floats(i, 1) })).outputs["told"];
        return last;
      });
      expect(await Promise.all(sums)).toEqual([floats(0, 20), floats(20, 20), floats(40, 20)]);
      await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()));
    });

    test("computes the same at every level of optimisation of an exact graph", async () => {
      for (const optimize of ["all", "basic", "none"] as const) {
        await using session = await engine.open(twoOutputs(), { optimize, threads: 1 });
        expect((await session.run({ x: floats(1, 2, 3, 4) })).outputs).toEqual({
          doubled: floats(2, 4, 6, 8),
          ten: floats(11, 12, 13, 14),
        });
      }
    });

    test.runIf(traits.profiles)("tells the time of every node", async () => {
      await using session = await engine.open(products(64, 3), { optimize: "none", threads: 1, profile: true });
      const x: EngineTensor = { dtype: "float32", dims: [64, 64], data: new Float32Array(64 * 64).fill(0.1) };
      let milliseconds = 0;
      for (let run = 0; run < 5; run++) milliseconds += (await session.run({ x })).milliseconds;
      const timings = await session.profile();
      expect(timings.map(({ node, op, runs }) => ({ node, op, runs }))).toEqual(
        ["y0", "y1", "y2"].map((node) => ({ node, op: "MatMul", runs: 5 })),
      );
      const sum = timings.reduce((total, timing) => total + timing.milliseconds, 0);
      expect(sum).toBeGreaterThan(0);
      expect(sum).toBeLessThan(milliseconds);
      await using plain = await engine.open(twoOutputs(), { threads: 1 });
      await expect(plain.profile()).rejects.toEqual(refused("engine"));
    });

    test.runIf(traits.offThread)("leaves the calling thread free while it runs", async () => {
      await using session = await engine.open(products(768, 12), { threads: 1 });
      const x: EngineTensor = { dtype: "float32", dims: [768, 768], data: new Float32Array(768 * 768).fill(0.001) };
      await session.run({ x });
      const { longestMs, totalMs } = await ownLoopDelay(session.run({ x }));
      expect(totalMs).toBeGreaterThan(40);
      expect(longestMs).toBeLessThan(totalMs / 2);
    });

    test("does not grow over 2,000 runs", async () => {
      // 256 KB in, 256 KB out and 256 KB of memory a run: each of them would leave 500 MB behind.
      const length = 2 ** 16;
      const b = new GraphBuilder("large");
      const x = b.input("x", "float32", [length]);
      const sum = b.add("sum", "Add", [b.input("before", "float32", [length]), x]);
      b.output(b.add("told", "Identity", [sum]), "float32", [length]);
      b.output(sum, "float32", [length]);
      await using session = await engine.open(bytesOf(b.build()), {
        threads: 1,
        state: [{ input: "before", output: "sum", dtype: "float32", dims: [length] }],
        outputs: [{ name: "told", dtype: "float32", dims: [length] }],
      });
      const feed: EngineTensor = { dtype: "float32", dims: [length], data: new Float32Array(length).fill(1) };
      const run = async (count: number): Promise<number> => {
        let last = 0;
        for (let i = 0; i < count; i++) last = Number((await session.run({ x: feed })).outputs["told"]?.data[0]);
        return last;
      };
      await run(300);
      const before = process.memoryUsage.rss();
      expect(await run(2000)).toBe(2300);
      const grownMb = (process.memoryUsage.rss() - before) / 2 ** 20;
      expect(grownMb).toBeLessThan(150);
    });
  });
}
