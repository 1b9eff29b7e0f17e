// The `clockwork` command as a child process: what it prints where, and how it ends.

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { readdir } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { smallModel } from "../support/segmenting.ts";
import { temporaryFolder, writeModelFolder } from "../support/model-folder.ts";
import { makeClip } from "../video/clips.ts";

/** Path of a file of the project. */
export function inProject(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  /** Waits until standard error has this. @throws where the command ends before */
  said(text: string): Promise<void>;
}

/** Starts `clockwork` in a folder. */
export function start(folder: string, args: readonly string[]): Running {
  return startScript(folder, inProject("bin/clockwork.js"), args);
}

/** Starts a script in a folder. */
export function startScript(folder: string, script: string, args: readonly string[]): Running {
  const child = spawn(process.execPath, [script, ...args], { cwd: folder, env: { ...process.env, NO_COLOR: "1" } });
  let stdout = "";
  let stderr = "";
  const waiting: (() => void)[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    for (const wake of waiting.splice(0)) wake();
  });
  // A child that ends early closes its standard input under whoever writes to it.
  child.stdin.on("error", () => undefined);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      // As shells count it.
      resolve({ code: signal === null ? code : 128 + constants.signals[signal], stdout, stderr });
      for (const wake of waiting.splice(0)) wake();
    });
  });
  const said = async (text: string): Promise<void> => {
    while (!stderr.includes(text)) {
      if (child.exitCode !== null) throw new Error(`expected "${text}" on standard error, got: ${stderr}`);
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return { child, ended, said };
}

/** Runs `clockwork` in a folder. */
export function run(folder: string, ...args: readonly string[]): Promise<Ended> {
  const { child, ended } = start(folder, args);
  child.stdin.end();
  return ended;
}

/** The one JSON object on standard output. @throws where there is anything else */
export function jsonOf({ stdout }: Ended): Record<string, unknown> {
  const value: unknown = JSON.parse(stdout);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`expected a JSON object, got ${stdout}`);
  }
  return value as Record<string, unknown>;
}

/** Lines of a text, without the empty one at its end. */
export function linesOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** Names in a folder, hidden ones too. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).sort();
}

export const classNames: readonly string[] = ["sky", "road", "car", "tree", "person"];

/** A folder with a model `net` that takes any multiple of 32, and a clip `clip.mp4` of ten frames of 96x64. */
export async function workFolder(): Promise<{ path: string } & AsyncDisposable> {
  const folder = await temporaryFolder("clockwork-cli-");
  await writeModelFolder(join(folder.path, "net"), smallModel(), {
    classNames,
    preprocessor: { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225], do_resize: false },
  });
  await makeClip(join(folder.path, "clip.mp4"), { graph: clipGraph("96x64", 10) });
  return folder;
}

/** A test picture that moves, as H.264 takes it. */
export function clipGraph(size: string, frames: number, format = "yuv420p"): string {
  return `testsrc2=s=${size}:d=${frames / 25}:r=25,format=${format}`;
}
