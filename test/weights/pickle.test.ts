// Pickle streams put together by hand from the opcodes of the pickletools documentation: what they stand for, and that
// none of them can do anything.

import { describe, expect, test } from "vitest";
import { nameOf, unpickle, type Pickled } from "../../src/weights/pickle.ts";
import { failureOf } from "./fixture.ts";

const ascii = (text: string): number[] => Array.from(text, (char) => char.charCodeAt(0));
const text = (value: string): number[] => [0x8c, value.length, ...ascii(value)];
const global = (module: string, name: string): number[] => [0x63, ...ascii(`${module}\n${name}\n`)];

/** The value of a stream, with every call left alone. */
function valueOf(...opcodes: readonly number[]): Pickled<string> {
  return unpickle<string>(
    Uint8Array.from([0x80, 4, ...opcodes, 0x2e]),
    {
      call: (name, args) => (name === "known.make" ? { kind: "made", value: `made of ${args.length}` } : undefined),
      persistent: (id) => ({ kind: "made", value: `record ${nameOf(id)}` }),
    },
    "stream",
  ).value;
}

test.each<readonly [string, readonly number[], unknown]>([
  ["numbers", [0x28, 0x4b, 200, 0x4d, 1, 2, 0x4a, 0xfe, 0xff, 0xff, 0xff, 0x74], [200, 513, -2]],
  ["a float, big-endian", [0x28, 0x47, 0xbf, 0xf8, 0, 0, 0, 0, 0, 0, 0x74], [-1.5]],
  [
    "integers of any length",
    [0x28, 0x8a, 1, 0xff, 0x8a, 0, 0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x74],
    [-1, 0, 2n ** 64n],
  ],
  ["truth and nothing", [0x28, 0x88, 0x89, 0x4e, 0x74], [true, false, null]],
  ["texts", [0x28, ...text("a"), 0x55, 1, 0xe9, 0x58, 2, 0, 0, 0, 0xc3, 0xa9, 0x74], ["a", "é", "é"]],
  ["what was kept", [0x28, ...text("a"), 0x94, 0x68, 0, 0x32, 0x74], ["a", "a", "a"]],
])("%s", (_name, opcodes, items) => {
  expect(valueOf(...opcodes)).toEqual({ kind: "tuple", items });
});

test("containers refer to each other as they do in Python", () => {
  // x = []; d = {"x": x}; x.append(d)
  const value = valueOf(0x7d, 0x94, ...text("x"), 0x5d, 0x94, 0x68, 0, 0x61, 0x73);
  if (typeof value !== "object" || value === null || !("kind" in value) || value.kind !== "dict")
    throw new Error("no dict");
  const x = value.entries.get("x");
  expect(x).toMatchObject({ kind: "list" });
  expect(typeof x === "object" && x !== null && "items" in x && x.items[0]).toBe(value);
});

describe("globals", () => {
  test("are names, by either opcode, and calls of those that are known make what the caller says", () => {
    expect(valueOf(...global("known", "make"))).toEqual({ kind: "global", name: "known.make" });
    expect(valueOf(...text("known"), ...text("make"), 0x93, 0x4b, 1, 0x85, 0x52)).toEqual({
      kind: "made",
      value: "made of 1",
    });
    expect(valueOf(...text("7"), 0x51)).toEqual({ kind: "made", value: 'record "7"' });
  });

  test("that are not known leave inert objects, whatever is done with them", () => {
    // argparse.Namespace() with a state, a call of an unknown function, and a class with arguments by name
    const namespace = valueOf(...global("argparse", "Namespace"), 0x29, 0x81, 0x7d, ...text("lr"), 0x4b, 1, 0x73, 0x62);
    expect(namespace).toMatchObject({ kind: "object", global: "argparse.Namespace", state: { kind: "dict" } });
    expect(valueOf(...global("a", "f"), 0x29, 0x52)).toMatchObject({ kind: "object", global: "a.f" });
    expect(valueOf(...global("a", "C"), 0x29, 0x7d, 0x92)).toMatchObject({ kind: "object", global: "a.C" });
  });

  test.each([
    ["os", "system"],
    ["posix", "system"],
    ["subprocess", "Popen"],
    ["builtins", "eval"],
    ["__builtin__", "exec"],
    ["builtins", "__import__"],
    ["importlib", "import_module"],
    ["runpy", "_run_code"],
    ["os.path", "join"],
    ["builtins", "x.eval"],
  ])("%s.%s is refused, by either opcode", (module, name) => {
    const message = new RegExp(`${module}\\.${name}.*nothing was run`);
    expect(failureOf(() => valueOf(...global(module, name), ...text("true"), 0x85, 0x52))).toMatch(message);
    expect(failureOf(() => valueOf(...text(module), ...text(name), 0x93))).toMatch(message);
  });

  test("what was made cannot be called, nor what was called be called again", () => {
    // getattr(x, "y")(): the result of an unknown call is no function.
    const chain = [...global("builtins", "getattr"), ...text("x"), ...text("y"), 0x86, 0x52, 0x29, 0x52];
    expect(failureOf(() => valueOf(...chain))).toMatch(/expected a class or function to call, got builtins\.getattr/);
    expect(failureOf(() => valueOf(...text("os"), 0x29, 0x52))).toMatch(/to call, got "os"/);
  });
});

describe("damage", () => {
  test.each<readonly [string, readonly number[], RegExp]>([
    ["an opcode of protocol 0", [0x49, ...ascii("1\n")], /protocols 2 to 5, got 0x49 at byte 2/],
    ["an extension code", [0x82, 1], /got 0x82/],
    ["a buffer outside of the stream", [0x97], /got 0x97/],
    ["a later protocol", [0x80, 6], /protocol up to 5, got 6/],
    ["nothing on the stack", [0x85], /expected a value/],
    ["no mark", [0x74], /expected a mark/],
    ["a memo that is not there", [0x6a, 0xff, 0xff, 0xff, 0xff], /memo 4294967295, got none/],
    ["more text than there is", [0x8d, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], /the end of the stream/],
    ["an integer of a megabyte", [0x8b, 0, 0, 0x10, 0], /at most 256 bytes/],
    ["a key without a value", [0x7d, 0x28, 0x4b, 1, 0x75], /a key without one/],
    ["items put into a number", [0x4b, 1, 0x4b, 2, 0x61], /expected a list to append to, got 1/],
    ["a state for a tuple", [0x29, 0x7d, 0x62], /expected an object to set up, got a tuple/],
    ["a global without a line's end", [0x63, ...ascii("os")], /expected a line/],
  ])("%s", (_name, opcodes, message) => {
    expect(failureOf(() => valueOf(...opcodes))).toMatch(message);
  });

  test("lists within lists, doubled a hundred times over, take no more than their stream", () => {
    // x = []; x = [x, x]; ...: 2^100 lists for whoever unfolds them.
    const levels = Array.from({ length: 100 }, (_, level) => [0x5d, 0x94, 0x28, 0x68, level, 0x68, level, 0x65]);
    let value = valueOf(0x5d, 0x94, ...levels.flat());
    for (let level = 0; level < 100; level++) {
      if (typeof value !== "object" || value === null || !("items" in value)) throw new Error("expected a list");
      const [first, second] = value.items;
      expect(first).toBe(second);
      value = first ?? null;
    }
  });
});
