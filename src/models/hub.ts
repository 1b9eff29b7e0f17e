// A model of a Hugging Face hub as a folder on disk: listed, fetched once, kept, and used without a network after that.
// Not a client of the hub in general: no uploads, no data sets, no search.
//
// Why not the package `@huggingface/hub` (looked at: 2.17.5): its `downloadFileToCacheDir` starts an interrupted file
// from the beginning, does not check what it received against the hub's SHA-256, writes all processes' downloads to the
// same `.incomplete` file, has no retries, no `AbortSignal` and no progress, and does not open a branch offline. Around
// it, all of this would have to be written anyway.
//
// On disk, below the cache folder: `hub/<host>/<owner>/<name>/<commit>/` holds a commit's files under their own names,
// each whole and checked (`hub-file.ts`), and `.listing.json`, what the hub lists; `refs/<revision>` beside the commits
// says which commit a branch or tag was last seen at. What is under a commit never changes, so nothing is locked.

import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ClockworkError, reasonOf } from "../errors.ts";
import { defaultCacheFolder } from "./cache-folder.ts";
import { type DownloadProgress, fetchHubFile, type HubFile } from "./hub-file.ts";
import { type Attempt, type HubConnection, hubGet, networkFailure, withRetries } from "./hub-request.ts";
import { belongsToModel, chooseOnnx, CONFIG_FILE, externalDataOf, pathInside, PREPROCESSOR_FILE } from "./layout.ts";

/** How to reach a hub, and where to keep what it sends. */
export interface HubOptions {
  /** Folder for downloads; by default `CLOCKWORK_CACHE` or the platform's cache folder. */
  readonly cacheDir?: string;
  /** Address of the hub; by default `HF_ENDPOINT` or https://huggingface.co. */
  readonly endpoint?: string;
  /** Access token, or "" for none; by default `HF_TOKEN`. Sent to the endpoint only. */
  readonly token?: string;
  /** Called as the bytes of a file arrive. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
  /** Which `.onnx` of the model; by default as for a folder. */
  readonly file?: string;
  /** Pause before a failed request is tried again, in milliseconds; four times as long before the last try. */
  readonly retryDelayMs?: number;
}

/** A model of a hub: `hf:owner/name[@revision]`. */
export interface HubModel {
  readonly owner: string;
  readonly name: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

/** A model of a hub, on disk. */
export interface HubSnapshot {
  readonly folder: string;
  /** The `.onnx`, relative to the folder, with `/`. */
  readonly onnxPath: string;
  readonly warnings: readonly string[];
}

/** What a commit holds of a model. */
interface Listing {
  readonly commit: string;
  readonly files: readonly HubFile[];
}

const PREFIX = "hf:";
const COMMIT = /^[0-9a-f]{40}$/;

/** Whether a model is named by its place on a hub. */
export function isHubSpec(spec: string): boolean {
  return spec.startsWith(PREFIX);
}

/** Takes `hf:owner/name[@revision]` apart; the revision is `main` where none is given. */
export function parseHubSpec(spec: string): HubModel {
  const [, owner, name, revision = "main"] = /^hf:([\w.-]+)\/([\w.-]+)(?:@([\w./-]+))?$/.exec(spec) ?? [];
  const isName = (text: string): boolean => /^[A-Za-z0-9_](?!.*\.\.)/.test(text);
  if (owner === undefined || name === undefined || ![owner, name, ...revision.split("/")].every(isName)) {
    throw new ClockworkError(
      "invalid-argument",
      `model: expected hf:owner/name or hf:owner/name@revision, got ${JSON.stringify(spec)}`,
    );
  }
  return { owner, name, revision };
}

/**
 * Brings a model of a hub to the cache folder: its descriptions, one `.onnx` and the external data of that. What is
 * there already is not fetched again; a commit that is there whole needs no network, and where the hub cannot be
 * reached, neither does a branch or tag: the commit seen last is used, with a warning.
 */
export async function downloadModel(spec: string, options: HubOptions = {}): Promise<HubSnapshot> {
  const model = parseHubSpec(spec);
  const hub = connectionOf(options);
  if (options.signal?.aborted === true) throw new ClockworkError("aborted", `${spec}: the download was stopped`);
  const home = join(
    options.cacheDir ?? defaultCacheFolder(),
    "hub",
    hub.endpoint.host.replaceAll(":", "+"),
    model.owner,
    model.name,
  );

  const warnings: string[] = [];
  const known = await knownListing(home, model);
  const isPinned = COMMIT.test(model.revision);
  let listing = isPinned ? known : undefined;
  if (listing === undefined) {
    const answer = await withRetries(hub, () => fetchListing(hub, spec, model));
    if (answer.kind === "done") {
      listing = answer.value;
      await keepListing(home, model, listing);
    } else if (known !== undefined && (await missingFiles(home, known, spec, options.file)).length === 0) {
      listing = known;
      warnings.push(`${answer.error.message}; used commit ${known.commit.slice(0, 8)}, downloaded earlier`);
    } else {
      throw answer.error;
    }
  }

  const folder = join(home, listing.commit);
  for (const file of await missingFiles(home, listing, spec, options.file)) {
    const path = file.path.split("/").map(encodeURIComponent).join("/");
    await fetchHubFile(hub, {
      what: `${spec}: ${file.path}`,
      url: addressOf(hub, `${model.owner}/${model.name}/resolve/${listing.commit}/${path}`),
      file,
      target: targetOf(folder, file.path, spec),
      onProgress: options.onProgress,
    });
  }
  return { folder, onnxPath: onnxOf(listing, spec, options.file), warnings };
}

function connectionOf(options: HubOptions): HubConnection {
  const endpoint = options.endpoint ?? (process.env["HF_ENDPOINT"] || "https://huggingface.co");
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw new ClockworkError("invalid-argument", `endpoint: expected the http(s) address of a hub, got ${endpoint}`);
  }
  return {
    endpoint: new URL(endpoint),
    token: (options.token ?? process.env["HF_TOKEN"]) || undefined,
    signal: options.signal,
    retryDelayMs: options.retryDelayMs ?? 500,
  };
}

