// Small videos and pictures for the tests of src/video, made on the spot with FFmpeg's synthetic sources.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_PICTURE_TYPE_NONE,
  AV_PKT_DATA_DISPLAYMATRIX,
  type AVColorRange,
  type AVColorSpace,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_SPC_SMPTE170M,
  AVCOL_SPC_UNSPECIFIED,
  type AVPixelFormat,
  type AVSampleFormat,
  type FFEncoderCodec,
} from "node-av/constants";
import {
  Codec,
  CodecContext,
  Dictionary,
  FFmpegError,
  FilterGraph,
  FormatContext,
  Frame,
  Packet,
  Rational,
  type Stream,
} from "node-av/lib";
import type { Frame as RgbFrame, LabelMap } from "../../src/frame.ts";
import { quietLogs } from "../../src/video/native.ts";

/** How a clip is made. */
export interface Clip {
  /** A chain of FFmpeg filters that starts with a source, such as `testsrc2=s=64x48:d=1:r=25`. */
  readonly graph: string;
  readonly encoder?: string;
  readonly encoderOptions?: Record<string, string>;
  readonly muxerOptions?: Record<string, string>;
  readonly matrix?: "bt709" | "bt601";
  readonly range?: "limited" | "full";
  /** Milliseconds of each frame; by default 25 frames a second. */
  readonly timesMs?: readonly number[];
  /** The four numbers a, b, c, d of a display matrix. */
  readonly displayMatrix?: readonly [number, number, number, number];
  /** Adds a tone of this many seconds. */
  readonly audioSec?: number;
  readonly withoutVideo?: boolean;
  /** Lets the encoder choose the types of pictures; sources of FFmpeg say that all of theirs stand alone. */
  readonly predicted?: boolean;
}

const MILLISECONDS = { num: 1, den: 1000 };

/** Writes a clip in the container that the path's extension asks for. */
export async function makeClip(path: string, clip: Clip): Promise<string> {
  quietLogs();
  const muxer = new FormatContext();
  ok(muxer.allocOutputContext2(null, null, path));
  const video = clip.withoutVideo === true ? undefined : await openVideoTrack(clip);
  const audio = clip.audioSec === undefined ? undefined : await openAudioTrack(clip.audioSec);
  for (const track of [video, audio]) {
    if (track === undefined) continue;
    track.stream = muxer.newStream();
    ok(track.stream.codecpar.fromContext(track.encoder));
    track.stream.timeBase = track.encoder.timeBase;
  }
  if (clip.displayMatrix !== undefined && video?.stream !== undefined) {
    const [a, b, c, d] = clip.displayMatrix;
    const words = [a, b, 0, c, d, 0, 0, 0, 0x4000].map((word) => word * 0x10000);
    const bytes = Buffer.from(new Int32Array(words).buffer);
    video.stream.codecpar.addCodedSideData(AV_PKT_DATA_DISPLAYMATRIX, bytes);
  }
  ok(await muxer.openOutput());
  using options = Dictionary.fromObject(clip.muxerOptions ?? {});
  ok(await muxer.writeHeader(options));
  if (audio !== undefined) await encodeTrack(audio, muxer, {});
  if (video !== undefined) await encodeTrack(video, muxer, clip);
  ok(await muxer.writeTrailer());
  await muxer.closeOutput();
  return path;
}

interface Track {
  readonly graph: FilterGraph;
  readonly sinkName: string;
  readonly encoder: CodecContext;
  stream: Stream | undefined;
}

async function openVideoTrack(clip: Clip): Promise<Track> {
  const { graph, first } = await sourceGraph(`${clip.graph}[out];[out]buffersink@out`, "buffersink@out");
  const encoder = newEncoder(clip.encoder ?? "libx264");
  encoder.width = first.width;
  encoder.height = first.height;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a video frame
  encoder.pixelFormat = first.format as AVPixelFormat;
  encoder.timeBase = Rational.fromObject(MILLISECONDS);
  encoder.framerate = new Rational(25, 1);
  encoder.colorSpace = matrixOf(clip);
  encoder.colorRange = rangeOf(clip);
  encoder.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
  const speed = (clip.encoder ?? "libx264") === "libx264" ? { preset: "ultrafast" } : {};
  using options = Dictionary.fromObject({ ...speed, ...clip.encoderOptions });
  ok(await encoder.open2(null, options));
  first.free();
  return { graph, sinkName: "buffersink@out", encoder, stream: undefined };
}

