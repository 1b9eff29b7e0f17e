import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  downloadModel,
  type DownloadProgress,
  type HubOptions,
  openModel,
  parseHubSpec,
} from "../../src/models/index.ts";
import { COMMIT, FakeHub } from "./fake-hub.ts";

const SPEC = "hf:owner/net";
const NETWORK = bytes(300_000, 1);

let hub: FakeHub;
let cacheDir: string;
let options: HubOptions;

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), "clockwork-hub-"));
  hub = new FakeHub();
  hub.files.set("README.md", { content: text("not wanted") });
  hub.files.set("config.json", { content: text('{ "id2label": { "0": "road", "1": "car" } }') });
  hub.files.set("preprocessor_config.json", { content: text('{ "do_resize": false, "do_normalize": false }') });
  hub.files.set("onnx/model.onnx", { content: NETWORK, lfs: true });
  hub.files.set("onnx/model.onnx_data", { content: bytes(50_000, 2), lfs: true });
  hub.files.set("onnx/model_fp16.onnx", { content: bytes(1000, 3), lfs: true });
  await hub.start();
  options = { cacheDir, endpoint: hub.endpoint, token: "", retryDelayMs: 1 };
});

afterEach(async () => {
  await hub.stop();
  await rm(cacheDir, { recursive: true });
});

/** Bytes that differ from place to place and from seed to seed. */
function bytes(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * 7 + seed * 101) & 255);
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

/** Files of the cache with their paths in it, in order. */
function cached(): string[] {
  const names = readdirSync(cacheDir, { recursive: true, encoding: "utf8" });
  return names.map((name) => name.split("\\").join("/")).filter((name) => /\.(?:onnx|json|onnx_data|part)$/.test(name));
}

function partsLeft(): string[] {
  return cached().filter((name) => name.endsWith(".part"));
}

function bodyRequests(path = "/blob/onnx/model.onnx"): (string | undefined)[] {
  return hub.requests.filter((request) => request.path === path).map((request) => request.range);
}

describe("downloading a model", () => {
  test("brings the descriptions, the network and its data, and opens them", async () => {
    const progress: DownloadProgress[] = [];
    const model = await openModel(SPEC, { ...options, onProgress: (step) => progress.push(step) });
    expect(model.name).toBe("owner/net");
    expect(Buffer.from(model.bytes).equals(NETWORK)).toBe(true);
    expect(model.readExternal("model.onnx_data")).toHaveLength(50_000);
    expect(model.classNames).toEqual(["road", "car"]);
    expect(model.preprocessing.std).toEqual([1, 1, 1]);
    expect(model.warnings).toEqual([]);
    expect(progress.at(-1)).toEqual({ file: "onnx/model.onnx", receivedBytes: 300_000, totalBytes: 300_000 });
    expect(hub.requests.some(({ path }) => path.includes("README") || path.includes("fp16"))).toBe(false);
    expect(partsLeft()).toEqual([]);
  });

  test("opens another file of the model", async () => {
    const model = await openModel(SPEC, { ...options, file: "model_fp16.onnx" });
    expect(model.bytes).toHaveLength(1000);
    expect(bodyRequests()).toEqual([]);
  });

  test("needs no network for a commit that is there, and says so for a branch", async () => {
    await downloadModel(SPEC, options);
    const asked = hub.requests.length;
    expect((await downloadModel(`${SPEC}@${COMMIT}`, options)).warnings).toEqual([]);
    expect(hub.requests).toHaveLength(asked);
    await hub.stop();
    const { warnings } = await downloadModel(SPEC, options);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/cannot be reached.*used commit 01234567, downloaded earlier/);
    await expect(downloadModel(SPEC, { ...options, file: "model_fp16.onnx" })).rejects.toMatchObject({
      code: "download",
    });
  });

  test("asks for a branch again and fetches its new commit", async () => {
    await downloadModel(SPEC, options);
    await downloadModel(SPEC, options);
    expect(bodyRequests()).toHaveLength(1);
    hub.commit = "b".repeat(40);
    hub.files.set("onnx/model.onnx", { content: bytes(10, 9), lfs: true });
    expect((await openModel(SPEC, options)).bytes).toHaveLength(10);
  });

  test("two downloads at once do not disturb each other", async () => {
    const [first, second] = await Promise.all([openModel(SPEC, options), openModel(SPEC, options)]);
    expect(Buffer.from(first.bytes).equals(NETWORK)).toBe(true);
    expect(Buffer.from(second.bytes).equals(NETWORK)).toBe(true);
    expect(partsLeft()).toEqual([]);
  });
});

