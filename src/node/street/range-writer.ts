// Ranges of streets, rendered and written: what a worker does. Frames that are to be compressed go through an encoder and
// its decoder, in a video of their own that lies in the folder until they are written.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ClockworkError } from "../../errors.ts";
import type { Frame } from "../../frame.ts";
import { FrameVideo, openVideo } from "../../video/index.ts";
import { Street, type StreetFrame, type StreetStill } from "../../video/street/index.ts";
import type { StreetClip } from "./clip.ts";
import { FrameFiles } from "./frame-files.ts";
import type { StreetFolder, StreetRange } from "./protocol.ts";

/** What goes on beside the work. */
export interface Beside {
  /** Called for each frame that is done. */
  readonly onFrame: () => void;
  /** Called between frames; stops the work by throwing. */
  readonly rest: () => Promise<void>;
}

/** Streets of clips, of which the last one is kept: to lay out a town takes longer than a frame. */
export class Streets {
  readonly #clips: readonly StreetClip[];
  #last: { readonly clip: number; readonly street: Street } | undefined;

  constructor(clips: readonly StreetClip[]) {
    this.#clips = clips;
  }

  /** Renders a frame with its motion. */
  frame(clip: number, index: number): StreetFrame {
    return this.#streetOf(clip).frame(index);
  }

  /** Renders a frame without it. */
  still(clip: number, index: number): StreetStill {
    return this.#streetOf(clip).still(index);
  }

  of(clip: number): StreetClip {
    const found = this.#clips[clip];
    if (found !== undefined) return found;
    throw new ClockworkError("invalid-argument", `street: expected a clip below ${this.#clips.length}, got ${clip}`);
  }

  #streetOf(clip: number): Street {
    if (this.#last?.clip !== clip) this.#last = { clip, street: new Street(this.of(clip).street) };
    return this.#last.street;
  }
}

/** Writes ranges of clips into a folder; owns native memory until `dispose`. Calls must not overlap. */
export class RangeWriter {
  readonly #streets: Streets;
  readonly #folder: StreetFolder;
  readonly #files: FrameFiles;

  constructor(streets: Streets, folder: StreetFolder) {
    this.#streets = streets;
    this.#folder = folder;
    this.#files = new FrameFiles(folder);
  }

  /**
   * Renders and writes the frames of a range that are to be written.
   *
   * @throws {ClockworkError} `io` where something cannot be written; what `rest` throws
   */
  async write(range: StreetRange, beside: Beside): Promise<void> {
    const { name } = this.#streets.of(range.clip);
    await this.#files.prepare(name);
    if (this.#folder.compress !== undefined) {
      await this.#writeCompressed(range, name, this.#folder.compress, beside);
      return;
    }
    for (let index = range.from; index < range.to; index++) {
      if (index % this.#folder.every !== 0) continue;
      const rendered = this.#render(range.clip, index);
      await this.#files.writeMaps(name, index, rendered);
      await this.#files.writeFrame(name, index, rendered.frame);
      beside.onFrame();
      await beside.rest();
    }
  }

  dispose(): void {
    this.#files.dispose();
  }

  #render(clip: number, index: number): StreetStill | StreetFrame {
    return this.#folder.maps.flow ? this.#streets.frame(clip, index) : this.#streets.still(clip, index);
  }

  /** The encoder sees every frame, also those that are not written: what it does to one depends on those before. */
  async #writeCompressed({ clip, from, to }: StreetRange, name: string, crf: number, beside: Beside): Promise<void> {
    const { fps } = this.#streets.of(clip).street;
    const path = join(this.#folder.path, `${name}.mkv`);
    const video = await FrameVideo.create(path, { frameRate: fps, crf, threads: 1 });
    try {
      for (let index = from; index < to; index++) {
        const rendered = this.#render(clip, index);
        await video.write(rendered.frame);
        if (index % this.#folder.every === 0) await this.#files.writeMaps(name, index, rendered);
        beside.onFrame();
        await beside.rest();
      }
      await video.close();
    } catch (error) {
      await video.abort();
      throw error;
    }
    await this.#writeDecoded(path, { clip, from, to }, name, beside);
    await rm(path, { force: true });
  }

  async #writeDecoded(path: string, { clip, from, to }: StreetRange, name: string, { rest }: Beside): Promise<void> {
    await using reader = await openVideo(path);
    let index = from;
    for await (const frame of reader) {
      if (index % this.#folder.every === 0) {
        await this.#files.writeFrame(name, index, cropped(frame, this.#streets.of(clip).street));
      }
      index++;
      await rest();
    }
    if (index === to) return;
    throw new ClockworkError("invalid-video", `${path}: expected ${to - from} frames, got ${index - from}`);
  }
}

/** A frame without what an encoder added to odd sides. */
function cropped(frame: Frame, size: { readonly widthPx: number; readonly heightPx: number }): Frame {
  const { widthPx, heightPx } = size;
  if (frame.widthPx === widthPx && frame.heightPx === heightPx) return frame;
  const data = new Uint8Array(widthPx * heightPx * 3);
  for (let row = 0; row < heightPx; row++) {
    const start = row * frame.widthPx * 3;
    data.set(frame.data.subarray(start, start + widthPx * 3), row * widthPx * 3);
  }
  return { ...frame, data, widthPx, heightPx };
}
