// What a segmenter holds between two frames, as plain data and as bytes, so that another process can go on from there.
// The network is not in it: only what comes out of one run and goes into the next.
//
// The bytes: "CWSN", a checksum of all that follows, the length of the header (both uint32), the header as JSON, then the
// elements of the tensors in the header's order. All numbers are little-endian, as on every platform of the runtime.

import type { EngineTensor } from "../engine/engine.ts";
import { zeros } from "../engine/ort-session.ts";
import { ClockworkError, reasonOf } from "../errors.ts";
import type { Size } from "../network/index.ts";
import { byteLength, dtypeCode, elementCount, ofBytes, type DType } from "../onnx/index.ts";

/** What a segmenter holds after a frame. Plain data: it can be cloned, and posted to a worker. */
export interface SegmenterSnapshot {
  /** Size of the frames that it belongs to. */
  readonly frame: Size;
  /** Schedule of the compiled network, as text. */
  readonly schedule: string;
  /** Memory of the compiled network, by the input that each tensor goes into. */
  readonly tensors: Readonly<Record<string, EngineTensor>>;
}

const magic = "CWSN";
const version = 1;

/** Where the checksum is, the length of the header, and the header. */
const places = { checksum: 4, headerBytes: 8, header: 12 } as const;

interface Header {
  readonly version: number;
  readonly frame: Size;
  readonly schedule: string;
  readonly tensors: readonly { readonly name: string; readonly dtype: DType; readonly dims: readonly number[] }[];
}

/**
 * A snapshot as bytes, for a file or a message.
 *
 * @example
 * ```ts
 * import { decodeSnapshot, encodeSnapshot } from "clockwork-convnets";
 * const snapshot = { frame: { widthPx: 480, heightPx: 360 }, schedule: "every", tensors: {} };
 * decodeSnapshot(encodeSnapshot(snapshot)).schedule; // "every"
 * ```
 * @throws ClockworkError `invalid-argument` where the elements of a tensor do not fit its type and shape
 */
export function encodeSnapshot({ frame, schedule, tensors }: SegmenterSnapshot): Uint8Array<ArrayBuffer> {
  const named = Object.entries(tensors);
  const header: Header = {
    version,
    frame: { widthPx: frame.widthPx, heightPx: frame.heightPx },
    schedule,
    tensors: named.map(([name, { dtype, dims }]) => ({ name, dtype, dims })),
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const parts = [text, ...named.map(([, { dtype, dims, data }]) => ofBytes(dtype, dims, data).data as Uint8Array)];
  const bytes = new Uint8Array(places.header + parts.reduce((sum, part) => sum + part.length, 0));
  let at: number = places.header;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  bytes.set(new TextEncoder().encode(magic));
  const view = new DataView(bytes.buffer);
  view.setUint32(places.headerBytes, text.length, true);
  view.setUint32(places.checksum, checksum(bytes.subarray(places.headerBytes)), true);
  return bytes;
}

/**
 * The snapshot in bytes that {@link encodeSnapshot} made.
 * @throws ClockworkError `invalid-argument` for anything else, and where bytes are missing or damaged
 */
export function decodeSnapshot(bytes: Uint8Array): SegmenterSnapshot {
  if (bytes.length < places.header || new TextDecoder().decode(bytes.subarray(0, places.checksum)) !== magic) {
    fail("bytes of encodeSnapshot", `${bytes.length} others`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(places.checksum, true) !== checksum(bytes.subarray(places.headerBytes))) {
    fail("whole bytes", `${bytes.length} that miss some or are damaged`);
  }
  const elementsAt = places.header + view.getUint32(places.headerBytes, true);
  const header = headerIn(bytes.subarray(places.header, elementsAt));
  const counts = header.tensors.map(({ dtype, dims }) => byteLength(dtype, elementCount(dims)));
  const total = counts.reduce((sum, count) => sum + count, elementsAt);
  if (total !== bytes.length) fail(`${total} bytes by its header`, `${bytes.length}`);
  let at = elementsAt;
  const tensors = header.tensors.map(({ name, dtype, dims }, index): readonly [string, EngineTensor] => {
    const data = zeros(dtype, dims);
    const end = at + (counts[index] ?? 0);
    new Uint8Array(data.buffer).set(bytes.subarray(at, end));
    at = end;
    return [name, { dtype, dims, data }];
  });
  return { frame: header.frame, schedule: header.schedule, tensors: Object.fromEntries(tensors) };
}

function headerIn(bytes: Uint8Array): Header {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    return fail("a header of JSON", reasonOf(cause), cause);
  }
  const found = header as Partial<Header> | null;
  if (found?.version !== version) fail(`version ${version}`, `version ${String(found?.version)}`);
  if (!isHeader(found)) fail("a header with a frame, a schedule and tensors", "another one");
  return found;
}

function isHeader(header: Partial<Header>): header is Header {
  const { frame, schedule, tensors } = header;
  const isLength = (length: number | undefined): boolean => Number.isInteger(length) && Number(length) >= 0;
  return (
    isLength(frame?.widthPx) &&
    isLength(frame?.heightPx) &&
    typeof schedule === "string" &&
    Array.isArray(tensors) &&
    (tensors as Header["tensors"]).every(
      ({ name, dtype, dims }) =>
        typeof name === "string" && dtypeCode(dtype) !== -1 && Array.isArray(dims) && dims.every(isLength),
    )
  );
}

/** FNV-1a of 32 bits (Fowler, Noll and Vo): a change of any one byte changes it. */
function checksum(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function fail(expected: string, got: string, cause?: unknown): never {
  throw new ClockworkError(
    "invalid-argument",
    `snapshot: expected ${expected}, got ${got}; try starting afresh, without a snapshot`,
    { cause },
  );
}
