// Which nodes of a graph run on a device, and which fall back to the CPU: read from the verbose log of a session.

/** Nodes as `OPERATOR (name)`, after the engine has rewritten the graph; branches of `If` are graphs of their own. */
export interface Placements {
  readonly device: readonly string[];
  readonly cpu: readonly string[];
}

/** Reads a log. */
export function placementsIn(log: string): Placements {
  const device: string[] = [];
  const cpu: string[] = [];
  let current: string[] | undefined;
  for (const line of log.split("\n")) {
    const [, provider] = /Node\(s\) placed on \[(\w+)\]/.exec(line) ?? [];
    if (provider !== undefined) current = provider === "CPUExecutionProvider" ? cpu : device;
    const [, node] = /VerifyEachNodeIsAssignedToAnEp\]\s+(\w+ \(.*\))/.exec(line) ?? [];
    if (node !== undefined) current?.push(node);
  }
  return { device, cpu };
}

/** Nodes of one operator. */
export function ofOperator(nodes: readonly string[], operator: string): readonly string[] {
  return nodes.filter((node) => node.startsWith(`${operator} (`));
}
