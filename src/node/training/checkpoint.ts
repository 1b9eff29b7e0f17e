// Checkpoints of a training: all memory of the step and where it stands, in one safetensors file that replaces the one
// before in one go. Whoever kills the process at any moment finds the old one or the new one, whole.

import { createHash } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import type { EngineTensor } from "../../engine/index.ts";
import { ClockworkError, reasonOf } from "../../errors.ts";
import { ofBytes, type Tensor } from "../../onnx/index.ts";
import { readSafetensors, writeSafetensors } from "../../weights/index.ts";

/** Where a training stands. */
export interface Standing {
  /** Updates that were made. */
  readonly step: number;
  /** Best validation so far. */
  readonly best: { readonly step: number; readonly meanIou: number } | undefined;
  /** Validations since the best one. */
  readonly worse: number;
  /** Time spent in training so far. */
  readonly seconds: number;
  /** Digest of what the training follows: another recipe or network cannot go on from here. */
  readonly identity: string;
}

/** A checkpoint. */
export interface Checkpoint {
  readonly standing: Standing;
  /** Memory of the step, by the inputs that it goes into. */
  readonly memory: Readonly<Record<string, EngineTensor>>;
}

const key = "clockwork.training";

/** A digest of what a training follows. */
export function identityOf(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex").slice(0, 32);
}

/** Writes a checkpoint, to the disk and not just to the system's memory. */
export async function writeCheckpoint(path: string, { standing, memory }: Checkpoint): Promise<void> {
  const tensors = new Map(
    Object.entries(memory).map(([name, { dtype, dims, data }]): [string, Tensor] => [name, ofBytes(dtype, dims, data)]),
  );
  const bytes = writeSafetensors(tensors, new Map([[key, JSON.stringify(standing)]]));
  const part = `${path}.part-${process.pid}`;
  try {
    const file = await open(part, "w");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (cause) {
    await rm(part, { force: true }).catch(() => undefined);
    throw new ClockworkError("io", `${path}: expected a file that can be written (${reasonOf(cause)})`, { cause });
  }
}

/**
 * Reads a checkpoint; `undefined` where there is none.
 * @throws ClockworkError `invalid-model` where it is damaged
 */
export async function readCheckpoint(path: string): Promise<Checkpoint | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new ClockworkError("io", `${path}: expected a file that can be read (${reasonOf(cause)})`, { cause });
  }
  const { weights, metadata } = readSafetensors(bytes, path);
  const standing = metadata.get(key);
  if (standing === undefined) {
    throw new ClockworkError("invalid-model", `${path}: expected a checkpoint of a training, got other tensors`);
  }
  const memory = [...weights].map(([name, { dtype, dims, data }]): [string, EngineTensor] => {
    if (dtype !== "float32" || !(data instanceof Uint8Array)) {
      throw new ClockworkError("invalid-model", `${path}: tensor "${name}": expected float32, got ${dtype}`);
    }
    return [name, { dtype, dims, data: new Float32Array(Uint8Array.from(data).buffer) }];
  });
  return { standing: JSON.parse(standing) as Standing, memory: Object.fromEntries(memory) };
}
