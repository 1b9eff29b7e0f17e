// What a compiled network is fed of the motion that comes with frames. Nothing is remembered here: a frame whose codec
// told nothing, such as an intra picture, stands still with validity 0, which says that nothing is known.

import type { EngineTensor } from "../engine/engine.ts";
import { ClockworkError } from "../errors.ts";
import type { Frame } from "../frame.ts";
import { codecFlow, flowScale, type FlowScale } from "../motion/index.ts";
import type { Size } from "../network/index.ts";
import type { MotionPorts } from "./protocol.ts";

/** Makes the feeds of {@link MotionPorts} for frames of one size. */
export class MotionFeed {
  readonly #ports: MotionPorts;
  readonly #scale: FlowScale;

  constructor(ports: MotionPorts, frame: Size) {
    this.#ports = ports;
    this.#scale = flowScale(frame);
  }

  /**
   * Feeds for a frame.
   * @param restart whether the frame before is of another source: then where things were in it does not matter
   * @throws ClockworkError `invalid-argument` for a frame that carries no list of vectors, not even an empty one
   */
  of(frame: Frame, restart: boolean): Readonly<Record<string, EngineTensor>> {
    const { motion } = frame;
    if (motion === undefined) {
      throw new ClockworkError(
        "invalid-argument",
        "frame: expected motion vectors of its codec, got a frame without; " +
          "try openVideo with motion: true, or motion from the graph (--motion graph)",
      );
    }
    const { flow, valid } = this.#ports;
    const told = codecFlow(restart ? { blocks: new Float32Array() } : motion, frame, this.#scale);
    return {
      [flow.name]: { dtype: "float32", dims: flow.shape, data: told.flow },
      [valid.name]: { dtype: "float32", dims: valid.shape, data: told.valid },
    };
  }
}
