// Ways to run a network over frames, each as a burst of frames that can be timed.
// Bursts, since a session's threads go to sleep between runs that are far apart; pauses around them, since they spin on
// for a while after a run and would steal time from the next contestant.

import { setTimeout as sleep } from "node:timers/promises";
import * as ort from "onnxruntime-node";
import { parseSchedule } from "../src/clocks/index.ts";
import { compile } from "../src/compile/index.ts";
import { nodeEngine } from "../src/engine/node/engine.ts";
import type { Frame } from "../src/frame.ts";
import { fitNetwork, type Size } from "../src/network/index.ts";
import { tensorsReadBy, tensorValue, writeModel, type Model, type Node } from "../src/onnx/index.ts";
import { Segmenter } from "../src/segment/index.ts";
import { planOf } from "../src/stages/index.ts";
import type { Subject } from "./material.ts";
import type { Contestant } from "./stopwatch.ts";

/** Milliseconds after which the threads of an idle session sleep. */
const spinMs = 30;

/** Something to time that has to be closed. */
export interface Runner extends AsyncDisposable {
  /** One burst. */
  readonly run: Contestant;
}

/** ONNX Runtime alone: the network as it is, on an image that is ready, on the main thread. */
export async function bare(subject: Subject, size: Size, burst: number): Promise<Runner> {
  const dims = [1, 3, size.heightPx, size.widthPx];
  const image = new ort.Tensor("float32", noise(dims), dims);
  return session(subject.model, { image }, burst);
}

/**
 * This package: frames in, labels out, through the runtime and its worker. One video: each burst goes on with it.
 * @param frames the frames of a burst
 */
export async function segmenter(
  subject: Subject,
  clock: string,
  frames: readonly Frame[],
  stages?: number,
): Promise<Runner> {
  const made = new Segmenter({
    ...subject,
    engine: nodeEngine,
    schedule: parseSchedule(clock),
    size: "native",
    stages,
  });
  let release: () => void = () => {};
  const state = { closed: false };
  // Frames come a burst at a time, so that nothing is worked on while another contestant is timed.
  const bursts = async function* (): AsyncGenerator<Frame> {
    while (!state.closed) {
      await new Promise<void>((resolve) => (release = resolve));
      if (!state.closed) yield* frames;
    }
  };
  const results = made.segment(bursts());
  return {
    run: async () => {
      // The first pull starts the source, which then waits to be released.
      const first = results.next();
      await sleep(0);
      release();
      await first;
      for (let frame = 1; frame < frames.length; frame++) await results.next();
    },
    [Symbol.asyncDispose]: async () => {
      state.closed = true;
      release();
      await results.return();
      await made[Symbol.asyncDispose]();
    },
  };
}

/** ONNX Runtime alone on exactly what a held frame has to run: the compiled graph without clock and resting stages. */
export async function heldNodes(subject: Subject, size: Size, burst: number): Promise<Runner> {
  const network = await fitNetwork(subject.model, { size, engine: nodeEngine });
  const plan = planOf(network, { stages: 2 });
  const { model } = compile(network, plan, {
    io: "frames",
    schedule: parseSchedule("fixed:2"),
    preprocessing: subject.preprocessing,
  });
  const kept: Node[] = [];
  const needed = new Set(["labels"]);
  for (const node of [...model.graph.nodes].reverse()) {
    if (node.op === "If" || !node.outputs.some((name) => needed.has(name))) continue;
    kept.unshift(node);
    for (const name of tensorsReadBy(node)) needed.add(name);
  }
  const held = model.graph.nodes
    .filter((node) => node.op === "If")
    .flatMap((node) => node.outputs.filter((name) => needed.has(name)));
  const values = held.map((name) => tensorValue(name, network.dtypeOf(name) ?? "float32", network.shapeOf(name)));
  const frame = model.graph.inputs.filter((input) => input.name === "frame");
  const rest: Model = {
    ...model,
    graph: { ...model.graph, nodes: kept, inputs: [...frame, ...values], outputs: model.graph.outputs.slice(0, 1) },
  };
  const feeds: Record<string, ort.Tensor> = {
    frame: new ort.Tensor("uint8", new Uint8Array(size.widthPx * size.heightPx * 3).fill(100), [
      size.heightPx,
      size.widthPx,
      3,
    ]),
  };
  for (const name of held) {
    const dims = network.shapeOf(name) ?? [];
    feeds[name] = new ort.Tensor("float32", noise(dims), dims);
  }
  return session(rest, feeds, burst);
}

async function session(model: Model, feeds: Readonly<Record<string, ort.Tensor>>, burst: number): Promise<Runner> {
  const opened = await ort.InferenceSession.create(writeModel(model).bytes, { logSeverityLevel: 3 });
  return {
    run: async () => {
      for (let frame = 0; frame < burst; frame++) await opened.run(feeds);
    },
    [Symbol.asyncDispose]: () => opened.release(),
  };
}

/** A contestant that waits for the others' threads to sleep before each burst; the wait is not timed. */
export function rested(): Promise<void> {
  return sleep(spinMs);
}

function noise(dims: readonly number[]): Float32Array<ArrayBuffer> {
  const count = dims.reduce((product, dim) => product * dim, 1);
  return Float32Array.from({ length: count }, (_, at) => Math.sin(at * 0.37) + Math.sin(at * 0.0011));
}
