// Segments a video and prints what happened on each frame.
//   npm run example -- examples/segment-video.ts street.mp4 my-model fixed:2

import { openSegmenter, openVideo } from "clockwork-convnets/node";

const [path = "street.mp4", model = "my-model", clock = "fixed:2"] = process.argv.slice(2);

await using segmenter = await openSegmenter({ model, clock });
await using video = await openVideo(path);
for await (const { timestampSec, fired, labels, milliseconds } of segmenter.segment(video)) {
  const counts = new Map<number, number>();
  for (const label of labels.data) counts.set(label, (counts.get(label) ?? 0) + 1);
  const [label = 0, count = 0] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? [];
  const name = segmenter.classNames?.[label] ?? `class ${label}`;
  const share = ((100 * count) / labels.data.length).toFixed(0);
  console.log(
    `${timestampSec.toFixed(2)} s  ${fired.map((on) => (on ? "#" : ".")).join("")}  ${milliseconds.inference.toFixed(1)} ms  mostly ${name} (${share} %)`,
  );
}
