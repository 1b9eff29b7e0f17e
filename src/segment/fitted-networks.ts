// What is found out about one model before it can be compiled: the network at a size, and its plans. Segmenters of the
// same model share it, since probing runs the whole network and planning a large graph takes seconds.

import type { Network, Size } from "../network/index.ts";
import { fitNetwork, sizeText } from "../network/index.ts";
import { planOf, type Plan, type PlanOptions } from "../stages/plan.ts";
import type { SegmenterOptions } from "./options.ts";

/** Sizes that are kept, the latest: frames of many sizes must not pile up. */
const keptSizes = 4;

/** The networks of one model, by the size that was wanted. */
export class FittedNetworks {
  readonly #options: Pick<SegmenterOptions, "model" | "engine" | "output">;
  readonly #networks = new Map<string, Promise<Network>>();
  readonly #plans = new WeakMap<Network, Map<string, Plan>>();

  constructor(options: Pick<SegmenterOptions, "model" | "engine" | "output">) {
    this.#options = options;
  }

  /** The network at a size or near it; calls at the same time share the work, and one that fails is not kept. */
  at(wanted: Size): Promise<Network> {
    const key = sizeText(wanted);
    const known = this.#networks.get(key);
    if (known !== undefined) return known;
    const { model, engine, output } = this.#options;
    const network = fitNetwork(model, {
      size: wanted,
      engine,
      onlyResult: true,
      ...(output !== undefined && { output }),
    });
    this.#networks.set(key, network);
    network.catch(() => this.#networks.delete(key));
    for (const oldest of this.#networks.keys()) {
      if (this.#networks.size <= keptSizes) break;
      this.#networks.delete(oldest);
    }
    return network;
  }

  /** The plan of a network. */
  planOf(network: Network, options: Pick<PlanOptions, "stages" | "cuts">): Plan {
    const plans = this.#plans.get(network) ?? new Map<string, Plan>();
    this.#plans.set(network, plans);
    const key = JSON.stringify([options.stages, options.cuts?.map(({ text }) => text)]);
    const plan = plans.get(key) ?? planOf(network, options);
    plans.set(key, plan);
    return plan;
  }
}