describe("a download that breaks off", () => {
  test("goes on from the byte it had within the same call", async () => {
    hub.files.delete("onnx/model.onnx_data");
    hub.breakOffAfter.push(100_000);
    const model = await openModel(SPEC, options);
    expect(Buffer.from(model.bytes).equals(NETWORK)).toBe(true);
    expect(bodyRequests()).toEqual([undefined, "bytes=100000-"]);
  });

  test("goes on from the byte it had in a later call", async () => {
    hub.files.delete("onnx/model.onnx_data");
    hub.breakOffAfter.push(100_000, 50_000, 50_000);
    await expect(openModel(SPEC, options)).rejects.toMatchObject({ code: "download" });
    expect(cached().some((name) => name.endsWith("model.onnx"))).toBe(false);
    expect(partsLeft()).toHaveLength(1);
    const model = await openModel(SPEC, options);
    expect(Buffer.from(model.bytes).equals(NETWORK)).toBe(true);
    expect(bodyRequests()).toEqual([undefined, "bytes=100000-", "bytes=150000-", "bytes=200000-"]);
    expect(partsLeft()).toEqual([]);
  });

  test("starts again where the file has changed meanwhile", async () => {
    hub.files.delete("onnx/model.onnx_data");
    const old = bytes(300_000, 7);
    const file = { content: old, lfs: true, claimed: NETWORK };
    hub.files.set("onnx/model.onnx", file);
    hub.breakOffAfter.push(100_000, 0, 0);
    await expect(openModel(SPEC, options)).rejects.toMatchObject({ code: "download" });
    file.content = NETWORK;
    const model = await openModel(SPEC, options);
    expect(Buffer.from(model.bytes).equals(NETWORK)).toBe(true);
    // One request was enough: it asked for the rest and was sent the whole.
    expect(bodyRequests()).toHaveLength(4);
    expect(bodyRequests().at(-1)).toBe("bytes=100000-");
  });

  test("starts again where what it had was damaged", async () => {
    hub.files.delete("onnx/model.onnx_data");
    hub.breakOffAfter.push(100_000, 0, 0);
    await expect(openModel(SPEC, options)).rejects.toMatchObject({ code: "download" });
    const [part = ""] = partsLeft();
    writeFileSync(join(cacheDir, part), bytes(100_000, 8));
    const model = await openModel(SPEC, options);
    expect(Buffer.from(model.bytes).equals(NETWORK)).toBe(true);
    expect(bodyRequests().slice(3)).toEqual(["bytes=100000-", undefined]);
  });

  test("is tried again after server errors, and given up after three", async () => {
    hub.failWith.push(503, 500);
    await downloadModel(SPEC, options);
    hub.failWith.push(502, 502, 502);
    await expect(downloadModel("hf:owner/other", options)).rejects.toThrow(
      /^hf:owner\/other: 127\.0\.0\.1:\d+ answered 502/,
    );
  });

  test("stops on an abort and keeps what it has", async () => {
    const stop = new AbortController();
    const onProgress = (step: DownloadProgress): void => {
      if (step.file === "onnx/model.onnx") stop.abort();
    };
    hub.breakOffAfter.push(50_000, 100_000);
    await expect(downloadModel(SPEC, { ...options, signal: stop.signal, onProgress })).rejects.toMatchObject({
      code: "aborted",
    });
    expect(partsLeft()).toHaveLength(1);
    await expect(downloadModel(SPEC, { ...options, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "aborted",
    });
  });
});

describe("what is refused", () => {
  test("content that does not have the checksum leaves nothing behind", async () => {
    hub.files.set("onnx/model.onnx", { content: bytes(300_000, 5), lfs: true, claimed: NETWORK });
    await expect(downloadModel(SPEC, options)).rejects.toThrow(/onnx\/model\.onnx: expected the SHA-256 checksum/);
    expect(cached().some((name) => /model\.onnx(?:$|\.)/.test(name))).toBe(false);
  });

  test("a small file is checked as well", async () => {
    hub.files.set("config.json", { content: text("{ }"), claimed: text("[1]") });
    await expect(downloadModel(SPEC, options)).rejects.toThrow(/config\.json: expected the git checksum/);
  });

  test.each([
    [{ status: 401 }, /answered 401: there is no such model, or it is private.*HF_TOKEN/],
    [{ status: 403, code: "GatedRepo", message: "Access is restricted" }, /403 \(Access is restricted\).*terms/],
    [{ status: 404, code: "RepoNotFound" }, /answered 404: there is no such model; check the name/],
    [{ status: 404, code: "RevisionNotFound" }, /answered 404: the model has no such revision/],
  ])("a refusal by the hub says what to do: %o", async (refusal, message) => {
    hub.refusal = refusal;
    const failure = downloadModel(SPEC, options);
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toMatchObject({ code: "download" });
    expect(hub.requests).toHaveLength(1);
  });

  test("a file name that leaves the folder", async () => {
    hub.files.set("onnx/../../../../evil.onnx", { content: bytes(10, 1) });
    hub.files.delete("onnx/model.onnx");
    const failure = downloadModel(SPEC, { ...options, file: "onnx/../../../../evil.onnx" });
    await expect(failure).rejects.toThrow(/refused the file name "onnx\/\.\.\/\.\.\/\.\.\/\.\.\/evil\.onnx"/);
    expect(existsSync(join(cacheDir, "..", "evil.onnx"))).toBe(false);
  });

  test.each(["hf:net", "hf:owner/net@", "hf:../net", "hf:owner/..", "hf:owner/net@../../x", "hf:a/b/c"])(
    "the name %s",
    (spec) => expect(() => parseHubSpec(spec)).toThrow(/expected hf:owner\/name/),
  );

  test("an endpoint that is no address", async () => {
    await expect(downloadModel(SPEC, { ...options, endpoint: "hub" })).rejects.toMatchObject({
      code: "invalid-argument",
    });
  });
});

test("the token goes to the hub and not to where it redirects", async () => {
  await downloadModel(SPEC, { ...options, token: "hf_secret" });
  expect(new Set(hub.seen("hub").map(({ authorization }) => authorization))).toEqual(new Set(["Bearer hf_secret"]));
  expect(new Set(hub.seen("cdn").map(({ authorization }) => authorization))).toEqual(new Set([undefined]));
  const texts = cached().map((name) => readFileSync(join(cacheDir, name), "latin1"));
  expect(texts.some((content) => content.includes("hf_secret"))).toBe(false);
});

test("revisions with slashes", () => {
  expect(parseHubSpec("hf:owner/net.v1@refs/pr/1")).toEqual({ owner: "owner", name: "net.v1", revision: "refs/pr/1" });
});
