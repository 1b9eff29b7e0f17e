// A Hugging Face hub on this machine, as far as downloads go: the description of a model with sizes, LFS checksums and
// git blobs; `resolve`, which serves small files itself and redirects large ones to a second origin, as the real hub does
// to its CDN; ranges, ETags, error codes. It can be told to break in the ways that networks break.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

export interface FakeFile {
  content: Uint8Array;
  /** Kept in LFS, and served by the CDN. */
  readonly lfs?: boolean;
  /** What the hub says the content is, where that is not what it sends. */
  readonly claimed?: Uint8Array;
}

export interface SeenRequest {
  readonly server: "hub" | "cdn";
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

export class FakeHub {
  readonly files: Map<string, FakeFile> = new Map();
  readonly requests: SeenRequest[] = [];
  /** The next bodies from the CDN break off after so many bytes. */
  readonly breakOffAfter: number[] = [];
  /** The next requests to the hub get these statuses. */
  readonly failWith: number[] = [];
  /** A refusal of every request, as the hub words it. */
  refusal: { status: number; code?: string; message?: string } | undefined;
  commit: string = COMMIT;
  private readonly hub: Server = createServer((request, response) => this.answerHub(request, response));
  private readonly cdn: Server = createServer((request, response) => this.answerCdn(request, response));

  async start(): Promise<void> {
    for (const server of [this.hub, this.cdn]) {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
    }
  }

  async stop(): Promise<void> {
    for (const server of [this.hub, this.cdn]) {
      if (!server.listening) continue;
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    }
  }

  get endpoint(): string {
    return originOf(this.hub);
  }

  seen(server: "hub" | "cdn"): SeenRequest[] {
    return this.requests.filter((request) => request.server === server);
  }

  private note(server: "hub" | "cdn", request: IncomingMessage): string {
    const path = decodeURIComponent((request.url ?? "").replace(/\?.*$/, ""));
    this.requests.push({
      server,
      path,
      range: request.headers.range,
      authorization: request.headers.authorization,
    });
    return path;
  }

  private answerHub(request: IncomingMessage, response: ServerResponse): void {
    const path = this.note("hub", request);
    const failure = this.failWith.shift();
    if (failure !== undefined) {
      response.writeHead(failure).end();
      return;
    }
    if (this.refusal !== undefined) {
      if (this.refusal.code !== undefined) response.setHeader("x-error-code", this.refusal.code);
      if (this.refusal.message !== undefined) response.setHeader("x-error-message", this.refusal.message);
      response.writeHead(this.refusal.status).end();
      return;
    }
    if (path.startsWith("/api/models/")) {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(this.description()));
      return;
    }
    const name = /^\/[^/]+\/[^/]+\/resolve\/[^/]+\/(.+)$/.exec(path)?.[1] ?? "";
    const file = this.files.get(name);
    if (file === undefined) {
      response.writeHead(404, { "x-error-code": "EntryNotFound" }).end();
    } else if (file.lfs === true) {
      response.writeHead(302, { location: `${originOf(this.cdn)}/blob/${name}?signature=secret` }).end();
    } else {
      serve(request, response, file.content);
    }
  }

  private answerCdn(request: IncomingMessage, response: ServerResponse): void {
    const file = this.files.get(this.note("cdn", request).replace("/blob/", ""));
    if (file === undefined) response.writeHead(404).end();
    else serve(request, response, file.content, this.breakOffAfter.shift());
  }

  private description(): unknown {
    const siblings = [...this.files].map(([rfilename, file]) => {
      const content = file.claimed ?? file.content;
      const size = content.byteLength;
      if (file.lfs !== true) return { rfilename, size, blobId: gitBlob(content) };
      const sha256 = createHash("sha256").update(content).digest("hex");
      return { rfilename, size, blobId: "f".repeat(40), lfs: { size, sha256, pointerSize: 130 } };
    });
    return { _id: "1", id: "owner/net", sha: this.commit, private: false, gated: false, siblings };
  }
}

function originOf(server: Server): string {
  const address = server.address();
  return typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "http://127.0.0.1:9";
}

function gitBlob(content: Uint8Array): string {
  return createHash("sha1").update(`blob ${content.byteLength}\0`).update(content).digest("hex");
}

function serve(request: IncomingMessage, response: ServerResponse, content: Uint8Array, breakAt?: number): void {
  const etag = `"${createHash("md5").update(content).digest("hex")}"`;
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? Number.NaN);
  const isPartial = Number.isFinite(from) && (request.headers["if-range"] ?? etag) === etag;
  if (isPartial && from >= content.byteLength) {
    response.writeHead(416, { "content-range": `bytes */${content.byteLength}` }).end();
    return;
  }
  const body = isPartial ? content.subarray(from) : content;
  response.writeHead(isPartial ? 206 : 200, {
    etag,
    "accept-ranges": "bytes",
    "content-length": body.byteLength,
    ...(isPartial ? { "content-range": `bytes ${from}-${content.byteLength - 1}/${content.byteLength}` } : {}),
  });
  if (breakAt === undefined) {
    response.end(body);
  } else {
    response.write(body.subarray(0, breakAt), () => setTimeout(() => response.destroy(), 20));
  }
}
