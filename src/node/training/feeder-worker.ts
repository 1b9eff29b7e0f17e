// The feeder's worker: batches on demand, decoded and augmented away from the main thread, which the training step needs.

import { parentPort, workerData } from "node:worker_threads";
import * as ort from "onnxruntime-node";
import { OrtSession } from "../../engine/ort-session.ts";
import { ClockworkError, reasonOf, type ErrorCode } from "../../errors.ts";
import { writeModel } from "../../onnx/index.ts";
import { augmentModel } from "../../train/data/index.ts";
import { BatchMaker } from "./batch-maker.ts";
import type { FeederAnswer, FeederRequest, FeederStart } from "./feeder-protocol.ts";

if (parentPort === null) throw new Error("feeder worker: expected to be started as a worker thread");
const port = parentPort;
const start = workerData as FeederStart;
let closing = false;

function answer(message: FeederAnswer, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function told(error: unknown): { readonly code: ErrorCode; readonly message: string } {
  return { code: error instanceof ClockworkError ? error.code : "engine", message: reasonOf(error) };
}

async function handle(session: OrtSession, maker: BatchMaker, request: FeederRequest): Promise<void> {
  switch (request.kind) {
    case "make": {
      if (closing) return;
      try {
        const batch = await maker.make(request.index, () => closing);
        if (batch === undefined) return;
        answer({ kind: "made", batch }, [batch.image.buffer, batch.labels.buffer, batch.labelled.buffer]);
      } catch (error) {
        answer({ kind: "failed", index: request.index, ...told(error) });
      }
      return;
    }
    case "close":
      await session.release();
      answer({ kind: "closed" });
      port.close();
  }
}

try {
  const model = augmentModel(start);
  // One thread: the training step has the others.
  const session = await OrtSession.open(ort, writeModel(model).bytes, { threads: 1 });
  const maker = new BatchMaker(start, session);
  let last = Promise.resolve();
  port.on("message", (request: FeederRequest) => {
    if (request.kind === "close") closing = true;
    last = last.then(() => handle(session, maker, request));
  });
  answer({ kind: "opened" });
} catch (error) {
  answer({ kind: "refused", ...told(error) });
  port.close();
}
