// JSON files of a model folder: parsed, or refused with the line and column at which they break. Not a JSON parser:
// the values come from `JSON.parse`, whose messages do not always say where the fault is; the scanner only finds it.

import { ClockworkError } from "../errors.ts";

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:(?!["\\])[ -\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** The value of a JSON text; `where` names the file in the message. */
export function parseJson(text: string, where: string): unknown {
  const content = text.startsWith("\uFEFF") ? text.slice(1) : text;
  try {
    return JSON.parse(content) as unknown;
  } catch (cause) {
    const before = content.slice(0, new Scanner(content).brokenAt());
    const line = before.split("\n").length;
    const column = before.length - before.lastIndexOf("\n");
    const next = content.charAt(before.length);
    const found = next === "" ? "the end of the file" : JSON.stringify(next);
    throw new ClockworkError(
      "invalid-model",
      `${where}: expected JSON, which breaks at line ${line}, column ${column} (${found})`,
      { cause },
    );
  }
}

/** Walks a text by the grammar of JSON and stops where it does not fit. */
class Scanner {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Offset of the first character that does not fit. */
  brokenAt(): number {
    if (this.value()) this.take(SPACE);
    return this.at;
  }

  private take(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match === null) return false;
    this.at += match[0].length;
    return true;
  }

  private char(expected: string): boolean {
    this.take(SPACE);
    if (this.text.charAt(this.at) !== expected) return false;
    this.at++;
    return true;
  }

  private value(): boolean {
    if (this.char("{")) return this.items("}", () => this.take(STRING) && this.char(":") && this.value());
    if (this.char("[")) return this.items("]", () => this.value());
    return this.take(STRING) || this.take(SCALAR);
  }

  private items(close: string, item: () => boolean): boolean {
    if (this.char(close)) return true;
    do {
      this.take(SPACE);
      if (!item()) return false;
    } while (this.char(","));
    return this.char(close);
  }
}
