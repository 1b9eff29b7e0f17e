// The files of a street's frames, in the `folder` layout of datasets and with what is known of them besides.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ClockworkError, reasonOf } from "../../errors.ts";
import type { Frame } from "../../frame.ts";
import { encodeDepth, encodeFlow, paletteFor, PngEncoder } from "../../video/index.ts";
import { streetClasses, type StreetFrame, type StreetStill } from "../../video/street/index.ts";
import type { StreetFolder } from "./protocol.ts";

/** Folders of a dataset, by what is in them. */
export const streetFolders = {
  frames: "frames",
  labels: "labels",
  flow: "flow",
  occlusion: "occlusion",
  depth: "depth",
  instances: "instances",
} as const;

/** The folders that will be written into, but for those of each clip. */
export function foldersOf({ maps }: StreetFolder): readonly (keyof typeof streetFolders)[] {
  return [
    "frames",
    "labels",
    ...(maps.flow ? (["flow", "occlusion"] as const) : []),
    ...(maps.depth ? (["depth"] as const) : []),
    ...(maps.instances ? (["instances"] as const) : []),
  ];
}

/** Writes frames of clips into a folder; owns native memory until `dispose`. Calls must not overlap. */
export class FrameFiles {
  readonly #folder: StreetFolder;
  readonly #frames = new PngEncoder("rgb", { fast: true });
  readonly #labels = new PngEncoder("indexed", {
    palette: paletteFor(streetClasses, streetClasses.length),
    fast: true,
  });
  readonly #masks = new PngEncoder("gray", { fast: true });
  readonly #instances = new PngEncoder("gray16", { fast: true });

  constructor(folder: StreetFolder) {
    this.#folder = folder;
  }

  /**
   * Makes the folders of a clip.
   * @throws {ClockworkError} `io` where they cannot be made
   */
  async prepare(clip: string): Promise<void> {
    for (const kind of foldersOf(this.#folder)) {
      const path = join(this.#folder.path, streetFolders[kind], this.#clipFolder(clip));
      await mkdir(path, { recursive: true }).catch((cause: unknown) => {
        throw unwritten(path, cause);
      });
    }
  }

  /**
   * Writes the picture of a frame.
   * @throws {ClockworkError} `io` where it cannot be written
   */
  async writeFrame(clip: string, index: number, frame: Frame): Promise<void> {
    await this.#write("frames", clip, `${nameOf(index)}.png`, await this.#frames.encode(frame));
  }

  /**
   * Writes everything of a frame but its picture; its motion where it has any.
   * @throws {ClockworkError} `io` where it cannot be written
   */
  async writeMaps(clip: string, index: number, rendered: StreetStill | StreetFrame): Promise<void> {
    const { labels, depth, instances } = rendered;
    const { widthPx, heightPx } = labels;
    const { maps } = this.#folder;
    const name = nameOf(index);
    await this.#write("labels", clip, `${name}.png`, await this.#labels.encode(labels));
    if (maps.flow && "flow" in rendered) {
      const { flow, occluded } = rendered;
      await this.#write("flow", clip, `${name}.flo`, encodeFlow({ data: flow, widthPx, heightPx }));
      const mask = { data: occluded.map((isHidden) => 255 * isHidden), widthPx, heightPx };
      await this.#write("occlusion", clip, `${name}.png`, await this.#masks.encode(mask));
    }
    if (maps.depth) {
      await this.#write("depth", clip, `${name}.pfm`, encodeDepth({ data: depth, widthPx, heightPx }));
    }
    if (maps.instances) {
      const picture = { data: instances, widthPx, heightPx };
      await this.#write("instances", clip, `${name}.png`, await this.#instances.encode(picture));
    }
  }

  dispose(): void {
    for (const encoder of [this.#frames, this.#labels, this.#masks, this.#instances]) encoder.dispose();
  }

  async #write(kind: keyof typeof streetFolders, clip: string, name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.#folder.path, streetFolders[kind], this.#clipFolder(clip), name);
    await writeFile(path, bytes).catch((cause: unknown) => {
      throw unwritten(path, cause);
    });
  }

  #clipFolder(clip: string): string {
    return this.#folder.subfolders ? clip : "";
  }
}

/** Name of a frame's files, without their extensions. */
function nameOf(index: number): string {
  return String(index).padStart(6, "0");
}

function unwritten(path: string, cause: unknown): ClockworkError {
  return new ClockworkError("io", `${path}: expected a file that can be written (${reasonOf(cause)})`, { cause });
}
