// Which schedules are the best at what they cost: the Pareto front of cost and quality.

/** A schedule as a point: less cost is better, more quality is. */
export interface CostPoint {
  readonly cost: number;
  /** `null` where there is none: such a point is never the best, and beats nothing. */
  readonly quality: number | null;
}

/** For each point, whether no other costs as little or less and is better, or as good at less cost. */
export function bestAtCost(points: readonly CostPoint[]): readonly boolean[] {
  return points.map((point) => point.quality !== null && !points.some((other) => beats(other, point)));
}

function beats(other: CostPoint, point: CostPoint): boolean {
  if (other.quality === null || point.quality === null) return false;
  const noWorse = other.cost <= point.cost && other.quality >= point.quality;
  return noWorse && (other.cost < point.cost || other.quality > point.quality);
}
