// The network of an experiment: its oracle, and how it is cut into two and into three stages. A cut that is not given is
// the planner's; a network that has no such plan is no error, the rows that need it are left out.

import { ClockworkError } from "../src/errors.ts";
import {
  parseCut,
  planFromFile,
  planOf,
  planToFile,
  readModel,
  Segmenter,
  type Frame,
  type Network,
  type Plan,
  type PlanFile,
  type SegmenterOptions,
  type Size,
} from "../src/index.ts";
import { nodeEngine, openModel, type Dataset } from "../src/node.ts";

/** What is asked of a network. */
export interface SubjectOptions {
  /** A model folder, an `.onnx` file or `hf:owner/name`. */
  readonly model: string;
  /** The cut of the plan of two stages. */
  readonly cut2?: string | undefined;
  /** The two cuts of the plan of three stages, the shallower first. */
  readonly cut3?: readonly string[] | undefined;
  /** Execution providers, the preferred first. */
  readonly providers?: readonly string[] | undefined;
  /** Size at which the network runs; default: what the model says. */
  readonly size?: "native";
  /** Threads of the engine; default: as many as the machine has cores. */
  readonly threads?: number;
}

/** A plan that can be applied at any size of the network. */
export interface Staging {
  readonly plan: Plan;
  readonly file: PlanFile;
  planFor(network: Network): Plan;
}

/** A network, opened. The oracle is the caller's to dispose; its variants share what is known of the network. */
export interface Subject {
  readonly oracle: Segmenter;
  /** What the oracle was made from. */
  readonly options: SegmenterOptions;
  /** Classes that the network tells apart. */
  readonly classes: number;
  /** `undefined` where the network cannot be cut so. */
  readonly two: Staging | undefined;
  readonly three: Staging | undefined;
  /** Why there are fewer stages than wanted, and what else is unusual. */
  readonly notes: readonly string[];
}

/**
 * Opens a network for frames of a size.
 * @throws ClockworkError where the model or a cut is no good
 */
export async function openSubject(options: SubjectOptions, frame: Size): Promise<Subject> {
  const { cut2, cut3, providers, size, threads } = options;
  if (cut3 !== undefined && cut3.length !== 2) {
    throw new ClockworkError(
      "invalid-argument",
      `--cut-3: expected two cuts, the shallower first, got ${cut3.length}; try the flag twice`,
    );
  }
  const source = await openModel(options.model);
  const model = readModel(source.bytes, { name: source.path, external: source.readExternal });
  const made: SegmenterOptions = {
    model,
    engine: nodeEngine,
    schedule: { kind: "every" },
    preprocessing: source.preprocessing,
    classNames: source.classNames,
    warnings: source.warnings,
    size,
    engineOptions: { ...(providers !== undefined && { providers }), ...(threads !== undefined && { threads }) },
  };
  const oracle = new Segmenter(made);
  try {
    const { network } = await oracle.prepare(frame);
    if (network === undefined) {
      throw new ClockworkError("invalid-argument", `${options.model}: expected a network, got one that is compiled`);
    }
    const two = planOf(network, cut2 === undefined ? { stages: 2 } : { cuts: [parseCut(cut2)] });
    const three = planOf(network, cut3 === undefined ? { stages: 3 } : { cuts: cut3.map(parseCut) });
    return {
      oracle,
      options: made,
      classes: source.classNames?.length ?? network.output.classes ?? 256,
      two: stagingOf(two, 2, network),
      three: stagingOf(three, 3, network),
      notes: [...new Set([...source.warnings, ...two.notes, ...three.notes.filter(() => three.stages.length < 3)])],
    };
  } catch (error) {
    await oracle[Symbol.asyncDispose]();
    throw error;
  }
}

function stagingOf(plan: Plan, stages: number, network: Network): Staging | undefined {
  if (plan.stages.length < stages) return undefined;
  const file = planToFile(plan, network);
  return { plan, file, planFor: (other) => planFromFile(file, other) };
}

/** The first frame of a dataset. @throws ClockworkError `invalid-argument` where it has none */
export async function firstFrameOf(dataset: Dataset): Promise<Frame> {
  for (const sequence of dataset.sequences) {
    for await (const { frame } of sequence.read({ to: 1 })) return frame;
  }
  throw new ClockworkError("invalid-argument", `${dataset.name}: expected frames, got none`);
}
