// Pictures of what the motion graph finds: on a drawn street, where the truth is known, and on footage if it is given.

import { mkdir, writeFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { agreementOf, type Frame, type LabelMap } from "../src/index.ts";
import { encodeImage, openSegmenter, openVideo, paletteFor } from "../src/node.ts";
import { drawnStreet, streetClasses } from "./drawn-street.ts";
import { FlowChain, atPixels, type ChainStep } from "./flow-chain.ts";
import { flowPicture, labelPicture, montage, sharePicture, wheelPicture } from "./flow-colours.ts";
import { flowAt, frameAt, labelsAt } from "./moving-scenes.ts";

/** What to draw. */
export interface FlowPicturesOptions {
  /** Folder for the pictures. */
  readonly folder: string;
  /** Videos; with a model. */
  readonly data: readonly string[];
  readonly model: string | undefined;
  /** Frames between the key frame and the one that is shown. */
  readonly age: number;
}

/** Luma at which trust falls to a third, as blending has it. */
const trustLuma = 10 / 255;

/** Flow with the strongest colour. */
const mostPx = 16;

/** Writes the pictures. @returns what they are */
export async function flowPictures({ folder, data, model, age }: FlowPicturesOptions): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const lines = await streetPictures(folder, age);
  for (const path of data) {
    if (model === undefined) throw new Error("flow-pictures: expected a model with --data, got none; try --model");
    lines.push(...(await footagePictures(folder, path, model, age)));
  }
  return lines;
}

/** Trust in the flow of a step at every pixel: in the picture, and luma as it was. */
function trust(chain: FlowChain, { valid, residual }: ChainStep): Float32Array {
  const { finest } = chain.scale;
  return atPixels(
    valid.map((share, at) => share * Math.exp(-(residual[at] ?? 0) / trustLuma)),
    finest,
    chain.scale,
  );
}

async function streetPictures(folder: string, age: number): Promise<string[]> {
  const street = drawnStreet(5);
  const palette = paletteFor(streetClasses, streetClasses.length);
  await using steps = await FlowChain.open(street);
  await using chain = await FlowChain.open(street);
  const times = Array.from({ length: age + 1 }, (_, frame) => frame - Math.floor(age / 2));
  const [key = 0, last = 0] = [times[0], times.at(-1)];
  const frame = frameAt(street, last);
  await steps.next(frameAt(street, last - 1), true);
  const step = await steps.next(frame);
  let chained: ChainStep | undefined;
  for (const time of times) chained = await chain.next(frameAt(street, time), time === key);
  const keyLabels = labelsAt(street, key);
  const truth = labelsAt(street, last);
  const moved = chained === undefined ? keyLabels : await chain.moved(keyLabels, chained);
  const pictures: Readonly<Record<string, Frame>> = {
    frame,
    flow: flowPicture(steps.dense(step), street, mostPx),
    "flow-exact": flowPicture(flowAt(street, last).flow, street, mostPx),
    trust: sharePicture(trust(steps, step), street),
    "labels-exact": labelPicture(frame, truth, palette),
    "labels-still": labelPicture(frame, keyLabels, palette),
    "labels-moved": labelPicture(frame, moved, palette),
  };
  for (const [name, picture] of Object.entries(pictures)) {
    const jpeg = !name.startsWith("flow") && name !== "trust";
    await save(join(folder, `street-${name}`), picture, jpeg ? "jpeg" : "png", 360);
  }
  await save(join(folder, "wheel"), wheelPicture(160), "png", 160);
  return [
    `street, ${age} frames after the key frame: agreement with the exact labels ` +
      `${percent(keyLabels, truth)} still, ${percent(moved, truth)} moved`,
  ];
}

async function footagePictures(folder: string, path: string, model: string, age: number): Promise<string[]> {
  const size = { width: 480, height: 270 } as const;
  await using segmenter = await openSegmenter({ model, clock: "every" });
  const frames: Frame[] = [];
  const labels: LabelMap[] = [];
  const starts = [20, 60, 100];
  await using video = await openVideo(path, size);
  for await (const result of segmenter.segment(video)) {
    frames.push(result.frame);
    labels.push(result.labels);
    if (frames.length > (starts.at(-1) ?? 0) + age) break;
  }
  const palette = paletteFor(segmenter.classNames, segmenter.classNames?.length ?? 256);
  const lines: string[] = [];
  for (const start of starts) {
    const [now, keyLabels, truth] = [frames[start + age], labels[start], labels[start + age]];
    const [first, before] = [frames[start], frames[start + age - 1]];
    if (!now || !keyLabels || !truth || !first || !before) break;
    await using chain = await FlowChain.open(first);
    await using steps = await FlowChain.open(first);
    await steps.next(before, true);
    const step = await steps.next(now);
    let chained = await chain.next(first, true);
    for (const frame of frames.slice(start + 1, start + age + 1)) chained = await chain.next(frame);
    const moved = await chain.moved(keyLabels, chained);
    const all = montage(
      [
        now,
        flowPicture(steps.dense(step), now, mostPx),
        sharePicture(trust(steps, step), now),
        labelPicture(now, truth, palette),
        labelPicture(now, keyLabels, palette),
        labelPicture(now, moved, palette),
      ],
      3,
    );
    const name = `${basename(path, extname(path))}-${start + age}`;
    await save(join(folder, name), all, "jpeg", all.widthPx);
    lines.push(
      `${name}: frame, flow, trust; labels of the network, still, moved over ${age} frames: agreement ` +
        `${percent(keyLabels, truth)} still, ${percent(moved, truth)} moved`,
    );
  }
  return lines;
}

async function save(path: string, picture: Frame, format: "png" | "jpeg", mostWidthPx: number): Promise<void> {
  const bytes = await encodeImage(picture, { format, mostWidthPx });
  await writeFile(`${path}.${format === "png" ? "png" : "jpg"}`, bytes);
}

function percent(labels: LabelMap, truth: LabelMap): string {
  return `${(100 * agreementOf(labels.data, truth.data)).toFixed(1)} %`;
}
