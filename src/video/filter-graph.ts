// A filter graph of FFmpeg with pictures in and one picture out: every conversion of pixels in this folder.
// Not a general graph: each round takes one frame for each input and gives one frame back.

import { avGetPixFmtName, FilterGraph, type FilterContext, type Frame } from "node-av/lib";
import type { AVPixelFormat } from "node-av/constants";
import { ClockworkError } from "../errors.ts";
import { check, isDrained, type Ratio } from "./native.ts";

/** What an input of a graph must know of the frames that will come. */
export interface GraphInput {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly pixelFormat: AVPixelFormat;
  readonly timeBase: Ratio;
  readonly colorSpace?: number;
  readonly colorRange?: number;
}

/** A configured graph; owns native memory until `dispose`. */
export class PictureGraph {
  readonly #graph: FilterGraph;
  readonly #inputs: readonly FilterContext[];
  readonly #output: FilterContext;

  private constructor(graph: FilterGraph, inputs: readonly FilterContext[], output: FilterContext) {
    this.#graph = graph;
    this.#inputs = inputs;
    this.#output = output;
  }

  /**
   * Builds a graph. `description` is in FFmpeg's syntax; its inputs are `[in0]`, `[in1]`, ..., its output `[out]`.
   *
   * @throws {ClockworkError} `invalid-video` where FFmpeg cannot build it.
   */
  static async create(inputs: readonly GraphInput[], description: string): Promise<PictureGraph> {
    const graph = new FilterGraph();
    graph.alloc();
    try {
      const sources = inputs.map((input, index) => {
        const options = [
          `video_size=${input.widthPx}x${input.heightPx}`,
          `pix_fmt=${avGetPixFmtName(input.pixelFormat)}`,
          `time_base=${input.timeBase.num}/${input.timeBase.den}`,
        ];
        if (input.colorSpace !== undefined) options.push(`colorspace=${input.colorSpace}`);
        if (input.colorRange !== undefined) options.push(`range=${input.colorRange}`);
        return `buffer@in${index}=${options.join(":")}[in${index}];`;
      });
      const text = `${sources.join("")}${description};[out]buffersink@out`;
      check(graph.parsePtr(text), `filter graph "${text}"`);
      check(await graph.config(), `filter graph "${text}"`);
      const contexts = inputs.map((_, index) => filterNamed(graph, `buffer@in${index}`));
      return new PictureGraph(graph, contexts, filterNamed(graph, "buffersink@out"));
    } catch (error) {
      graph.free();
      throw error;
    }
  }

  /**
   * Sends one frame into each input and takes one out, on a thread of the pool.
   * The graph takes over what the frames hold, and leaves them empty.
   *
   * @returns false where the graph gave nothing back.
   */
  async run(frames: readonly Frame[], out: Frame): Promise<boolean> {
    for (const [index, frame] of frames.entries()) {
      const input = this.#inputs[index];
      // Without flags this queues the frame and does no work: that comes with the frame that is asked for.
      if (input !== undefined) check(input.buffersrcAddFrameSync(frame), "filter graph input");
    }
    const code = await this.#output.buffersinkGetFrame(out);
    if (isDrained(code)) return false;
    check(code, "filter graph output");
    return true;
  }

  dispose(): void {
    this.#graph.free();
  }
}

function filterNamed(graph: FilterGraph, name: string): FilterContext {
  const context = graph.getFilter(name);
  if (context !== null) return context;
  throw new ClockworkError("invalid-video", `filter graph: expected a filter "${name}", got none`);
}
