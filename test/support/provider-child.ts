// A process of its own for onnxruntime-node's WebGPU provider: which driver it takes is in the environment, and is read
// when a process starts.

import { fork } from "node:child_process";
import { swiftshader } from "../slow/web/chromium.ts";
import { placementsIn, type Placements } from "../slow/web/placements.ts";

/**
 * Starts a script, sends it a message and waits for its one answer.
 * @param script sends back one message and disconnects; its sessions log to stderr
 * @returns the answer, and where nodes were placed
 * @throws Error where it ends without an answer, with the end of its log
 */
export async function answerOf(
  script: URL,
  message: Readonly<Record<string, unknown>>,
): Promise<{ result: unknown; placements: Placements }> {
  const child = fork(script, {
    env: { ...process.env, VK_ICD_FILENAMES: swiftshader },
    execArgv: [],
    serialization: "advanced",
    silent: true,
  });
  let log = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (log += text));
  child.stdout?.resume();
  const result = await new Promise<unknown>((resolve, reject) => {
    let answer: unknown;
    child.once("message", (given) => (answer = given));
    child.once("error", reject);
    // Closed only when the log is complete.
    child.once("close", (code) => {
      if (answer === undefined) reject(new Error(`the process ended with ${code}: ${log.slice(-2000)}`));
      else resolve(answer);
    });
    child.send({ ...message });
  });
  return { result, placements: placementsIn(log) };
}
