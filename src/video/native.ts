// What every file here needs from the FFmpeg bindings: return codes turned into errors, logs kept quiet.
// Not an abstraction over FFmpeg: the callers use the bindings themselves.

import { AV_LOG_QUIET, AVERROR_EAGAIN, AVERROR_EOF } from "node-av/constants";
import { FFmpegError, Log } from "node-av/lib";
import { ClockworkError, type ErrorCode } from "../errors.ts";

let quiet = false;

/** Stops FFmpeg from writing to stderr; once a process, so that a level set later by the user stays. */
export function quietLogs(): void {
  if (quiet) return;
  quiet = true;
  Log.setLevel(AV_LOG_QUIET);
}

/** The words of FFmpeg for one of its return codes. */
export function describeCode(code: number): string {
  return FFmpegError.strerror(code);
}

/** True where a call only means "nothing for now" or "nothing any more". */
export function isDrained(code: number): boolean {
  return code === AVERROR_EAGAIN || code === AVERROR_EOF;
}

/**
 * Returns `code` where it is no error.
 *
 * @throws {ClockworkError} `errorCode`, with `doing` and the words of FFmpeg.
 */
export function check(code: number, doing: string, errorCode: ErrorCode = "invalid-video"): number {
  if (code >= 0) return code;
  throw new ClockworkError(errorCode, `${doing}: expected FFmpeg to do it, got "${describeCode(code)}" (${code})`, {
    cause: FFmpegError.fromCode(code) ?? undefined,
  });
}

/** A fraction as FFmpeg keeps them: a time base, a frame rate, the aspect ratio of a pixel. */
export interface Ratio {
  readonly num: number;
  readonly den: number;
}
