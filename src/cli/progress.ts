// Progress of a long run: a bar that redraws itself on a terminal, a plain line now and then elsewhere.

import pc from "picocolors";

/** What is known at some moment. */
export interface ProgressState {
  readonly frames: number;
  /** What is counted; default frames. */
  readonly unit?: string;
  /** Frames in all, as far as the source says. */
  readonly total: number | undefined;
  /** What is to be said besides. */
  readonly note: string;
}

const redrawMs = 100;
const lineMs = 5000;
const barCells = 24;

/** Shows progress on a stream; `update` as often as wanted. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  #start: number = performance.now();
  #frames = 0;
  #shownAt: number = performance.now() - redrawMs;
  #drawn = false;
  /** Frames that were done before this process began. */
  #before: number | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    if (!stream.isTTY) this.#shownAt = this.#start;
  }

  update(state: ProgressState): void {
    this.#before ??= state.frames;
    const now = performance.now();
    // Fewer frames than before: another step of the work has begun.
    if (state.frames < this.#frames) {
      this.#start = now;
      this.#before = state.frames;
    }
    this.#frames = state.frames;
    if (now - this.#shownAt < (this.#stream.isTTY ? redrawMs : lineMs)) return;
    this.#shownAt = now;
    const text = progressText(state, (now - this.#start) / 1000, this.#before);
    if (this.#stream.isTTY) {
      const width = Math.max(20, (this.#stream.columns ?? 80) - 1);
      this.#stream.write(`\r\u001B[2K${bar(state)}${text}`.slice(0, width + 80));
      this.#drawn = true;
    } else this.#stream.write(`${text}\n`);
  }

  /** Removes the bar. */
  done(): void {
    if (this.#drawn) this.#stream.write("\r\u001B[2K");
    this.#drawn = false;
  }
}

/**
 * The line of a state, for instance `120/296 frames, 24.1 frames/s, deepest stage on 50 %, 7 s left`.
 * @param before frames that were done before these seconds
 */
export function progressText(state: ProgressState, seconds: number, before = 0): string {
  const { frames, total, note, unit = "frames" } = state;
  const rate = seconds > 0 ? Math.max(0, frames - before) / seconds : 0;
  const left = total !== undefined && rate > 0 && total >= frames ? `, ${duration((total - frames) / rate)} left` : "";
  const count = total !== undefined && total >= frames ? `${frames}/${total}` : String(frames);
  return `${count} ${unit}, ${rate.toFixed(1)} ${unit}/s, ${note}${left}`;
}

function bar({ frames, total }: ProgressState): string {
  if (total === undefined || total < frames) return "";
  const full = Math.round((barCells * frames) / Math.max(1, total));
  return `${pc.cyan("█".repeat(full))}${pc.dim("░".repeat(barCells - full))} `;
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