async function openAudioTrack(seconds: number): Promise<Track> {
  const text =
    `sine=frequency=440:duration=${seconds}:sample_rate=48000,aformat=sample_fmts=fltp:channel_layouts=mono,` +
    "asetnsamples=1024[out];[out]abuffersink@out";
  const { graph, first } = await sourceGraph(text, "abuffersink@out");
  const encoder = newEncoder("aac");
  encoder.sampleRate = 48_000;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an audio frame
  encoder.sampleFormat = first.format as AVSampleFormat;
  encoder.channelLayout = first.channelLayout;
  encoder.timeBase = new Rational(1, 48_000);
  encoder.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
  ok(await encoder.open2());
  first.free();
  return { graph, sinkName: "abuffersink@out", encoder, stream: undefined };
}

/** Configures a graph, and looks at its first frame in a copy of it. */
async function sourceGraph(text: string, sinkName: string): Promise<{ graph: FilterGraph; first: Frame }> {
  const [graph, probe] = [new FilterGraph(), new FilterGraph()];
  for (const one of [graph, probe]) {
    one.alloc();
    ok(one.parsePtr(text));
    ok(await one.config());
  }
  const first = new Frame();
  first.alloc();
  ok((await probe.getFilter(sinkName)?.buffersinkGetFrame(first)) ?? -1);
  probe.free();
  return { graph, first };
}

async function encodeTrack(
  track: Track,
  muxer: FormatContext,
  { timesMs, predicted }: Pick<Clip, "timesMs" | "predicted">,
): Promise<void> {
  const { graph, encoder, stream } = track;
  const sink = graph.getFilter(track.sinkName);
  if (sink === null || stream === undefined) throw new Error("track without a stream");
  const frame = new Frame();
  const packet = new Packet();
  frame.alloc();
  packet.alloc();
  const drain = async (): Promise<void> => {
    while ((await encoder.receivePacket(packet)) >= 0) {
      if (packet.duration === 0n) packet.duration = 40n;
      packet.rescaleTs(encoder.timeBase, stream.timeBase);
      packet.streamIndex = stream.index;
      ok(await muxer.interleavedWriteFrame(packet));
      packet.unref();
    }
  };
  let index = 0;
  while ((await sink.buffersinkGetFrame(frame)) >= 0) {
    if (track.sinkName === "buffersink@out") {
      const atMs = timesMs === undefined ? index * 40 : timesMs[index];
      if (atMs === undefined) break;
      frame.pts = BigInt(atMs);
      frame.duration = 40n;
      if (predicted === true) frame.pictType = AV_PICTURE_TYPE_NONE;
    }
    ok(await encoder.sendFrame(frame));
    frame.unref();
    await drain();
    index++;
  }
  await encoder.sendFrame(null);
  await drain();
  frame.free();
  packet.free();
  encoder.freeContext();
  graph.free();
}

function newEncoder(name: string): CodecContext {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an unknown name is found out below
  const codec = Codec.findEncoderByName(name as FFEncoderCodec);
  if (codec === null) throw new Error(`no encoder ${name}`);
  const encoder = new CodecContext();
  encoder.allocContext3(codec);
  return encoder;
}

function matrixOf(clip: Clip): AVColorSpace {
  if (clip.matrix === undefined) return AVCOL_SPC_UNSPECIFIED;
  return clip.matrix === "bt709" ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
}

function rangeOf(clip: Clip): AVColorRange {
  return clip.range === "full" ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
}

