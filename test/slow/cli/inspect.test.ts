// `clockwork inspect`: the table, the JSON and the saved plan against the plan that the planner makes of the same network.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fitNetwork, type Network } from "../../../src/network/index.ts";
import { planOf } from "../../../src/stages/index.ts";
import { localEngine } from "../../support/runtime.ts";
import { smallModel } from "../../support/segmenting.ts";
import { jsonOf, linesOf, run, workFolder } from "../../cli/cli.ts";

let folder: Awaited<ReturnType<typeof workFolder>>;
let network: Network;

beforeAll(async () => {
  folder = await workFolder();
  network = await fitNetwork(smallModel(), { size: { widthPx: 96, heightPx: 64 }, engine: localEngine });
});
afterAll(() => folder[Symbol.asyncDispose]());

const inspect = (...args: readonly string[]): ReturnType<typeof run> => run(folder.path, "inspect", ...args);

test("the table has a row per stage, with its entry and what it holds", async () => {
  const { code, stdout, stderr } = await inspect("net", "--size", "96x64", "--stages", "3");
  const plan = planOf(network, { stages: 3 });
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain(`net  96x64: ${(plan.macs / 1e6).toFixed(1)} MMACs`);
  const rows = linesOf(stdout).filter((line) => /^ +[123] /.test(line));
  expect(rows).toHaveLength(3);
  expect(rows[0]).toContain("(the image)");
  for (const stage of plan.stages.slice(1)) {
    const row = rows[stage.index - 1] ?? "";
    expect(row).toContain(stage.entry ?? "");
    for (const { tensor, shape } of stage.held) expect(row).toContain(`${tensor} [${shape.join(",")}]`);
  }
});

test("--json is one object with the plan, and nothing else on standard output", async () => {
  const ended = await inspect("--model", "net", "--size", "96x64", "--json");
  const plan = planOf(network);
  const json = jsonOf(ended);
  expect(json).toMatchObject({
    model: "net",
    format: "clockwork-plan",
    size: { widthPx: 96, heightPx: 64 },
    macs: plan.macs,
    parameters: plan.parameters,
    stages: plan.stages.map(({ index, entry, macs, share, held, scoreMap }) => ({
      index,
      entry,
      macs,
      share,
      held: held.map(({ tensor, shape }) => ({ tensor, shape })),
      scoreMap,
    })),
    warnings: [],
  });
  const stages = json["stages"] as Record<string, unknown>[];
  expect(stages[0]).toMatchObject({ index: 1, entry: null, held: [] });
  expect(stages[1]?.["entry"]).toEqual(expect.any(String));
  expect(stages[0]?.["scoreMap"]).toEqual(expect.any(String));
  expect(stages.some((stage) => "nodes" in stage)).toBe(false);
});

test("without a size, the usual one is assumed and told", async () => {
  const { stdout, stderr } = await inspect("net");
  expect(stdout).toContain("640x480");
  expect(linesOf(stderr)).toEqual([expect.stringMatching(/^warning: costs are for 640x480/)]);
});

test("a size that the network cannot take is moved, and told", async () => {
  const { code, stdout, stderr } = await inspect("net", "--size", "90x70");
  expect(code).toBe(0);
  expect(stdout).toContain("96x64");
  expect(stderr).toContain("cannot take 90x70");
});

test("--nodes lists every node once", async () => {
  const { stdout } = await inspect("net", "--size", "96x64", "--nodes", "--stages", "3");
  const nodes = linesOf(stdout.slice(stdout.indexOf("\nstage 1:")))
    .filter((line) => line.startsWith("  "))
    .map((line) => line.trim().split(/ +/)[1]);
  expect(nodes).toHaveLength(network.index.nodes.length);
  expect(new Set(nodes).size).toBe(nodes.length);
  expect(stdout.indexOf("stage 2:")).toBeGreaterThan(stdout.indexOf("pool4"));
});

test("--cut cuts there", async () => {
  const plan = jsonOf(await inspect("net", "--size", "96x64", "--json", "--cut", "pool3"));
  const stages = plan["stages"] as { entry: string }[];
  expect(stages).toHaveLength(2);
  expect(stages[1]?.entry).toContain("pool3");
  const three = jsonOf(await inspect("net", "--size", "96x64", "--json", "--cut", "pool3", "--cut", "pool4"));
  expect(three["stages"]).toHaveLength(3);
});

test("--measure adds times that sum up", async () => {
  const json = jsonOf(await inspect("net", "--size", "96x64", "--json", "--measure"));
  const stages = json["stages"] as { milliseconds: number }[];
  const sum = stages.reduce((total, stage) => total + stage.milliseconds, 0);
  expect(sum).toBeGreaterThan(0);
  expect(sum).toBeCloseTo(Number(json["milliseconds"]), 6);
  expect((await inspect("net", "--size", "96x64", "--measure")).stdout).toMatch(/\bms\b/);
});

describe("a saved plan", () => {
  test("gives the same plan again, at this size and at another, and segment takes it", async () => {
    const first = await inspect("net", "--size", "96x64", "--stages", "3", "--save", "plan.json", "--json");
    expect(first.stderr).toContain("plan saved to plan.json");
    const again = await inspect("net", "--size", "96x64", "--plan", "plan.json", "--json");
    const { notes: _a, ...made } = jsonOf(first);
    const { notes: _b, ...read } = jsonOf(again);
    expect(read).toEqual(made);
    const other = jsonOf(await inspect("net", "--size", "192x128", "--plan", "plan.json", "--json"));
    const entries = (json: Record<string, unknown>): unknown[] =>
      (json["stages"] as { entry: unknown }[]).map(({ entry }) => entry);
    expect(entries(other)).toEqual(entries(made));
    const args = ["clip.mp4", "--model", "net", "--plan", "plan.json", "--clock", "fixed:1,2,4", "--json"];
    expect(jsonOf(await run(folder.path, "segment", ...args))["updateRates"]).toEqual([1, 0.5, 0.3]);
  });

  test.each([
    ["of no JSON", "{", 2],
    ["of other JSON", '{"format":"x"}', 2],
    ["of another network", '{"format":"clockwork-plan","version":1,"stages":[{},{"nodes":["level9"]}]}', 1],
  ])("%s is refused", async (_name, text, code) => {
    await writeFile(join(folder.path, "wrong.json"), text);
    const ended = await inspect("net", "--size", "96x64", "--plan", "wrong.json");
    expect([ended.code, ended.stdout]).toEqual([code, ""]);
    expect(linesOf(ended.stderr)).toEqual([expect.stringMatching(/^error: wrong.json: /)]);
  });

  test("lists the nodes by what they make", async () => {
    await inspect("net", "--size", "96x64", "--save", "nodes.json");
    const saved = JSON.parse(await readFile(join(folder.path, "nodes.json"), "utf8")) as {
      stages: { nodes: string[] | null }[];
    };
    expect(saved.stages[0]?.nodes).toBeNull();
    const outputs = new Set(network.index.nodes.flatMap((node) => node.outputs));
    expect(saved.stages[1]?.nodes?.every((name) => outputs.has(name))).toBe(true);
  });
});
