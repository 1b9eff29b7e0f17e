// The `clockwork` command: parses, dispatches, reports. What it does is in the other files of this folder.

import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { compileCommand } from "./compile.ts";
import { convertCommand } from "./convert.ts";
import { datasetsCommand } from "./datasets.ts";
import { demoCommand } from "./demo.ts";
import { evaluateCommand } from "./evaluate.ts";
import { inspectCommand } from "./inspect.ts";
import { segmentCommand } from "./segment.ts";
import { streetCommand } from "./street.ts";
import { exitCodes, report, say } from "./terminal.ts";
import { trainCommand } from "./train.ts";
import { tuneCommand } from "./tune.ts";

/** Runs the command line and returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const stop = new AbortController();
  const onSignal = (): void => {
    // A second Ctrl-C does not wait for anything.
    // Nor for JavaScript to take its workers down, which the engine does not survive in the middle of a run.
    if (stop.signal.aborted) {
      process.off("SIGINT", onSignal);
      process.kill(process.pid, "SIGINT");
      return;
    }
    say("\nstopping (once more to stop at once)");
    stop.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  // A reader that has enough (`| head`) is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(exitCodes.done);
    throw error;
  });
  // Nobody reads what is said any more (`2>&1 | head`): the work itself goes on.
  process.stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  const program = new Command("clockwork")
    .description(
      "Fast video segmentation from any segmentation network (ONNX):\ndeep stages of the network fire less often than shallow ones.",
    )
    .version(version(), "-v, --version", "print the version")
    .helpOption("-h, --help", "show help; each command has its own")
    .showHelpAfterError("(add --help for the flags)")
    .exitOverride()
    .addHelpText(
      "after",
      `
Start here:
  clockwork demo                                                    see it work, in a minute
  clockwork inspect my-model                                        how would it be cut?
  clockwork segment street.mp4 --model my-model --output out.mp4    segment a video
  clockwork tune street.mp4 --model my-model --budget 0.5           which clock for this footage?
  clockwork evaluate camvid/ --model my-model --report report/      accuracy against cost

Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted.`,
    );
  for (const command of [
    demoCommand,
    segmentCommand,
    evaluateCommand,
    tuneCommand,
    inspectCommand,
    compileCommand,
    trainCommand,
    convertCommand,
    datasetsCommand,
    streetCommand,
  ]) {
    program.addCommand(command(stop.signal).exitOverride().showHelpAfterError("(add --help for the flags)"));
  }
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCodes.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    return report(error);
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

function version(): string {
  const file = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(file) as { version: string }).version;
}
