// A worker of the writer of streets: renders ranges of frames, and writes them or gives them back.

import { setImmediate } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { ClockworkError, reasonOf } from "../../errors.ts";
import type { StreetAnswer, StreetRange, StreetRequest, StreetStart } from "./protocol.ts";
import { RangeWriter, Streets } from "./range-writer.ts";

if (parentPort === null) throw new Error("street worker: expected to be started as a worker thread");
const port = parentPort;
const { clips, folder } = workerData as StreetStart;
const streets = new Streets(clips);
const writer = folder === undefined ? undefined : new RangeWriter(streets, folder);
let closing = false;
let last = Promise.resolve();

function answer(message: StreetAnswer, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

/** Lets messages in between two frames. */
async function rest(): Promise<void> {
  await setImmediate();
  if (closing) throw new ClockworkError("aborted", "stopped");
}

async function render(range: StreetRange): Promise<void> {
  if (writer !== undefined) {
    await writer.write(range, { onFrame: () => answer({ kind: "frame", frame: undefined }), rest });
    return;
  }
  for (let index = range.from; index < range.to; index++) {
    const { frame } = streets.still(range.clip, index);
    answer({ kind: "frame", frame }, [frame.data.buffer]);
    await rest();
  }
}

async function handle(request: StreetRequest): Promise<void> {
  switch (request.kind) {
    case "render":
      try {
        if (closing) return;
        await render(request.range);
        answer({ kind: "done" });
      } catch (error) {
        const code = error instanceof ClockworkError ? error.code : "engine";
        answer({ kind: "failed", code, message: reasonOf(error) });
      }
      return;
    case "close":
      writer?.dispose();
      answer({ kind: "closed" });
      port.close();
  }
}

port.on("message", (request: StreetRequest) => {
  if (request.kind === "close") closing = true;
  last = last.then(() => handle(request));
});
