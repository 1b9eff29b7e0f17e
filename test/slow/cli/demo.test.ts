// `clockwork demo` as a child process, in a folder whose name has a space: what it writes, prints and leaves.

import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { street } from "../../../src/networks/street.ts";
import { openVideo } from "../../../src/video/index.ts";
import { Street, streetClasses } from "../../../src/video/street/index.ts";
import { jsonOf, linesOf, namesIn, run, start } from "../../cli/cli.ts";
import { temporaryFolder, writeModelFolder } from "../../support/model-folder.ts";
import { makeClip } from "../../video/clips.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let here = "";

beforeAll(async () => {
  folder = await temporaryFolder("clockwork-demo-");
  here = join(folder.path, "my work");
  await mkdir(here);
  process.env["CLOCKWORK_CACHE"] = join(folder.path, "cache");
  await writeModelFolder(join(here, "net"), street({ width: 1 / 4, classes: streetClasses.length }), {
    classNames: streetClasses,
    preprocessor: { do_resize: false, image_mean: [0.5, 0.5, 0.5], image_std: [0.25, 0.25, 0.25] },
  });
  await makeClip(join(here, "my clip.mp4"), { graph: "testsrc2=s=1280x720:d=0.4:r=25,format=yuv420p" });
});
afterAll(() => folder[Symbol.asyncDispose]());

const reportFiles: readonly string[] = ["classes.csv", "frames.csv", "report.html", "report.json", "runs.csv"];
const clocks: readonly string[] = [
  "every",
  "skip:3",
  "fixed:3",
  "fixed:3+flow",
  "fixed:5+flow",
  "fixed:5+flow",
  "adaptive:0.04@motion+flow",
];

async function sizeOf(path: string): Promise<readonly number[]> {
  let frames = 0;
  const reader = await openVideo(path);
  const { widthPx, heightPx } = reader.info;
  for await (const frame of reader) frames += frame.data.length > 0 ? 1 : 0;
  return [frames, widthPx, heightPx];
}

test("a street: the clip, the comparison, the report and the table", async () => {
  const ended = await run(here, "demo", "--model", "net", "--seconds", "0.5", "--seed", "5", "-o", "out/a street");
  expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining("The street is synthetic")]);
  const output = join(here, "out", "a street");
  expect(await namesIn(output)).toEqual(["classes.csv", "clip.mp4", "comparison.mp4", ...reportFiles.slice(1)]);
  expect(await sizeOf(join(output, "clip.mp4"))).toEqual([8, 480, 360]);
  expect(await sizeOf(join(output, "comparison.mp4"))).toEqual([8, 968, 408]);
  const lines = linesOf(ended.stdout);
  expect(lines[0]).toMatch(/^clock +stages +mIoU .*speedup/);
  expect(lines.slice(1, 8).map((line) => line.split(" ")[0])).toEqual(clocks);
  for (const path of ["out/a street/comparison.mp4", "out/a street/report.html", "out/a street/clip.mp4"]) {
    expect(ended.stdout).toContain(`${path}: `);
  }
  expect(ended.stdout).toContain(
    "clockwork segment my.mp4 --model net --stages 1 --clock fixed:3+flow -o 'out/a street/out.mp4'",
  );
  // The labels are the renderer's: with them, the truth has all of its pixels counted.
  const report = JSON.parse(await readFile(join(output, "report.json"), "utf8")) as { readonly labelled: number };
  expect(report.labelled).toBe(8);
  // The clip shows the street.
  const rendered = new Street({ seed: 5 }).frame(0).frame.data;
  await using clip = await openVideo(join(output, "clip.mp4"));
  for await (const { data } of clip) {
    const off = data.reduce((sum, value, at) => sum + Math.abs(value - (rendered[at] ?? 0)), 0) / data.length;
    expect(off).toBeLessThan(6);
    break;
  }
});

test("--json prints what `evaluate --json` prints, and nothing else", async () => {
  const demo = jsonOf(await run(here, "demo", "--model", "net", "--seconds", "0.2", "-q", "--json", "-o", "json"));
  const evaluated = jsonOf(
    await run(here, "evaluate", "street:20261", "--model", "net", "--limit", "3", "--clock", "skip:3", "-q", "--json"),
  );
  expect(Object.keys(demo)).toEqual(Object.keys(evaluated));
  const runsOf = (json: Record<string, unknown>): Record<string, unknown>[] =>
    json["runs"] as Record<string, unknown>[];
  expect(runsOf(demo).map(({ clock }) => clock)).toEqual(clocks);
  expect(demo).toMatchObject({ dataset: "street", model: "net", frames: 3, labelled: 3 });
  // The same street, rendered in two processes: the same scores.
  for (const place of [0, 1]) {
    const [a, b] = [runsOf(demo)[place], runsOf(evaluated)[place]];
    expect([a?.["clock"], a?.["mIoU"], a?.["agreement"]]).toEqual([b?.["clock"], b?.["mIoU"], b?.["agreement"]]);
    expect(a?.["perClass"]).toEqual(b?.["perClass"]);
  }
});

test("a video of one's own: agreement in place of mIoU, scaled down, and not all of it", async () => {
  const ended = await run(here, "demo", "my clip.mp4", "--model", "net", "--seconds", "0.2", "-o", "mine");
  expect(ended.code).toBe(0);
  expect(ended.stderr).toContain("my clip.mp4: the first 5 frames (--seconds for more), scaled to 560x304");
  expect(await namesIn(join(here, "mine"))).toEqual(["classes.csv", "comparison.mp4", ...reportFiles.slice(1)]);
  expect(await sizeOf(join(here, "mine", "comparison.mp4"))).toEqual([5, 1128, 352]);
  expect(linesOf(ended.stdout)[0]).toMatch(/^clock +stages +agreement/);
  expect(ended.stdout).toContain("clockwork tune 'my clip.mp4' --model net");
});

test("Ctrl-C leaves nothing that is not whole", async () => {
  const running = start(here, ["demo", "--model", "net", "--seconds", "120", "-o", "deep/stopped"]);
  await running.said("rendering the street");
  running.child.kill("SIGINT");
  const { code, stdout, stderr } = await running.ended;
  expect([code, stdout]).toEqual([130, ""]);
  expect(stderr).toContain("stopped");
  expect(await namesIn(here)).not.toContain("deep");
});
