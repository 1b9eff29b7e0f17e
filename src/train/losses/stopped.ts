// Values that a loss looks at and does not send gradients through.

import type { Expressions } from "../../onnx/index.ts";
import { stopGradient } from "../autodiff/stop-gradient.ts";

/** The tensor, without a way back. The engine removes both nodes. */
export function stopped(ops: Expressions, tensor: string): string {
  // The first node is there for its name, which nothing else has.
  const passed = ops.op("Identity", [tensor]);
  return stopGradient(ops.builder, `${passed}/stopped`, passed);
}
