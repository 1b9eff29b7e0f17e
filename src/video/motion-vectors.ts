// The vectors that a codec predicts blocks by, from FFmpeg's side data to blocks of an upright frame.
// Layout: FFmpeg's libavutil/motion_vector.h, AVMotionVector, 40 bytes. Not a search for motion: a vector says where an
// encoder found it cheap to copy from, which is mostly, not always, where things came from.
//
// Left out: vectors of interlaced frames, which lead between fields, and of B pictures of MPEG-4 part 2, for which FFmpeg
// says zero whatever they are. Of pictures cropped at their left or upper edge, FFmpeg counts blocks from before the crop.

import { AV_FRAME_DATA_MOTION_VECTORS, AV_FRAME_FLAG_INTERLACED, AV_PICTURE_TYPE_B } from "node-av/constants";
import type { Frame as NativeFrame } from "node-av/lib";
import { ClockworkError } from "../errors.ts";
import { numbersPerBlock, type BlockMotion } from "../frame.ts";
import type { Orientation } from "./orientation.ts";
import type { References, ReferenceTimes } from "./reference-times.ts";

/** Codecs whose decoders in FFmpeg give vectors away. */
const codecs: ReadonlySet<string> = new Set(["h264", "mpeg1video", "mpeg2video", "mpeg4"]);

const bytesPerVector = 40;
const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Size of a picture in pixels. */
interface Extent {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** What was known of a frame before it was converted. */
export interface CodedMotion {
  /** Copied: FFmpeg's own memory goes with the frame. */
  readonly vectors: DataView | undefined;
  readonly references: References;
  readonly stored: Extent;
}

/** @throws ClockworkError `invalid-argument` where a codec's decoder gives no vectors away */
export function requireVectors(label: string, codec: string): void {
  if (codecs.has(codec)) return;
  throw new ClockworkError(
    "invalid-argument",
    `${label}: expected a codec whose decoder tells motion (${[...codecs].join(", ")}), got ${codec}; ` +
      "try without motion, or converting the video to H.264",
  );
}

/** Takes from a frame that has just come out of the decoder what {@link blockMotion} needs. */
export function codedMotion(frame: NativeFrame, codec: string, times: ReferenceTimes): CodedMotion {
  const isB = frame.pictType === AV_PICTURE_TYPE_B;
  const references = times.came(frame.pts, isB);
  const isInterlaced = (frame.flags & AV_FRAME_FLAG_INTERLACED) !== 0;
  const isWrong = isInterlaced || (isB && codec === "mpeg4");
  const data = isWrong ? null : frame.getSideData(AV_FRAME_DATA_MOTION_VECTORS);
  return {
    vectors: data === null ? undefined : new DataView(new Uint8Array(data).buffer),
    references,
    stored: { widthPx: frame.width, heightPx: frame.height },
  };
}

/**
 * Blocks in pixels of the upright, scaled frame.
 * @param frame the size that the frame got
 */
export function blockMotion(coded: CodedMotion, orientation: Orientation, frame: Extent): BlockMotion {
  const { vectors, references, stored } = coded;
  const steps = { past: stepsTo(references, "past"), future: stepsTo(references, "future") };
  if (vectors === undefined) return { blocks: new Float32Array() };
  const most = Math.floor(vectors.byteLength / bytesPerVector);
  const blocks = new Float32Array(most * numbersPerBlock);
  const turn = turnOf(orientation, stored, frame);
  let end = 0;
  for (let index = 0; index < most; index++) {
    const at = index * bytesPerVector;
    const away = vectors.getInt32(at, isLittleEndian) < 0 ? steps.past : steps.future;
    const scale = vectors.getUint16(at + 32, isLittleEndian);
    if (away === undefined || scale === 0) continue;
    const width = vectors.getUint8(at + 4);
    const height = vectors.getUint8(at + 5);
    const x = vectors.getInt16(at + 10, isLittleEndian);
    const y = vectors.getInt16(at + 12, isLittleEndian);
    const dx = vectors.getInt32(at + 24, isLittleEndian) / scale;
    const dy = vectors.getInt32(at + 28, isLittleEndian) / scale;
    blocks[end] = turn.xx * x + turn.xy * y + turn.x;
    blocks[end + 1] = turn.yx * x + turn.yy * y + turn.y;
    blocks[end + 2] = Math.abs(turn.xx * width + turn.xy * height);
    blocks[end + 3] = Math.abs(turn.yx * width + turn.yy * height);
    blocks[end + 4] = turn.xx * dx + turn.xy * dy;
    blocks[end + 5] = turn.yx * dx + turn.yy * dy;
    blocks[end + 6] = away;
    end += numbersPerBlock;
  }
  return { blocks: blocks.subarray(0, end) };
}

/** Frame steps from a reference to a frame; `undefined` where they are not known. */
function stepsTo({ current, previous, ...to }: References, which: "past" | "future"): number | undefined {
  const reference = to[which];
  if (reference === undefined || previous === undefined || previous >= current) return undefined;
  return Number(current - reference) / Number(current - previous);
}

/** From places in a stored picture to places in the upright one: x' = xx x + xy y + x. */
interface Turn {
  readonly xx: number;
  readonly xy: number;
  readonly yx: number;
  readonly yy: number;
  readonly x: number;
  readonly y: number;
}

function turnOf({ filters, swapsSides }: Orientation, stored: Extent, frame: Extent): Turn {
  const has = (...names: readonly string[]): boolean => names.some((name) => filters.includes(name));
  const [right, down] = swapsSides
    ? [
        has("transpose=clock", "transpose=clock_flip") ? -1 : 1,
        has("transpose=cclock", "transpose=clock_flip") ? -1 : 1,
      ]
    : [has("hflip") ? -1 : 1, has("vflip") ? -1 : 1];
  const [along, across] = swapsSides ? [stored.heightPx, stored.widthPx] : [stored.widthPx, stored.heightPx];
  const [scaleX, scaleY] = [frame.widthPx / along, frame.heightPx / across];
  return {
    xx: swapsSides ? 0 : right * scaleX,
    xy: swapsSides ? right * scaleX : 0,
    yx: swapsSides ? down * scaleY : 0,
    yy: swapsSides ? 0 : down * scaleY,
    x: right < 0 ? frame.widthPx : 0,
    y: down < 0 ? frame.heightPx : 0,
  };
}