/** Filters that show one colour, as YUV of the given kind. */
export function colourGraph(
  rgb: readonly [number, number, number],
  size: string,
  matrix: "bt709" | "bt601",
  range: "limited" | "full",
  seconds = 0.2,
): string {
  const outRange = range === "full" ? "pc" : "tv";
  return (
    `${sourceOf(rgb, size, seconds)},scale=out_color_matrix=${matrix}:out_range=${outRange}:` +
    "flags=accurate_rnd+full_chroma_int,format=yuv420p"
  );
}

/** Filters that show one colour in planar RGB. */
export function sourceOf(rgb: readonly [number, number, number], size: string, seconds = 0.2): string {
  const hex = rgb.map((channel) => channel.toString(16).padStart(2, "0")).join("");
  return `color=c=0x${hex}:s=${size}:r=25:d=${seconds},format=gbrp`;
}

/** Writes one picture of one colour. */
export async function makeImage(
  path: string,
  rgb: readonly [number, number, number],
  size: string,
  pixelFormat = "rgb24",
): Promise<void> {
  await encodeImage(path, `${sourceOf(rgb, size, 0.04)},format=${pixelFormat}`);
}

/** Writes the first picture of a graph, in the format of the path's extension. */
export async function encodeImage(path: string, description: string): Promise<void> {
  quietLogs();
  const { graph, first } = await sourceGraph(`${description}[out];[out]buffersink@out`, "buffersink@out");
  const extension = path.slice(path.lastIndexOf(".") + 1);
  const names: Record<string, string> = { jpg: "mjpeg", webp: "libwebp", tif: "tiff" };
  const encoder = newEncoder(names[extension] ?? extension);
  encoder.width = first.width;
  encoder.height = first.height;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a video frame
  encoder.pixelFormat = first.format as AVPixelFormat;
  encoder.timeBase = new Rational(1, 25);
  encoder.threadCount = 1;
  using options = Dictionary.fromObject({ strict: "unofficial", qmin: "1", qmax: "1" });
  ok(await encoder.open2(null, options));
  const packet = new Packet();
  packet.alloc();
  ok(await encoder.sendFrame(first));
  await encoder.sendFrame(null);
  ok(await encoder.receivePacket(packet));
  await writeFile(path, packet.data ?? Buffer.alloc(0));
  packet.free();
  first.free();
  encoder.freeContext();
  graph.free();
}

/** A frame of one colour. */
export function solidFrame(
  widthPx: number,
  heightPx: number,
  rgb: readonly [number, number, number],
  timestampSec = 0,
): RgbFrame {
  const data = new Uint8Array(widthPx * heightPx * 3);
  for (let index = 0; index < data.length; index++) data[index] = rgb[index % 3] ?? 0;
  return { data, widthPx, heightPx, timestampSec };
}

/** Labels that differ from pixel to pixel and from seed to seed. */
export function patternLabels(widthPx: number, heightPx: number, seed: number): LabelMap {
  const data = new Uint8Array(widthPx * heightPx);
  for (let index = 0; index < data.length; index++) {
    data[index] = (index * 7 + Math.floor(index / widthPx) * 13 + seed * 31) % 256;
  }
  return { data, widthPx, heightPx };
}

/** The colour at a pixel. */
export function pixelAt(frame: RgbFrame, x: number, y: number): number[] {
  const at = (y * frame.widthPx + x) * 3;
  return [...frame.data.subarray(at, at + 3)];
}

/** The greatest difference between the channels of two colours. */
export function distance(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, index) => Math.abs(value - (b[index] ?? Number.NaN))));
}

/** All frames of a source of frames. */
export async function collect(frames: AsyncIterable<RgbFrame>): Promise<RgbFrame[]> {
  const all: RgbFrame[] = [];
  for await (const frame of frames) all.push(frame);
  return all;
}

/** A folder that is there as long as it is in use. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "clockwork-video-"));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

function ok(code: number): void {
  FFmpegError.throwIfError(code, "making a clip");
}
