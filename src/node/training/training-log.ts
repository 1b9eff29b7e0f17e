// The log of a training: one JSON object a line, appended while it runs. Lines of steps that a checkpoint does not know
// are taken back when a training goes on from it.

import { appendFile, readFile } from "node:fs/promises";
import { ClockworkError, reasonOf } from "../../errors.ts";
import { writeWhole } from "../whole-file.ts";

/** A line. */
export type LogEntry =
  | { readonly kind: "step"; readonly step: number; readonly loss: number; readonly rate: number; readonly ms: number }
  | {
      readonly kind: "validation";
      readonly step: number;
      readonly meanIou: number;
      readonly accuracy: number;
      readonly iou: Readonly<Record<string, number | null>>;
    };

/** An open log. */
export class TrainingLog {
  readonly #path: string;
  readonly #entries: LogEntry[];

  private constructor(path: string, entries: LogEntry[]) {
    this.#path = path;
    this.#entries = entries;
  }

  /** Opens a log with the lines up to a step. */
  static async open(path: string, upTo: number): Promise<TrainingLog> {
    let text = "";
    try {
      text = await readFile(path, "utf8");
    } catch (cause) {
      if (!(cause instanceof Error && "code" in cause && cause.code === "ENOENT")) {
        throw new ClockworkError("io", `${path}: expected a file that can be read (${reasonOf(cause)})`, { cause });
      }
    }
    const entries = text.split("\n").flatMap((line): LogEntry[] => {
      try {
        const entry = JSON.parse(line) as LogEntry;
        return entry.step <= upTo ? [entry] : [];
      } catch {
        // The line that was being written when the process was killed.
        return [];
      }
    });
    await writeWhole(path, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    return new TrainingLog(path, entries);
  }

  /** All lines so far. */
  get entries(): readonly LogEntry[] {
    return this.#entries;
  }

  async add(entry: LogEntry): Promise<void> {
    this.#entries.push(entry);
    await appendFile(this.#path, `${JSON.stringify(entry)}\n`);
  }
}
