// `clockwork inspect`: how a network would be cut, and what each stage costs.

import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { ClockworkError, reasonOf } from "../errors.ts";
import type { Size } from "../network/index.ts";
import { nodeLabel } from "../onnx/index.ts";
import { planTable, planToFile } from "../stages/index.ts";
import { planNetwork } from "./network.ts";
import { modelSpec, parseSize, withNetworkFlags, type NetworkFlags } from "./options.ts";
import { print, say, warn } from "./terminal.ts";

interface InspectFlags extends NetworkFlags {
  readonly model?: string;
  readonly size?: Size;
  readonly measure?: boolean;
  readonly nodes?: boolean;
  readonly save?: string;
  readonly json?: boolean;
}

/** The command. */
export function inspectCommand(signal: AbortSignal): Command {
  const command = new Command("inspect")
    .description("Show how a network is cut into stages, and what each stage costs and holds.")
    .argument("[model]", "model folder, .onnx file or hf:owner/name (default: the network in the box)")
    .option("--model <model>", "the model, in place of the argument");
  return withNetworkFlags(command)
    .option(
      "--size <WxH>",
      "size to look at the network at (default: the model's own, else 640x480)",
      parseSize("--size"),
    )
    .option("--measure", "measure the time of every node, and cut by time in place of MACs")
    .option("--nodes", "list the nodes of every stage, too")
    .option("--save <file>", "save the plan as JSON, for --plan")
    .option("--json", "print one JSON object on standard output")
    .addHelpText(
      "after",
      `
Stage 1 runs on every frame. A deeper stage rests between firings of its clock; what it put out last is held,
and joined with what the shallower stages compute afresh.

Examples:
  clockwork inspect my-model                          the plan of two stages
  clockwork inspect my-model --stages 3 --size 960x544
  clockwork inspect net.onnx --measure                by time in place of MACs
  clockwork inspect net.onnx --cut "pool3->conv4_1"   a cut of your own
  clockwork inspect net.onnx --save plan.json         keep it, for segment and compile`,
    )
    .action((model: string | undefined, flags: InspectFlags) => inspect(modelSpec(model, flags.model), flags, signal));
}

async function inspect(spec: string, flags: InspectFlags, signal: AbortSignal): Promise<void> {
  const { network, plan, source, warnings } = await planNetwork(spec, flags, signal);
  for (const warning of warnings) warn(warning);
  const file = planToFile(plan, network);
  if (flags.save !== undefined) {
    await writeFile(flags.save, `${JSON.stringify(file, undefined, 2)}\n`).catch((cause: unknown) => {
      throw new ClockworkError("io", `${flags.save}: expected a file that can be written (${reasonOf(cause)})`, {
        cause,
      });
    });
    say(`plan saved to ${flags.save}`);
  }
  if (flags.json === true) {
    const stages = file.stages.map(({ nodes, ...stage }) => (flags.nodes === true ? { ...stage, nodes } : stage));
    const { input, output } = network;
    print(JSON.stringify({ model: source.name, ...file, input, output, stages, warnings }, undefined, 2));
    return;
  }
  print(`${source.name}  ${planTable(plan)}`);
  if (flags.nodes === true) {
    for (const stage of plan.stages) {
      const deeper = plan.stages[stage.index]?.nodes;
      const own = network.index.nodes.filter((_, at) => stage.nodes[at] === 1 && deeper?.[at] !== 1);
      print(`\nstage ${stage.index}:`);
      for (const node of own) print(`  ${node.op.padEnd(20)} ${nodeLabel(node)}`);
    }
  }
}