function addressOf(hub: HubConnection, path: string): URL {
  return new URL(`${hub.endpoint.pathname.replace(/\/$/, "")}/${path}`, hub.endpoint);
}

function onnxOf(listing: Listing, spec: string, file: string | undefined): string {
  return chooseOnnx(
    spec,
    listing.files.map(({ path }) => path),
    file,
  );
}

function targetOf(folder: string, path: string, spec: string): string {
  const target = pathInside(folder, path);
  if (target !== undefined) return target;
  throw new ClockworkError(
    "download",
    `${spec}: refused the file name ${JSON.stringify(path)}, which leaves its folder`,
  );
}

/** The files that the model needs and that are not on disk yet, the small ones first. */
async function missingFiles(
  home: string,
  listing: Listing,
  spec: string,
  file: string | undefined,
): Promise<readonly HubFile[]> {
  const onnxPath = onnxOf(listing, spec, file);
  const data = externalDataOf(
    onnxPath,
    listing.files.map(({ path }) => path),
  );
  const wanted = new Set([CONFIG_FILE, PREPROCESSOR_FILE, onnxPath, ...data]);
  const missing: HubFile[] = [];
  for (const entry of listing.files) {
    if (!wanted.has(entry.path)) continue;
    const stats = await stat(targetOf(join(home, listing.commit), entry.path, spec)).catch(() => undefined);
    if (stats === undefined || stats.size !== (entry.sizeBytes ?? stats.size)) missing.push(entry);
  }
  return missing.sort((a, b) => (a.sizeBytes ?? 0) - (b.sizeBytes ?? 0));
}

async function fetchListing(hub: HubConnection, spec: string, model: HubModel): Promise<Attempt<Listing>> {
  const revision = encodeURIComponent(model.revision);
  const url = addressOf(hub, `api/models/${model.owner}/${model.name}/revision/${revision}?blobs=true`);
  const answer = await hubGet(hub, spec, url);
  if (answer.kind === "again") return answer;
  let text: string;
  try {
    text = await answer.value.text();
  } catch (cause) {
    return networkFailure(hub, spec, cause);
  }
  const listing = listingFrom(text);
  if (listing !== undefined) return { kind: "done", value: listing };
  throw new ClockworkError(
    "download",
    `${spec}: ${hub.endpoint.host} answered with something that is no list of files`,
  );
}

/** Reads the hub's description of a model: `{ sha, siblings: [{ rfilename, size, blobId, lfs }] }`. */
function listingFrom(text: string): Listing | undefined {
  const json = fieldsOf(jsonOrNothing(text));
  const { sha, siblings } = json;
  if (typeof sha !== "string" || !COMMIT.test(sha) || !Array.isArray(siblings)) return undefined;
  const files: HubFile[] = [];
  for (const sibling of siblings) {
    const { rfilename, size, blobId, lfs } = fieldsOf(sibling);
    if (typeof rfilename !== "string") return undefined;
    if (!belongsToModel(rfilename)) continue;
    const { sha256, size: lfsSize } = fieldsOf(lfs);
    const sizeBytes = [lfsSize, size].find((value): value is number => typeof value === "number");
    files.push({ path: rfilename, sizeBytes, checksum: checksumOf(sha256, lfs ? undefined : blobId) });
  }
  return { commit: sha, files };
}

function checksumOf(sha256: unknown, blobId: unknown): HubFile["checksum"] {
  if (typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256)) return { kind: "sha256", hex: sha256 };
  if (typeof blobId === "string" && COMMIT.test(blobId)) return { kind: "git-blob", hex: blobId };
  return undefined;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function listingPath(home: string, commit: string): string {
  return join(home, commit, ".listing.json");
}

function refPath(home: string, model: HubModel): string {
  return join(home, "refs", encodeURIComponent(model.revision));
}

/** The listing kept from an earlier download; a damaged one counts as none. */
async function knownListing(home: string, model: HubModel): Promise<Listing | undefined> {
  const commit = COMMIT.test(model.revision) ? model.revision : (await readText(refPath(home, model))).trim();
  if (!COMMIT.test(commit)) return undefined;
  const listing = listingFrom(await readText(listingPath(home, commit)));
  return listing?.commit === commit ? listing : undefined;
}

/** In the hub's own form, so that one function reads both. */
async function keepListing(home: string, model: HubModel, { commit, files }: Listing): Promise<void> {
  const siblings = files.map(({ path, sizeBytes, checksum }) => ({
    rfilename: path,
    size: sizeBytes,
    ...(checksum?.kind === "sha256" ? { lfs: { sha256: checksum.hex, size: sizeBytes } } : { blobId: checksum?.hex }),
  }));
  await replaceText(listingPath(home, commit), JSON.stringify({ sha: commit, siblings }));
  if (!COMMIT.test(model.revision)) await replaceText(refPath(home, model), commit);
}

async function readText(path: string): Promise<string> {
  return await readFile(path, "utf8").catch(() => "");
}

/** Other processes see the old content or the new, never a half. */
async function replaceText(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(4).toString("hex")}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(draft, text);
    await rename(draft, path);
  } catch (cause) {
    throw new ClockworkError("io", `${path}: cannot be written: ${reasonOf(cause)}`, { cause });
  }
}
