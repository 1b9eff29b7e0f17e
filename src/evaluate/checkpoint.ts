// An evaluation in the middle, as bytes: a JSON header, then binary pieces (held tensors, last labels).

import { ClockworkError } from "../errors.ts";
import type { ConsistencyState } from "../metrics/index.ts";
import type { TallyState } from "./tally.ts";

/** Changes whenever checkpoints of before must not be gone on from: what is in them, or what is counted. */
export const checkpointVersion = 2;

/** What a run needs to go on, besides its tally. */
export interface LaneState {
  /** Held tensors, encoded. */
  readonly snapshot: Uint8Array | undefined;
  /** Labels of the frame before. */
  readonly previous: Uint8Array | undefined;
}

/** One run in the middle. */
export interface RunState {
  readonly tally: TallyState;
  /** By phase of the clock. */
  readonly lanes: readonly LaneState[];
}

/** An evaluation in the middle. */
export interface Checkpoint {
  /** Index of the stretch that comes next or goes on. */
  readonly stretch: number;
  /** Frames of it that are done. */
  readonly place: number;
  /** Frames that are done in all, and those among them that count and have labels. */
  readonly done: number;
  readonly frames: number;
  readonly labelled: number;
  /** Of the true labels; `undefined` where it is not measured. */
  readonly truthConsistency?: ConsistencyState | undefined;
  readonly runs: readonly RunState[];
}

interface Header extends Omit<Checkpoint, "runs"> {
  readonly runs: readonly {
    readonly tally: TallyState;
    /** Bytes of snapshot and labels; `null` where there are none. */
    readonly lanes: readonly { readonly snapshot: number | null; readonly previous: number | null }[];
  }[];
}

const headerBytes = 8;

/** The bytes of a checkpoint. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const pieces: Uint8Array[] = [];
  const size = (bytes: Uint8Array | undefined): number | null => {
    if (bytes === undefined) return null;
    pieces.push(bytes);
    return bytes.length;
  };
  const header: Header = {
    ...checkpoint,
    runs: checkpoint.runs.map(({ tally, lanes }) => ({
      tally,
      lanes: lanes.map(({ snapshot, previous }) => ({ snapshot: size(snapshot), previous: size(previous) })),
    })),
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const all = new Uint8Array(headerBytes + text.length + pieces.reduce((sum, { length }) => sum + length, 0));
  new DataView(all.buffer).setFloat64(0, text.length, true);
  all.set(text, headerBytes);
  let at = headerBytes + text.length;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/**
 * Reads what {@link encodeCheckpoint} wrote.
 * @throws ClockworkError `io` for anything else
 */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const textBytes = view.getFloat64(0, true);
    let at = headerBytes + textBytes;
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(headerBytes, at))) as Header;
    const take = (size: number | null): Uint8Array | undefined => {
      if (size === null) return undefined;
      if (at + size > bytes.length) throw new RangeError("it is cut short");
      at += size;
      return bytes.slice(at - size, at);
    };
    const runs = header.runs.map(({ tally, lanes }) => ({
      tally,
      lanes: lanes.map(({ snapshot, previous }) => ({ snapshot: take(snapshot), previous: take(previous) })),
    }));
    return { ...header, runs };
  } catch (cause) {
    throw new ClockworkError("io", "checkpoint: expected one that an evaluation wrote, got other bytes", { cause });
  }
}
