// Where coded pictures come from: one interface for containers and for folders of images.
// Knows nothing of decoding.

import type { CodecParameters, Packet } from "node-av/lib";
import type { Orientation } from "./orientation.ts";
import type { Ratio } from "./native.ts";

/** What can be said of a source before a picture is decoded. */
export interface SourceFacts {
  readonly timeBase: Ratio;
  /** First timestamp of the stream, in `timeBase`; undefined where it is not known. */
  readonly startPts: bigint | undefined;
  /** Frames a second, on average. */
  readonly frameRate: number;
  readonly durationSec: number | undefined;
  readonly frameCountEstimate: number | undefined;
  readonly hasAudio: boolean;
  readonly container: string;
  /** How the stream asks its pictures to be turned. */
  readonly orientation: Orientation;
  /** File names by index, for sources made of image files. */
  readonly names: readonly string[] | undefined;
}

/** Gives coded pictures one by one. Calls must not overlap, except `interrupt`. */
export interface PacketSource {
  readonly facts: SourceFacts;
  /**
   * Fills `packet` with the next coded picture.
   *
   * @returns what to decode it with (the same object as long as that does not change); undefined at the end.
   */
  read(packet: Packet): Promise<CodecParameters | undefined>;
  /** Sentences about what went wrong in reading, so far. */
  readonly warnings: readonly string[];
  /** Makes a `read` that is under way return soon. */
  interrupt(): void;
  close(): Promise<void>;
}
