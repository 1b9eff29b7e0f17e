// From options and a size of frames to a compiled network: fitting, planning and compiling in their order, or taking a
// network that was compiled before as it is. Nothing is opened here.

import { stagesNamedBy } from "../clocks/index.ts";
import { compile, type Compiled } from "../compile/compile.ts";
import { readProtocol, type Protocol } from "../compile/protocol.ts";
import { ClockworkError } from "../errors.ts";
import { sizeText, type Network, type Size } from "../network/index.ts";
import { networkSize } from "../preprocessing.ts";
import type { Plan } from "../stages/plan.ts";
import type { FittedNetworks } from "./fitted-networks.ts";
import type { SegmenterOptions } from "./options.ts";

/** What a segmenter does at one size of frames. */
export interface Preparation {
  readonly protocol: Protocol;
  /** `undefined` where a compiled network was given. */
  readonly network: Network | undefined;
  readonly plan: Plan | undefined;
  /** What a user should know: a size that was moved, stages that are missing. */
  readonly notes: readonly string[];
}

/** A preparation with the compiled network itself. */
export interface CompiledPreparation extends Preparation, Compiled {}

/**
 * The network that is to run for frames of a size.
 * @throws ClockworkError where the network cannot be used or cut, and for a compiled network of another kind or size
 */
export async function compileFor(
  options: SegmenterOptions,
  fitted: FittedNetworks,
  frame: Size,
): Promise<CompiledPreparation> {
  const { model, preprocessing, schedule, classNames, cuts, warnings = [] } = options;
  const protocol = readProtocol(model);
  if (protocol !== undefined) {
    checkCompiled(protocol, frame, options);
    return { model, protocol, network: undefined, plan: undefined, notes: [...warnings] };
  }
  const { size = networkSize(preprocessing, frame) } = options;
  const wanted = size === "native" ? frame : size;
  const network = await fitted.at(wanted);
  const stages = options.stages ?? stagesNamedBy(schedule);
  const plan =
    options.planFor?.(network) ??
    fitted.planOf(network, { ...(stages !== undefined && { stages }), ...(cuts !== undefined && { cuts }) });
  const compiled = compile(network, plan, {
    io: "frames",
    schedule,
    preprocessing,
    frame,
    classNames,
    ...(options.taps !== undefined && { taps: options.taps }),
    ...(options.shots !== undefined && { shots: options.shots }),
    ...(options.motion !== undefined && { motion: options.motion }),
  });
  const moved = sizeText(network.size) !== sizeText(wanted);
  const notes = [
    ...warnings,
    ...(moved ? [`the network cannot take ${sizeText(wanted)}: it runs at ${sizeText(network.size)}`] : []),
    ...plan.notes,
    ...(plan.stages.length === 1 && schedule.kind === "fixed" && schedule.propagate !== "flow"
      ? ["there is one stage: between firings the last labels are repeated, as with skip"]
      : []),
  ];
  return { ...compiled, network, plan, notes };
}

function checkCompiled(
  protocol: Protocol,
  frame: Size,
  { taps = [], motion }: Pick<SegmenterOptions, "taps" | "motion">,
): void {
  if (protocol.io !== "frames") {
    throw new ClockworkError(
      "invalid-argument",
      "segmenter: expected a network that is compiled for frames, got one for tensors; " +
        "try the network that it was compiled from, or compiling it with io frames",
    );
  }
  if (sizeText(protocol.frame) !== sizeText(frame)) {
    throw new ClockworkError(
      "invalid-argument",
      `segmenter: expected frames of ${sizeText(protocol.frame)} for this compiled network, got ${sizeText(frame)}; ` +
        `try the network that it was compiled from, or compiling it for ${sizeText(frame)}`,
    );
  }
  const origin = protocol.inputs.motion === undefined ? "graph" : "codec";
  if (motion !== undefined && motion !== origin) {
    throw new ClockworkError(
      "invalid-argument",
      `segmenter: expected motion ${origin}, as it was compiled in, got ${motion}; ` +
        "try the network that it was compiled from, or compiling it with that motion",
    );
  }
  const compiledIn = new Set(protocol.outputs.taps?.map(({ name }) => name));
  const missing = taps.find((tap) => !compiledIn.has(tap));
  if (missing !== undefined) {
    throw new ClockworkError(
      "invalid-argument",
      `segmenter: expected taps that were compiled in, got "${missing}"; ` +
        "try the network that it was compiled from, or compiling it with these taps",
    );
  }
}
