import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { defaultCacheFolder, openModel } from "../../src/models/index.ts";
import { parseClassNames } from "../../src/models/class-names.ts";
import { chooseOnnx, externalDataOf, pathInside } from "../../src/models/layout.ts";
import { parseJson } from "../../src/models/json-text.ts";
import { defaultPreprocessing, networkSize } from "../../src/preprocessing.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ESPNET = join(ROOT, "..", "shared", "models", "espnet-camvid");

let folder: string;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "clockwork-model-")), "net");
  await mkdir(folder);
});

afterEach(async () => {
  await rm(dirname(folder), { recursive: true });
});

async function put(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

const CONFIG = JSON.stringify({ id2label: { 0: "road", 2: "car" } });
const PROCESSOR = JSON.stringify({ do_resize: false, image_mean: [0, 0, 0], image_std: [1, 1, 1] });

describe("a folder", () => {
  test("gives the network, its classes and its preprocessing", async () => {
    await put({ "config.json": CONFIG, "preprocessor_config.json": PROCESSOR, "onnx/model.onnx": "network" });
    const model = await openModel(folder);
    expect(model.name).toBe("net");
    expect(model.path).toBe(join(folder, "onnx", "model.onnx"));
    expect(new TextDecoder().decode(model.bytes)).toBe("network");
    expect(model.classNames).toEqual(["road", "class-1", "car"]);
    expect(model.preprocessing).toEqual({
      channelOrder: "rgb",
      scale: 1 / 255,
      mean: [0, 0, 0],
      std: [1, 1, 1],
      size: { kind: "native" },
    });
    expect(model.warnings).toEqual([]);
  });

  test("descriptions beside the network come first", async () => {
    await put({ "config.json": "{}", "onnx/config.json": CONFIG, "onnx/model.onnx": "" });
    expect((await openModel(folder)).classNames).toHaveLength(3);
  });

  test("another of its files is opened on request", async () => {
    await put({ "onnx/model.onnx": "a", "onnx/model_fp16.onnx": "bc", "deep/er/x.onnx": "def" });
    expect((await openModel(folder, { file: "model_fp16.onnx" })).bytes).toHaveLength(2);
    expect((await openModel(folder, { file: "deep/er/x.onnx" })).bytes).toHaveLength(3);
    await expect(openModel(folder, { file: "other.onnx" })).rejects.toThrow(
      /expected the file other\.onnx, found onnx\/model\.onnx, onnx\/model_fp16\.onnx/,
    );
    await expect(openModel(folder, { file: "../x.onnx" })).rejects.toMatchObject({ code: "invalid-argument" });
  });

  test("without a network, the error lists what is there", async () => {
    await put({ "config.json": CONFIG, "weights.bin": "" });
    await mkdir(join(folder, "directory.onnx"));
    const failure = openModel(folder);
    await expect(failure).rejects.toThrow(/found config\.json, weights\.bin$/);
    await expect(failure).rejects.toMatchObject({ code: "invalid-model" });
  });

  test("broken JSON is reported with its place", async () => {
    await put({ "model.onnx": "", "config.json": '{\n  "id2label": {"0": "road",}\n}' });
    await expect(openModel(folder)).rejects.toThrow(/config\.json: expected JSON.* line 2, column 28 \("}"\)/);
    await put({ "config.json": '"text"' });
    await expect(openModel(folder)).rejects.toMatchObject({ code: "invalid-model" });
    await rm(join(folder, "config.json"));
    await mkdir(join(folder, "config.json"));
    await expect(openModel(folder)).rejects.toMatchObject({ code: "io" });
  });

  test("external data is read from the network's folder and nowhere else", async () => {
    await put({ "onnx/model.onnx": "", "onnx/model.onnx_data": "12345", "secret.bin": "x" });
    const { readExternal } = await openModel(folder);
    expect(readExternal("model.onnx_data")).toHaveLength(5);
    expect(readExternal("./model.onnx_data")).toHaveLength(5);
    expect(() => readExternal("missing.bin")).toThrow(/expected its tensor data in .*missing\.bin, which is missing/);
    for (const location of ["../secret.bin", join(folder, "secret.bin"), "a/../../secret.bin", "..\\secret.bin", ""]) {
      expect(() => readExternal(location)).toThrow(/outside the model's folder/);
    }
  });
});

describe("a bare .onnx", () => {
  test("says what it assumes", async () => {
    await put({ "road.onnx": "" });
    const model = await openModel(join(folder, "road.onnx"));
    expect(model.name).toBe("road");
    expect(model.classNames).toBeUndefined();
    expect(model.preprocessing).toEqual(defaultPreprocessing());
    expect(model.warnings).toEqual([
      "road: no config.json beside the model; the classes have no names",
      "road: no preprocessor_config.json beside the model; assumed RGB, values times 1/255, " +
        "mean [0.485, 0.456, 0.406], std [0.229, 0.224, 0.225] and the frame's own size",
    ]);
    await expect(openModel(join(folder, "road.onnx"), { file: "x.onnx" })).rejects.toMatchObject({
      code: "invalid-argument",
    });
  });

  test("finds the descriptions of the folder that it is in", async () => {
    await put({ "config.json": CONFIG, "preprocessor_config.json": PROCESSOR, "onnx/model.onnx": "" });
    const model = await openModel(join(folder, "onnx", "model.onnx"));
    expect(model.name).toBe("net");
    expect(model.warnings).toEqual([]);
  });
});

test("a place that is no model", async () => {
  await put({ "notes.txt": "" });
  await expect(openModel(join(folder, "notes.txt"))).rejects.toMatchObject({ code: "invalid-argument" });
  await expect(openModel(join(folder, "missing.onnx"))).rejects.toMatchObject({ code: "io" });
  await expect(openModel("nobody/nothing")).rejects.toThrow(/for a model of the Hugging Face hub write hf:nobody/);
});

describe("the rules of the layout", () => {
  test("which network is opened", () => {
    expect(chooseOnnx("x", ["model.onnx", "onnx/model.onnx", "onnx/other.onnx"])).toBe("onnx/model.onnx");
    expect(chooseOnnx("x", ["model.onnx", "onnx/other.onnx"])).toBe("model.onnx");
    expect(chooseOnnx("x", ["onnx/other.onnx", "unet/model.onnx"])).toBe("onnx/other.onnx");
    expect(() => chooseOnnx("x", ["a.onnx", "onnx/b.onnx"])).toThrow(/expected one .onnx file, found a.onnx, onnx\/b/);
    expect(() => chooseOnnx("x", [])).toThrow(/found nothing/);
  });

  test("which data goes with a network", () => {
    const all = [
      "onnx/a.onnx",
      "onnx/b.onnx",
      "onnx/a.onnx_data",
      "onnx/a.onnx_data_1",
      "onnx/b.onnx.data",
      "onnx/shared.onnx_data",
      "a.onnx_data",
    ];
    expect(externalDataOf("onnx/a.onnx", all)).toEqual([
      "onnx/a.onnx_data",
      "onnx/a.onnx_data_1",
      "onnx/shared.onnx_data",
    ]);
    expect(externalDataOf("onnx/b.onnx", all)).toEqual(["onnx/b.onnx.data", "onnx/shared.onnx_data"]);
  });

  test.each(["../x", "a/../../x", "/x", "\\x", "C:\\x", "C:x", "a\\..\\..\\x", "a\0b", "", "."])(
    "%j is outside",
    (path) => expect(pathInside(folder, path)).toBeUndefined(),
  );

  test("class names", () => {
    expect(parseClassNames({ id2label: ["a", "b"] }, "x")).toEqual(["a", "b"]);
    expect(parseClassNames({ id2label: {} }, "x")).toBeUndefined();
    expect(() => parseClassNames({ id2label: { 0: 1 } }, "x")).toThrow('x: id2label["0"]: expected a string, got 1');
    expect(() => parseClassNames({ id2label: { 1e9: "a" } }, "x")).toThrow(/class indices below/);
  });

  test.each([
    ["", "line 1, column 1 (the end of the file)"],
    ["[1,\n 2", "line 2, column 3 (the end of the file)"],
    ['{"a": NaN}', 'line 1, column 7 ("N")'],
    ['{"a": "b\nc"}', 'line 1, column 7 ("\\"")'],
    ['{"a": 1} x', 'line 1, column 10 ("x")'],
  ])("broken JSON %j", (text, place) => expect(() => parseJson(text, "x")).toThrow(place));

  test("a byte order mark is passed over", () => expect(parseJson("\uFEFF[1]", "x")).toEqual([1]));

  test("the cache folder of each platform", () => {
    expect(defaultCacheFolder({ CLOCKWORK_CACHE: "c" }, "linux", "h")).toBe("c");
    expect(defaultCacheFolder({ XDG_CACHE_HOME: "x" }, "linux", "h")).toBe(join("x", "clockwork"));
    expect(defaultCacheFolder({}, "linux", "h")).toBe(join("h", ".cache", "clockwork"));
    expect(defaultCacheFolder({}, "darwin", "h")).toBe(join("h", "Library", "Caches", "clockwork"));
    expect(defaultCacheFolder({ LOCALAPPDATA: "l" }, "win32", "h")).toBe(join("l", "clockwork"));
  });
});

describe.skipIf(!existsSync(ESPNET))(
  "ESPNet on CamVid (skipped unless ../shared/models/espnet-camvid is there)",
  () => {
    test("has its classes and its preprocessing", async () => {
      const model = await openModel(ESPNET);
      expect(model.name).toBe("espnet-camvid");
      expect(model.bytes).toHaveLength(1_466_199);
      expect(model.classNames).toHaveLength(12);
      expect(model.classNames?.[11]).toBe("void");
      expect(model.preprocessing).toEqual({
        channelOrder: "bgr",
        scale: 0.00392156862745098,
        mean: [0.432667, 0.425137, 0.411882],
        std: [72.13, 72.69, 69.9],
        size: { kind: "native" },
      });
      expect(model.warnings).toEqual([]);
      expect(networkSize(model.preprocessing, { widthPx: 480, heightPx: 360 })).toEqual({
        widthPx: 480,
        heightPx: 360,
      });
    });
  },
);
