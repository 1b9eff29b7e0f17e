// Small datasets on disk: folders of tiny PNG and JPEG files in the layouts of their owners.

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import type { Dataset, FrameRange, LabelledFrame, Sequence } from "../../src/datasets/index.ts";
import { encodeImage, sourceOf } from "../video/clips.ts";

/** Red, green and blue. */
export type Rgb = readonly [number, number, number];

/** What is in a file: text, or a picture. */
export type Content =
  | string
  /** Label values by row, as a gray or an indexed PNG. */
  | { readonly kind: "gray" | "indexed"; readonly rows: readonly (readonly number[])[] }
  /** Colours by row, as a PNG. */
  | { readonly kind: "rgb"; readonly rows: readonly (readonly Rgb[])[] }
  /** One colour, as a JPEG. */
  | { readonly kind: "jpeg"; readonly rgb: Rgb; readonly size: string };

/** A PNG of 4x2 in one colour. */
export function plainPicture(rgb: Rgb): Content {
  return { kind: "rgb", rows: [0, 1].map(() => [rgb, rgb, rgb, rgb]) };
}

/** Writes files, with the folders that they are in. */
export async function writeFiles(root: string, files: Readonly<Record<string, Content>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const full = join(root, path);
    await mkdir(dirname(full), { recursive: true });
    if (typeof content === "string") await writeFile(full, content);
    else if (content.kind === "jpeg") await encodeImage(full, `${sourceOf(content.rgb, content.size)},format=yuvj444p`);
    else await writeFile(full, pngOf(content));
  }
}

/** All frames that a sequence gives. */
export async function framesOf(sequence: Sequence | undefined, range?: FrameRange): Promise<LabelledFrame[]> {
  const frames: LabelledFrame[] = [];
  if (sequence === undefined) throw new Error("no sequence");
  for await (const frame of sequence.read(range)) frames.push(frame);
  return frames;
}

/** Names of the frames of every sequence, by its name. */
export async function namesOf(dataset: Dataset): Promise<Record<string, readonly string[]>> {
  const entries = dataset.sequences.map(
    async (sequence) => [sequence.name, (await framesOf(sequence)).map(({ name }) => name)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

/** PNG of 8 bits a sample (PNG specification, 3rd edition, sections 5 and 11). */
function pngOf(content: Exclude<Content, string | { kind: "jpeg" }>): Buffer {
  const colourType = { gray: 0, rgb: 2, indexed: 3 }[content.kind];
  // Each row begins with the number of its filter: none.
  const lines = content.rows.map((row) => Buffer.from([0, ...row.flat()]));
  const header = Buffer.alloc(13);
  header.writeUInt32BE(content.rows[0]?.length ?? 0, 0);
  header.writeUInt32BE(content.rows.length, 4);
  header.set([8, colourType], 8);
  // Index 0 is black, as in the palettes of datasets; no colour equals its index.
  const palette = Buffer.from(Array.from({ length: 768 }, (_, at) => (at < 3 ? 0 : 255 - Math.floor(at / 6))));
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunkOf("IHDR", header),
    ...(content.kind === "indexed" ? [chunkOf("PLTE", palette)] : []),
    chunkOf("IDAT", deflateSync(Buffer.concat(lines))),
    chunkOf("IEND", Buffer.alloc(0)),
  ]);
}

function chunkOf(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
