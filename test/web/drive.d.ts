import type { Drive, Stream } from "./streams.ts";

/** The part of an ONNX Runtime that is used. */
export interface Runtime {
  readonly InferenceSession: { create(model: Uint8Array, options?: object): Promise<unknown> };
  readonly Tensor: unknown;
}

/**
 * Feeds every frame, the first with `reset`, and the memory that the frame before left.
 * @param options of the session, as ONNX Runtime has them
 */
export function drive(ort: Runtime, stream: Stream, options: object): Promise<Drive>;
