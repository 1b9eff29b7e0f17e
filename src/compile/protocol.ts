// What has to be known to drive a compiled network: its in- and outputs and its memory. It is written into the file
// itself, as JSON in the metadata entry `clockwork`, so that any program can read it (docs/compiled-networks.md).

import type { StateLink } from "../engine/engine.ts";
import { ClockworkError, reasonOf } from "../errors.ts";
import type { Size } from "../network/index.ts";
import type { DType, Model } from "../onnx/index.ts";

/** Key of the metadata entry. */
export const metadataKey = "clockwork";

/** Version of the protocol; changes when a driver would have to. */
const version = 1;

/** Whether a compiled network takes frames and gives labels, or keeps the tensors of its source. */
export type Io = "frames" | "tensors";

/** An in- or output of a compiled network. */
export interface PortDescription {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/**
 * Motion that comes from outside, frame by frame: where each cell of a grid over the frame was one frame before. Cells are
 * squares from the upper left corner; what does not fill one at the right and lower edge is left out. What is fed with
 * `reset` does not matter, as long as it is finite.
 */
export interface MotionPorts {
  /**
   * float32 [1, 2, heightCells, widthCells], x and y: from the centre of a cell to where the frame before had what is there
   * now, in halves of what all cells cover: a step of n cells to the right is 2n / widthCells.
   */
  readonly flow: PortDescription;
  /** float32 [1, 1, heightCells, widthCells]: how much of a cell that is known for, 0 to 1; 0 where it leads out. */
  readonly valid: PortDescription;
  /** Edge of a cell in pixels of the frame. */
  readonly cellPx: number;
}

/** A stage, as far as a driver wants to know it. */
export interface StageDescription {
  readonly index: number;
  /** Multiply-accumulates when it fires, those of deeper stages left out. */
  readonly macs: number;
}

/** How to drive a compiled network. */
export interface Protocol {
  readonly version: number;
  readonly io: Io;
  /** The schedule that is compiled in, as text. */
  readonly schedule: string;
  /** Size of the frames that go in. */
  readonly frame: Size;
  /** Size at which the network itself runs. */
  readonly network: Size;
  readonly stages: readonly StageDescription[];
  readonly classNames?: readonly string[];
  /** What to feed on every run besides the memory: the image and `reset`, a bool [1]. */
  readonly inputs: {
    readonly image: PortDescription;
    readonly reset: PortDescription;
    /** Absent where the network needs no motion, or looks for it itself. */
    readonly motion?: MotionPorts;
  };
  /** What comes out besides the memory. */
  readonly outputs: {
    /** Label map, or the outputs of the source. */
    readonly results: readonly PortDescription[];
    /** A bool per stage: whether it fired. */
    readonly fired: PortDescription;
    /** float32 [1]: what the adaptive clock measured; absent without one. */
    readonly signal?: PortDescription;
    /** bool [1]: whether a change of shot was seen; absent where none is looked for. */
    readonly shot?: PortDescription;
    /** Tensors of the inside that were asked for; absent where none were. */
    readonly taps?: readonly PortDescription[];
  };
  /** Memory: each output goes into its input on the next run; zeros before the first. */
  readonly state: readonly StateLink[];
}

/** A protocol without its version, which this module adds. */
export type ProtocolInit = Omit<Protocol, "version">;

/** Adds the version. */
export function protocolOf(init: ProtocolInit): Protocol {
  return { version, ...init };
}

/**
 * The protocol of a compiled network; `undefined` for any other model.
 * @throws ClockworkError `invalid-model` where the entry is of another version or damaged
 */
export function readProtocol(model: Model): Protocol | undefined {
  const text = model.metadata.get(metadataKey);
  if (text === undefined) return undefined;
  try {
    const protocol = JSON.parse(text) as Protocol;
    if (protocol.version !== version) throw new Error(`it has version ${protocol.version}`);
    return protocol;
  } catch (cause) {
    throw new ClockworkError(
      "invalid-model",
      `compiled network: expected metadata "${metadataKey}" of version ${version}: ${reasonOf(cause)}; try compiling it again`,
      { cause },
    );
  }
}
