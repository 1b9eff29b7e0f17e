// From the flags of `inspect` and `compile` to a network and its plan.

import { readProtocol } from "../compile/index.ts";
import { nodeEngine } from "../engine/node/engine.ts";
import { ClockworkError } from "../errors.ts";
import { openModel, type DownloadProgress, type ModelSource } from "../models/index.ts";
import { fitNetwork, measureNodes, sizeText, type Network, type Size } from "../network/index.ts";
import { imageInputOf } from "../network/ports.ts";
import { readModel } from "../onnx/index.ts";
import { parseCut, planFromFile, planOf, type Plan } from "../stages/index.ts";
import type { ScheduleFile } from "../tune/index.ts";
import { readJson } from "../node/json-file.ts";
import { otherModel } from "../node/open-segmenter.ts";
import { otherSize, type NetworkFlags } from "./options.ts";
import { say } from "./terminal.ts";

/** A network with its plan, and what was found on the way. */
export interface PlannedNetwork {
  readonly source: ModelSource;
  readonly network: Network;
  readonly plan: Plan;
  /** What the user should know. */
  readonly warnings: readonly string[];
}

/** Size where neither the user nor the model says one. */
const usualSize: Size = { widthPx: 640, heightPx: 480 };

/** Opens and plans a network as the flags say. */
export async function planNetwork(
  spec: string,
  flags: NetworkFlags & {
    readonly size?: Size;
    readonly measure?: boolean;
    readonly stagesOfClock?: number | undefined;
    /** A tuned schedule, which brings its plan. */
    readonly tuned?: ScheduleFile | undefined;
    /** Keep outputs besides the result, such as auxiliary heads. */
    readonly allOutputs?: boolean;
  },
  signal: AbortSignal,
): Promise<PlannedNetwork> {
  const cuts = flags.cut?.map(parseCut);
  const source = await openModel(spec, { onProgress: downloadProgress(), signal });
  const model = readModel(source.bytes, { name: source.path, external: source.readExternal });
  const compiled = readProtocol(model);
  if (compiled !== undefined) {
    throw new ClockworkError(
      "invalid-argument",
      `${spec}: expected a network, got one that is compiled already (clock ${compiled.schedule}); ` +
        "try the network that it was compiled from",
    );
  }
  const input = imageInputOf(model.graph);
  const fixed = input.widthPx !== undefined && input.heightPx !== undefined;
  const stated = source.preprocessing.size.kind === "exact" ? source.preprocessing.size : undefined;
  const size =
    flags.size ??
    flags.tuned?.size ??
    stated ??
    (fixed ? { widthPx: input.widthPx, heightPx: input.heightPx } : usualSize);
  const warnings = [...source.warnings, ...otherModel(flags.tuned, source)];
  if (flags.size === undefined && flags.tuned === undefined && stated === undefined && !fixed) {
    warnings.push(`costs are for ${sizeText(usualSize)}, since the model takes any size; try --size`);
  }
  const network = await fitNetwork(model, {
    size,
    engine: nodeEngine,
    onlyResult: flags.allOutputs !== true,
    ...(flags.networkOutput !== undefined && { output: flags.networkOutput }),
  });
  if (sizeText(network.size) !== sizeText(size)) {
    warnings.push(`the network cannot take ${sizeText(size)}: it is looked at ${sizeText(network.size)}`);
  }
  warnings.push(...otherSize(flags.tuned, network.size));
  const milliseconds = flags.measure === true ? await measureNodes(network, nodeEngine) : undefined;
  const stages = flags.stages ?? flags.stagesOfClock;
  const planFile = flags.tuned?.plan ?? (flags.plan === undefined ? undefined : await readJson(flags.plan));
  const plan =
    planFile !== undefined
      ? planFromFile(planFile, network, flags.plan ?? (flags.tuned && "schedule"))
      : planOf(network, {
          ...(stages !== undefined && { stages }),
          ...(cuts !== undefined && { cuts }),
          ...(milliseconds !== undefined && { milliseconds }),
        });
  return { source, network, plan, warnings };
}

/** Shows downloads: a line per file, and one for each tenth of it. */
export function downloadProgress(): (progress: DownloadProgress) => void {
  let shown = "";
  return ({ file, receivedBytes, totalBytes }) => {
    const tenths = totalBytes === undefined ? 0 : Math.floor((10 * receivedBytes) / Math.max(1, totalBytes));
    const line = `downloading ${file}${totalBytes === undefined ? "" : ` (${(totalBytes / 1e6).toFixed(1)} MB): ${10 * tenths} %`}`;
    if (line !== shown) say(line);
    shown = line;
  };
}
