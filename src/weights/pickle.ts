// Python's pickle streams of protocols 2 to 5 as plain data. Nothing in a stream is ever called or looked up: a global is
// its name, calls of globals go to a function of the caller, which makes data of the few that it knows, and whatever else
// would be made is an inert object that remembers the name. The opcodes are those of Lib/pickletools.py; those of
// protocols 0 and 1 that later ones do not write, extension codes and out-of-band buffers are refused.

import { damaged } from "./weights.ts";
import { PickleReader } from "./pickle-reader.ts";

/** A value of a stream; `T` is what the caller makes of globals and of persistent ids. */
export type Pickled<T> =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | { readonly kind: "list" | "tuple" | "set"; readonly items: Pickled<T>[] }
  | { readonly kind: "dict"; readonly entries: Map<Pickled<T>, Pickled<T>> }
  /** A class or function by its name, such as `collections.OrderedDict`. */
  | { readonly kind: "global"; readonly name: string }
  | PickledObject<T>
  | { readonly kind: "made"; readonly value: T };

/** What a class or function outside of those that the caller knows would have made. */
export interface PickledObject<T> {
  readonly kind: "object";
  /** Name of the class or function. */
  readonly global: string;
  readonly args: Pickled<T>;
  /** What it was to be set up with. */
  state: Pickled<T>;
  /** What was to be put into it, where it is a kind of dict. */
  readonly entries: Map<Pickled<T>, Pickled<T>>;
}

/** What the values of a stream are made of. */
export interface PickleSchema<T> {
  /** The result of calling a global; `undefined` for an inert object. */
  readonly call: (global: string, args: readonly Pickled<T>[]) => Pickled<T> | undefined;
  /** What a persistent id stands for. */
  readonly persistent: (id: Pickled<T>) => Pickled<T>;
}

/** Modules whose names nothing but an attack puts into a file of data. */
const hostileModules: ReadonlySet<string> = new Set(
  (
    "os posix nt subprocess commands sys socket shutil pty runpy importlib imp ctypes _ctypes code codeop webbrowser " +
    "pickle _pickle cPickle dill marshal pip pdb bdb timeit cProfile profile trace asyncio multiprocessing threading " +
    "_thread signal urllib urllib2 http httplib ftplib smtplib telnetlib requests aiohttp tempfile io _io linecache"
  ).split(" "),
);

/** The same among Python's own functions. */
const hostileBuiltins: ReadonlySet<string> = new Set(
  "eval exec execfile compile open input raw_input breakpoint __import__ globals locals vars delattr setattr exit quit apply".split(
    " ",
  ),
);

/**
 * Reads the stream that starts at `offset`, up to its end at `end`.
 * @throws ClockworkError `invalid-model` for a damaged stream, for opcodes outside the table, and for globals that run
 *   something, such as `os.system`
 */
export function unpickle<T>(
  bytes: Uint8Array,
  schema: PickleSchema<T>,
  where: string,
  offset = 0,
): { readonly value: Pickled<T>; readonly end: number } {
  return new Unpickler(new PickleReader(bytes, offset, where), schema, where).run();
}

type Operation<T> = (machine: Unpickler<T>, read: PickleReader) => void;

class Unpickler<T> {
  readonly #read: PickleReader;
  readonly #schema: PickleSchema<T>;
  readonly #where: string;
  readonly #memo = new Map<number, Pickled<T>>();
  readonly #marked: Pickled<T>[][] = [];
  #stack: Pickled<T>[] = [];

  constructor(read: PickleReader, schema: PickleSchema<T>, where: string) {
    this.#read = read;
    this.#schema = schema;
    this.#where = where;
  }

