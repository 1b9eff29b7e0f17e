// The translating viewport: nets cut off give the score map of the whole network, and the command runs end to end.

import { join } from "node:path";
import { expect, test } from "vitest";
import { cutOffAt } from "../../../experiments/cut-off.ts";
import { fcn8s } from "../../../src/networks/index.ts";
import { noiseImage } from "../../support/noise.ts";
import { digestOf, runOnce } from "../../support/runtime.ts";
import { withOutputs } from "../../support/sessions.ts";
import { temporaryFolder } from "../../support/model-folder.ts";
import { writeFiles, type Content } from "../../datasets/files.ts";
import { experiment, fcnFolder, tablesOf } from "./support.ts";

const classNames = "sky building pole road pavement tree sign fence car pedestrian bicyclist".split(" ");

test("a net cut off has the score map of the whole one, and nothing deeper", async () => {
  const model = fcn8s({ width: 1 / 16, classes: 5 });
  const image = noiseImage([1, 3, 64, 96], 3);
  const whole = await runOnce(withOutputs(model, ["score_pool3", "score_pool4"]), { image });
  for (const scores of ["score_pool3", "score_pool4"]) {
    const cut = cutOffAt(model, scores);
    const outputs = await runOnce(cut, { image });
    expect(Object.keys(outputs)).toEqual([scores]);
    expect(digestOf(outputs[scores])).toEqual(digestOf(whole[scores]));
    expect([...cut.graph.initializers.keys()].filter((name) => /^(conv5|fc|score_fr)/.test(name))).toEqual([]);
  }
  expect(() => cutOffAt(model, "score_pool9")).toThrow(/expected a tensor that a node makes, got "score_pool9"/);
});

test("two stills in the layout of CamVid: six frames each, the last four scored", async () => {
  await using folder = await temporaryFolder("clockwork-experiment-");
  const model = await fcnFolder(join(folder.path, "net"), classNames, { width: 96, height: 64 });
  const columns = Array.from({ length: 176 }, (_, x) => x);
  const lines = Array.from({ length: 64 }, (_, y) => y);
  // Hardly anything that moves: a new shot would fire every stage.
  const still = (seed: number): Content => ({
    kind: "rgb",
    rows: lines.map((y) => columns.map((x) => [4 * y, 128 + seed * Math.sin(x / 40), 40] as const)),
  });
  const labels: Content = { kind: "gray", rows: lines.map((y) => columns.map((x) => (x + y > 120 ? 3 : 8))) };
  await writeFiles(join(folder.path, "camvid"), {
    "val/0001TP_000010.png": still(20),
    "val/0001TP_000012.png": still(30),
    "val/0001TP_000014.png": still(40),
    "valannot/0001TP_000010.png": labels,
    "valannot/0001TP_000012.png": labels,
    "valannot/0001TP_000014.png": labels,
  });
  const flags = "--data camvid --shift 16 --stills 2 --cut-2 pool4->conv5_1 --json".split(" ");
  const ended = await experiment(folder.path, "translating-viewport", "--model", model, ...flags);
  expect(ended).toMatchObject({ code: 0 });
  const [table, ...others] = tablesOf(ended);
  expect(others).toEqual([]);
  expect(table?.notes[0]).toMatch(/^8 frames scored/);
  expect(table?.rows.map(({ name }) => name)).toEqual([
    "oracle",
    "cut off at score_pool4 (2-stage baseline)",
    "cut off at score_pool3 (3-stage baseline)",
    "pipeline, 2 stages",
    "pipeline, 3 stages",
    "skip:2",
    "fixed:2",
    "fixed:2+flow, 1 stage",
    "fixed:2+flow",
  ]);
  const macs = table?.rows.map(({ run }) => run.macsRatio) ?? [];
  const [oracle = 0, pool4 = 0, pool3 = 0, two, three, skip, fixed = 0] = macs;
  expect([oracle, two, three, skip]).toEqual([1, 1, 1, 0.5]);
  expect(pool3).toBeLessThan(pool4);
  expect(pool4).toBeLessThan(fixed);
  expect(fixed).toBeLessThan(1);
  expect(table?.rows[0]?.run.agreement).toBe(100);
}, 180_000);
