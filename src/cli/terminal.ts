// What the commands say and where: results on standard output, everything else on standard error.

import pc from "picocolors";
import { ClockworkError, reasonOf } from "../errors.ts";

/** Exit codes: wrong use (2) is told apart from failure (1) and from Ctrl-C (130, as shells have it). */
export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Says something on standard error. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Says what the user should know but need not act on. */
export function warn(line: string): void {
  say(`${pc.yellow("warning:")} ${line}`);
}

/** Prints a result on standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Reports an error as users want it, and returns the exit code. Only errors that are bugs show a stack trace. */
export function report(error: unknown): number {
  if (!(error instanceof ClockworkError)) {
    say(`${pc.red("error:")} ${reasonOf(error)} (this is a bug of clockwork; please report it with what follows)`);
    if (error instanceof Error && error.stack !== undefined) say(pc.dim(error.stack));
    return exitCodes.failed;
  }
  if (error.code === "aborted") {
    say("stopped");
    return exitCodes.interrupted;
  }
  say(`${pc.red("error:")} ${error.message}`);
  return error.code === "invalid-argument" || error.code === "invalid-schedule" ? exitCodes.usage : exitCodes.failed;
}
