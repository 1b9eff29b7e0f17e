// The one error that this package throws on purpose: a code for programs, a sentence for people.
// Anything else that is thrown is a bug.

/** What kind of thing went wrong; stable, for programs. */
export type ErrorCode =
  /** An argument, flag or option is out of range or of the wrong form. */
  | "invalid-argument"
  /** A file is not an ONNX model, is damaged, or misses its external data. */
  | "invalid-model"
  /** A valid model that cannot be used as a segmentation network here. */
  | "unsupported-model"
  /** The network cannot be cut into the stages that were asked for. */
  | "uncuttable"
  /** A clock or schedule that cannot be parsed, or does not fit the plan. */
  | "invalid-schedule"
  /** Footage is too short, or a network too unsteady, for the promise that was asked for. */
  | "unpromisable"
  /** A source has no video that can be decoded, or an output cannot be encoded. */
  | "invalid-video"
  /** The engine refused a graph or failed while running it. */
  | "engine"
  /** A file cannot be read or written. */
  | "io"
  /** A download failed or does not have the expected checksum. */
  | "download"
  /** The work was stopped by its `AbortSignal`, or used after `dispose`. */
  | "aborted";

/**
 * An error with a stable `code`. Messages read *where: expected X, got Y; try Z*.
 *
 * @example
 * ```ts
 * import { ClockworkError, parseSchedule } from "clockwork-convnets";
 * try {
 *   parseSchedule("fixed:0");
 * } catch (error) {
 *   if (error instanceof ClockworkError) console.error(error.code, error.message);
 * }
 * ```
 */
export class ClockworkError extends Error {
  override readonly name = "ClockworkError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The message of anything that was thrown, for use as the tail of an error of ours. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