  run(): { value: Pickled<T>; end: number } {
    const operations = operationsOf<T>();
    for (;;) {
      const at = this.#read.at;
      const code = this.#read.uint8();
      if (code === stop) return { value: this.pop(), end: this.#read.at };
      const operation = operations.get(code);
      if (operation === undefined) {
        const shown = `0x${code.toString(16).padStart(2, "0")}`;
        throw this.wrong(`expected an opcode of pickle protocols 2 to 5, got ${shown} at byte ${at}`);
      }
      operation(this, this.#read);
    }
  }

  wrong(problem: string): Error {
    return damaged(this.#where, `pickle: ${problem}`);
  }

  push(value: Pickled<T>): void {
    this.#stack.push(value);
  }

  pop(): Pickled<T> {
    const value = this.#stack.pop();
    if (value === undefined) throw this.wrong(`expected a value before byte ${this.#read.at}, got none`);
    return value;
  }

  top(): Pickled<T> {
    const value = this.#stack.at(-1);
    if (value === undefined) throw this.wrong(`expected a value before byte ${this.#read.at}, got none`);
    return value;
  }

  mark(): void {
    this.#marked.push(this.#stack);
    this.#stack = [];
  }

  /** What was put on the stack since the last mark. */
  sinceMark(): Pickled<T>[] {
    const items = this.#stack;
    const below = this.#marked.pop();
    if (below === undefined) throw this.wrong(`expected a mark before byte ${this.#read.at}, got none`);
    this.#stack = below;
    return items;
  }

  tuple(length: number): void {
    const items: Pickled<T>[] = [];
    for (let i = 0; i < length; i++) items.unshift(this.pop());
    this.push({ kind: "tuple", items });
  }

  remember(key: number = this.#memo.size): void {
    this.#memo.set(key, this.top());
  }

  recall(key: number): void {
    const value = this.#memo.get(key);
    if (value === undefined) throw this.wrong(`expected an earlier value as memo ${key}, got none`);
    this.push(value);
  }

  global(module: string, name: string): void {
    const full = `${module}.${name}`;
    const root = module.split(".")[0] ?? "";
    const isBuiltin = root === "builtins" || root === "__builtin__";
    // `name` may be a path, too: from protocol 4 on, names have dots.
    const parts = name.split(".");
    if (hostileModules.has(root) || (isBuiltin && parts.some((part) => hostileBuiltins.has(part)))) {
      throw this.wrong(
        `expected data, got the global ${full}, which would run something in Python; nothing was run here. ` +
          "Do not open this file with torch.load, and get it from another place",
      );
    }
    this.push({ kind: "global", name: full });
  }

  /** What `callee(*args)` stands for. */
  call(callee: Pickled<T>, args: Pickled<T>): void {
    if (!isKind(callee, "global")) {
      throw this.wrong(`expected a class or function to call, got ${nameOf(callee)}`);
    }
    if (!isKind(args, "tuple")) throw this.wrong(`${callee.name}: expected a tuple of arguments, got ${nameOf(args)}`);
    const made = this.#schema.call(callee.name, args.items);
    this.push(made ?? { kind: "object", global: callee.name, args, state: null, entries: new Map() });
  }

  persistent(): void {
    this.push(this.#schema.persistent(this.pop()));
  }

  append(items: readonly Pickled<T>[]): void {
    const target = this.top();
    if (isKind(target, "list") || isKind(target, "set")) for (const item of items) target.items.push(item);
    else if (isKind(target, "object")) for (const item of items) target.entries.set(target.entries.size, item);
    else throw this.wrong(`expected a list to append to, got ${nameOf(target)}`);
  }

  setItems(items: readonly Pickled<T>[]): void {
    const target = this.top();
    if (!isKind(target, "dict") && !isKind(target, "object")) {
      throw this.wrong(`expected a dict to put items into, got ${nameOf(target)}`);
    }
    for (let i = 0; i + 1 < items.length; i += 2) target.entries.set(items[i] ?? null, items[i + 1] ?? null);
    if (items.length % 2 !== 0) throw this.wrong("expected keys with values, got a key without one");
  }

  /** Attributes of what is on top. Those of dicts and of what the caller made are no data of ours. */
  build(): void {
    const state = this.pop();
    const target = this.top();
    if (isKind(target, "object")) target.state = state;
    else if (!isKind(target, "dict") && !isKind(target, "made") && !isKind(target, "set")) {
      throw this.wrong(`expected an object to set up, got ${nameOf(target)}`);
    }
  }
}

/** Whether a value is of a kind. */
export function isKind<T, K extends "list" | "tuple" | "set" | "dict" | "global" | "object" | "made">(
  value: Pickled<T> | undefined,
  kind: K,
): value is Extract<Pickled<T>, { readonly kind: string }> & { readonly kind: K } {
  return typeof value === "object" && value !== null && !(value instanceof Uint8Array) && value.kind === kind;
}

/** What a value is, for messages: `a list`, `argparse.Namespace`. */
export function nameOf<T>(value: Pickled<T> | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "None";
  if (typeof value !== "object") return typeof value === "string" ? JSON.stringify(value.slice(0, 60)) : String(value);
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  switch (value.kind) {
    case "object":
      return value.global;
    case "global":
      return value.name;
    case "made":
      return "a tensor or storage";
    case "list":
    case "tuple":
    case "set":
    case "dict":
      return `a ${value.kind}`;
  }
}

/** The opcode that ends a stream. */
const stop = 0x2e;

/** Every opcode that is understood. None of them can do more than push, pop, keep and combine values. */
function operationsOf<T>(): ReadonlyMap<number, Operation<T>> {
  return new Map<number, Operation<T>>([
    // PROTO
    [
      0x80,
      (m, read) => {
        const protocol = read.uint8();
        if (protocol > 5) throw m.wrong(`expected a protocol up to 5, got ${protocol}`);
      },
    ],
    // FRAME: frames say how much to read at once, which is all there already.
    [0x95, (_, read) => read.skip(8)],
    // MARK, POP, POP_MARK, DUP
    [0x28, (m) => m.mark()],
    [0x30, (m) => void m.pop()],
    [0x31, (m) => void m.sinceMark()],
    [0x32, (m) => m.push(m.top())],
    // NONE, NEWTRUE, NEWFALSE
    [0x4e, (m) => m.push(null)],
    [0x88, (m) => m.push(true)],
    [0x89, (m) => m.push(false)],
    // BININT, BININT1, BININT2, LONG1, LONG4, BINFLOAT
    [0x4a, (m, read) => m.push(read.int32())],
    [0x4b, (m, read) => m.push(read.uint8())],
    [0x4d, (m, read) => m.push(read.uint16())],
    [0x8a, (m, read) => m.push(read.integer(read.uint8()))],
    [0x8b, (m, read) => m.push(read.integer(read.uint32()))],
    [0x47, (m, read) => m.push(read.float64())],
    // Texts of Python 2: BINSTRING, SHORT_BINSTRING
    [0x54, (m, read) => m.push(read.latin1(read.uint32()))],
    [0x55, (m, read) => m.push(read.latin1(read.uint8()))],
    // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8
    [0x58, (m, read) => m.push(read.utf8(read.uint32()))],
    [0x8c, (m, read) => m.push(read.utf8(read.uint8()))],
    [0x8d, (m, read) => m.push(read.utf8(read.length()))],
    // BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8
    [0x42, (m, read) => m.push(read.bytes(read.uint32()))],
    [0x43, (m, read) => m.push(read.bytes(read.uint8()))],
    [0x8e, (m, read) => m.push(read.bytes(read.length()))],
    [0x96, (m, read) => m.push(read.bytes(read.length()))],
    // EMPTY_TUPLE, TUPLE1, TUPLE2, TUPLE3, TUPLE
    [0x29, (m) => m.tuple(0)],
    [0x85, (m) => m.tuple(1)],
    [0x86, (m) => m.tuple(2)],
    [0x87, (m) => m.tuple(3)],
    [0x74, (m) => m.push({ kind: "tuple", items: m.sinceMark() })],
    // EMPTY_LIST, APPEND, APPENDS
    [0x5d, (m) => m.push({ kind: "list", items: [] })],
    [0x61, (m) => m.append([m.pop()])],
    [0x65, (m) => m.append(m.sinceMark())],
    // EMPTY_DICT, SETITEM, SETITEMS
    [0x7d, (m) => m.push({ kind: "dict", entries: new Map() })],
    [
      0x73,
      (m) => {
        const value = m.pop();
        m.setItems([m.pop(), value]);
      },
    ],
    [0x75, (m) => m.setItems(m.sinceMark())],
    // EMPTY_SET, ADDITEMS, FROZENSET
    [0x8f, (m) => m.push({ kind: "set", items: [] })],
    [0x90, (m) => m.append(m.sinceMark())],
    [0x91, (m) => m.push({ kind: "set", items: m.sinceMark() })],
    // BINGET, LONG_BINGET, BINPUT, LONG_BINPUT, MEMOIZE
    [0x68, (m, read) => m.recall(read.uint8())],
    [0x6a, (m, read) => m.recall(read.uint32())],
    [0x71, (m, read) => m.remember(read.uint8())],
    [0x72, (m, read) => m.remember(read.uint32())],
    [0x94, (m) => m.remember()],
    // GLOBAL, STACK_GLOBAL
    [0x63, (m, read) => m.global(read.line(), read.line())],
    [
      0x93,
      (m) => {
        const name = m.pop();
        const module = m.pop();
        if (typeof name !== "string" || typeof module !== "string") throw m.wrong("expected a global's name as text");
        m.global(module, name);
      },
    ],
    // REDUCE, NEWOBJ: a function, and a class, with their arguments
    [0x52, callTop],
    [0x81, callTop],
    // NEWOBJ_EX: with arguments by name, which nothing that is known takes
    [
      0x92,
      (m) => {
        m.pop();
        callTop(m);
      },
    ],
    // BUILD, BINPERSID
    [0x62, (m) => m.build()],
    [0x51, (m) => m.persistent()],
  ]);
}

function callTop<T>(machine: Unpickler<T>): void {
  const args = machine.pop();
  machine.call(machine.pop(), args);
}
