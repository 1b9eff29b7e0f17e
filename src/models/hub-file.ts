// One file of a hub, brought to its place on disk: resumed where an earlier download stopped, checked, and only then
// given its name. Which files, and where they go, is decided elsewhere.

import { createHash, type Hash } from "node:crypto";
import { mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { ClockworkError, reasonOf } from "../errors.ts";
import { again, type Attempt, type HubConnection, hubGet, networkFailure, withRetries } from "./hub-request.ts";
import { claimPart, createPart, discardPart, type PartFile, releasePart } from "./part-file.ts";

/** A file as the hub lists it. */
export interface HubFile {
  /** Relative to the repository's root, with `/`. */
  readonly path: string;
  readonly sizeBytes: number | undefined;
  /** LFS files are known by the SHA-256 of their content, small ones by the SHA-1 of their git blob. */
  readonly checksum: { readonly kind: "sha256" | "git-blob"; readonly hex: string } | undefined;
}

/** How far the download of one file is. */
export interface DownloadProgress {
  /** Relative to the model's folder. */
  readonly file: string;
  readonly receivedBytes: number;
  readonly totalBytes?: number;
}

/** What to fetch, and where to. */
export interface FileDownload {
  /** Names the file in messages. */
  readonly what: string;
  readonly url: URL;
  readonly file: HubFile;
  readonly target: string;
  readonly onProgress: ((progress: DownloadProgress) => void) | undefined;
}

/** Fetches a file. On return it lies at `target`, whole and checked; on failure nothing does. */
export async function fetchHubFile(hub: HubConnection, download: FileDownload): Promise<void> {
  // The part under way lives across tries, so that each goes on where the one before stopped.
  const state: { part: PartFile | undefined } = { part: undefined };
  try {
    await mkdir(dirname(download.target), { recursive: true });
    state.part = await claimPart(download.target);
    const outcome = await withRetries(hub, () => fetchOnce(hub, download, state));
    if (outcome.kind === "again") throw outcome.error;
  } catch (cause) {
    if (!(cause instanceof Error && "syscall" in cause)) throw cause;
    throw new ClockworkError("io", `${download.target}: cannot be written: ${reasonOf(cause)}`, { cause });
  } finally {
    if (state.part !== undefined) await releasePart(state.part, download.target).catch(() => undefined);
  }
}

async function fetchOnce(
  hub: HubConnection,
  download: FileDownload,
  state: { part: PartFile | undefined },
): Promise<Attempt<undefined>> {
  const { what, url, file } = download;
  const drop = async (): Promise<void> => {
    if (state.part !== undefined) await discardPart(state.part);
    state.part = undefined;
  };
  if (state.part !== undefined) {
    const { size } = await stat(state.part.path);
    if (size === 0 || state.part.etag === undefined || size > (file.sizeBytes ?? Infinity)) await drop();
    else state.part = { ...state.part, sizeBytes: size };
  }
  const resumed = state.part !== undefined;
  if (state.part === undefined || state.part.sizeBytes !== file.sizeBytes) {
    const answer = await hubGet(hub, what, url, { "accept-encoding": "identity", ...rangeOf(state.part) });
    if (answer.kind === "again") return answer;
    const response = answer.value;
    if (response.status !== 206 || startOf(response) !== state.part?.sizeBytes) await drop();
    if (response.status !== 200 && state.part === undefined) {
      await response.body?.cancel();
      const message = `${what}: ${hub.endpoint.host} answered ${response.status}, which does not fit the range asked for`;
      if (resumed) return again(message);
      throw new ClockworkError("download", message);
    }
    state.part ??= await createPart(download.target, response.headers.get("etag") ?? undefined);
    const failure = await receive(hub, download, response, state.part);
    if (failure !== undefined) return failure;
  }

  const part = state.part;
  const fault = await faultOf(part.path, file);
  if (fault !== undefined) {
    await drop();
    const message = `${what}: ${fault}; the file was removed`;
    if (resumed) return again(message);
    throw new ClockworkError("download", message);
  }
  await moveIntoPlace(part.path, download.target);
  state.part = undefined;
  return { kind: "done", value: undefined };
}

function rangeOf(part: PartFile | undefined): Readonly<Record<string, string>> {
  if (part?.etag === undefined) return {};
  return { range: `bytes=${part.sizeBytes}-`, "if-range": part.etag };
}

/** The first byte that a partial response brings. */
function startOf(response: Response): number | undefined {
  const start = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  return start === undefined ? undefined : Number(start);
}

/** Appends a response's body to the part; a failure of the network is returned, one of the disk is thrown. */
async function receive(
  hub: HubConnection,
  { what, file, onProgress }: FileDownload,
  response: Response,
  part: PartFile,
): Promise<Attempt<never> | undefined> {
  const reader = response.body?.getReader();
  const handle = await open(part.path, "r+");
  let position = part.sizeBytes;
  const total = file.sizeBytes === undefined ? {} : { totalBytes: file.sizeBytes };
  try {
    for (;;) {
      let chunk: Uint8Array | undefined;
      try {
        chunk = (await reader?.read())?.value;
      } catch (cause) {
        return networkFailure(hub, what, cause);
      }
      if (chunk === undefined) break;
      for (let sent = 0; sent < chunk.byteLength;) {
        const { bytesWritten } = await handle.write(chunk, sent, chunk.byteLength - sent, position);
        sent += bytesWritten;
        position += bytesWritten;
      }
      onProgress?.({ file: file.path, receivedBytes: position, ...total });
      if (position > (file.sizeBytes ?? Infinity)) break;
    }
    await handle.sync();
  } finally {
    await reader?.cancel().catch(() => undefined);
    await handle.close();
  }
  const isShort = file.sizeBytes !== undefined && position < file.sizeBytes;
  return isShort ? again(`${what}: the connection closed after ${position} of ${file.sizeBytes} bytes`) : undefined;
}

/** What is wrong with a received file, in words. */
async function faultOf(path: string, file: HubFile): Promise<string | undefined> {
  const { size } = await stat(path);
  if (file.sizeBytes !== undefined && size !== file.sizeBytes) {
    return `expected ${file.sizeBytes} bytes, received ${size}`;
  }
  if (file.checksum === undefined) return undefined;
  const got = await digestOf(path, size, file.checksum.kind);
  return got === file.checksum.hex
    ? undefined
    : `expected the ${file.checksum.kind === "sha256" ? "SHA-256" : "git"} checksum ${file.checksum.hex}, got ${got}`;
}

async function digestOf(path: string, size: number, kind: "sha256" | "git-blob"): Promise<string> {
  const hash: Hash = kind === "sha256" ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
  const handle = await open(path, "r");
  try {
    const buffer = new Uint8Array(1 << 20);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, null);
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

/** Where another process was first, its file is as good as ours. */
async function moveIntoPlace(part: string, target: string): Promise<void> {
  const { size } = await stat(part);
  try {
    await rename(part, target);
  } catch (cause) {
    const other = await stat(target).catch(() => undefined);
    if (other?.size !== size) throw cause;
    await discardPart({ path: part, etag: undefined, sizeBytes: size });
  }
}
