// A download that is under way, as a file beside its target: `<target>.<etag>.<host>-<process>-<random>.part`. The name
// says which content it is a part of and who writes it, so processes need no lock: each writes to a file of its own, and
// takes over one that nobody writes to any more by renaming it, which only one can. Knows nothing of HTTP.

import { createHash, randomBytes } from "node:crypto";
import { open, readdir, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";

/** A part that this process owns. */
export interface PartFile {
  readonly path: string;
  /** The strong ETag of the content; a part without one cannot be resumed. */
  readonly etag: string | undefined;
  /** What is on disk when the part is taken. */
  readonly sizeBytes: number;
}

/** Of another host nothing is known but when it last wrote. */
const FOREIGN_IDLE_MS = 10 * 60_000;
/** Longer tags are taken for none: file names have a limit. */
const MAX_ETAG_CHARS = 96;
const NO_ETAG = "~";
const NAME = /^([\w-]+|~)\.([0-9a-f]{8})-(\d+)-[0-9a-f]+\.part$/;
const HOST = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);

/** Starts an empty part for `target`. */
export async function createPart(target: string, etag: string | undefined): Promise<PartFile> {
  const kept = etag !== undefined && etag.startsWith('"') && etag.length <= MAX_ETAG_CHARS ? etag : undefined;
  const path = join(dirname(target), partName(basename(target), kept, process.pid));
  await (await open(path, "wx")).close();
  return { path, etag: kept, sizeBytes: 0 };
}

/** Takes over the largest part of `target` that nobody writes to; removes the other ones. */
export async function claimPart(target: string): Promise<PartFile | undefined> {
  let claimed: PartFile | undefined;
  for (const found of (await abandonedParts(target)).sort((a, b) => b.sizeBytes - a.sizeBytes)) {
    if (claimed !== undefined || found.etag === undefined) {
      await discardPart(found);
      continue;
    }
    const path = join(dirname(target), partName(basename(target), found.etag, process.pid));
    try {
      await rename(found.path, path);
      claimed = { ...found, path };
    } catch {
      // Another process was first.
    }
  }
  return claimed;
}

/** Gives a part up so that any later download may resume it; one that cannot be resumed is removed. */
export async function releasePart(part: PartFile, target: string): Promise<void> {
  const sizeBytes = await stat(part.path).then(
    (stats) => stats.size,
    () => 0,
  );
  if (part.etag === undefined || sizeBytes === 0) return await discardPart(part);
  await rename(part.path, join(dirname(target), partName(basename(target), part.etag, 0)));
}

/** Removes a part. */
export async function discardPart(part: PartFile): Promise<void> {
  await rm(part.path, { force: true });
}

/** Process 0 stands for nobody. */
function partName(base: string, etag: string | undefined, pid: number): string {
  const tag = etag === undefined ? NO_ETAG : Buffer.from(etag).toString("base64url");
  return `${base}.${tag}.${HOST}-${pid}-${randomBytes(4).toString("hex")}.part`;
}

async function abandonedParts(target: string): Promise<PartFile[]> {
  const prefix = `${basename(target)}.`;
  const parts: PartFile[] = [];
  for (const name of await readdir(dirname(target))) {
    if (!name.startsWith(prefix)) continue;
    const [, tag, host, pid] = NAME.exec(name.slice(prefix.length)) ?? [];
    if (tag === undefined) continue;
    const path = join(dirname(target), name);
    const stats = await stat(path).catch(() => undefined);
    if (stats === undefined) continue;
    const inUse = host === HOST ? isRunning(Number(pid)) : Date.now() - stats.mtimeMs < FOREIGN_IDLE_MS;
    if (inUse && pid !== "0") continue;
    const etag = tag === NO_ETAG ? undefined : Buffer.from(tag, "base64url").toString();
    parts.push({ path, etag, sizeBytes: stats.size });
  }
  return parts;
}

function isRunning(pid: number): boolean {
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
