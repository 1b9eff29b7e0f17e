// The inference worker: one session on onnxruntime-node, away from the main thread, since its `run` blocks.

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import * as ort from "onnxruntime-node";
import { ClockworkError, reasonOf } from "../../errors.ts";
import type { EngineTensor } from "../engine.ts";
import { OrtSession } from "../ort-session.ts";
import { parseProfile } from "./profile.ts";
import type { Answer, Request, WorkerStart } from "./protocol.ts";

if (parentPort === null) throw new Error("inference worker: expected to be started as a worker thread");
const port = parentPort;
const { model, options } = workerData as WorkerStart;
const traceDir = options.profile === true ? await mkdtemp(join(tmpdir(), "clockwork-profile-")) : undefined;

function answer(message: Answer, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function failed(error: unknown): Answer {
  const code = error instanceof ClockworkError ? error.code : "engine";
  return { kind: "failed", code, message: reasonOf(error) };
}

/** Buffers that can be handed over, each once. */
function buffersOf(tensors: Readonly<Record<string, EngineTensor>>): ArrayBuffer[] {
  return [...new Set(Object.values(tensors).map((tensor) => tensor.data.buffer))];
}

async function handle(session: OrtSession, request: Request): Promise<void> {
  switch (request.kind) {
    case "run": {
      const result = await session.run(request.feeds, request.outputs);
      answer({ kind: "ran", result }, buffersOf(result.outputs));
      return;
    }
    case "read-state": {
      const tensors = session.readState();
      answer({ kind: "state-read", tensors }, buffersOf(tensors));
      return;
    }
    case "write-state":
      session.writeState(request.tensors);
      answer({ kind: "state-written" });
      return;
    case "profile": {
      if (traceDir === undefined)
        throw new ClockworkError("engine", "engine: the session was not opened for profiling");
      session.endProfiling();
      const [file = ""] = await readdir(traceDir);
      answer({ kind: "profiled", timings: parseProfile(await readFile(join(traceDir, file), "utf8")) });
      return;
    }
    case "close":
      await session.release();
      if (traceDir !== undefined) await rm(traceDir, { recursive: true, force: true });
      answer({ kind: "closed" });
      port.close();
  }
}

/** The wanted providers; the runtime itself would leave out unknown ones and go on. */
function providers(): string[] {
  const wanted = [...(options.providers ?? ["cpu"])];
  const known = ort.listSupportedBackends().map(({ name }) => name);
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown === undefined) return wanted;
  throw new ClockworkError(
    "invalid-argument",
    `engine: expected a provider among ${known.join(", ")}, got "${unknown}"`,
  );
}

try {
  const session = await OrtSession.open(ort, model, options, {
    executionProviders: providers(),
    ...(traceDir !== undefined && { enableProfiling: true, profileFilePrefix: join(traceDir, "trace") }),
  });
  // Requests are handled one after the other: state makes their order matter.
  let last = Promise.resolve();
  port.on("message", (request: Request) => {
    last = last.then(() => handle(session, request)).catch((error: unknown) => answer(failed(error)));
  });
  answer({ kind: "opened", inputs: session.inputs, outputs: session.outputs });
} catch (error) {
  answer(failed(error));
  if (traceDir !== undefined) await rm(traceDir, { recursive: true, force: true });
  port.close();
}
