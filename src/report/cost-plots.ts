// Quality against cost: against multiply-accumulates, which are the same everywhere, and against time on the machine that
// made the evaluation. Families of schedules are lines; each run is a point with its name beside it.

import { dot, gridX, gridY, line, link, ruleY, text } from "@observablehq/plot";
import type { DetailedEvaluation, EvaluationRun } from "../evaluate/index.ts";
import { chart } from "./chart.ts";
import type { Family, NamedRun } from "./family.ts";
import { milliseconds, percent, shareInPercent } from "./figures.ts";
import { type Bounds, placeLabels, type Place } from "./label-places.ts";
import { type Markup, markup } from "./markup.ts";
import { type Quality, qualityOf } from "./quality.ts";
import type { Section } from "./section.ts";

interface Cost {
  readonly title: string;
  readonly axis: string;
  readonly of: (run: EvaluationRun) => number;
  /** Least right end of the axis. */
  readonly upTo: number;
}

interface Point {
  readonly x: number;
  readonly y: number;
  readonly named: NamedRun;
}

interface Curve {
  readonly family: Family;
  readonly points: readonly Point[];
}

const width = 440;
const margin = { left: 44, right: 12, top: 28, bottom: 40 };

const costs: readonly Cost[] = [
  {
    title: "multiply-accumulates",
    axis: "MACs, % of the oracle's",
    of: (run) => run.macsRatio * 100,
    upTo: 100,
  },
  { title: "time", axis: "ms per frame", of: (run) => run.msPerFrame, upTo: 0 },
];

/** Both plots, side by side; `null` where there is only the oracle. */
export function costSection(evaluation: DetailedEvaluation, runs: readonly NamedRun[]): Section | null {
  if (runs.length < 2) return null;
  const quality = qualityOf(evaluation);
  const what = quality.name === "mIoU" ? "mIoU" : "Agreement with the oracle";
  const figures = costs.map(
    (cost) =>
      markup`<figure>${costPlot(runs, quality, cost)}<figcaption>${what} against ${cost.title}.</figcaption></figure>`,
  );
  const hollow = runs.some(({ family }) => family.flow)
    ? " Hollow points on dashed lines propagate along the flow."
    : "";
  const content = markup`<div class="pair">${figures}</div>
<p class="note">Up and to the left is better. ★ is the oracle; lines join schedules that differ in one number only and run to the oracle, which they become with a period of 1 or a threshold of 0. ✚ <code>skip</code> is the baseline: the whole network on every Kth frame.${hollow} The vertical axis does not start at 0.</p>`;
  return { id: "cost", title: `${quality.name === "mIoU" ? "Accuracy" : "Agreement"} against cost`, content };
}

function costPlot(runs: readonly NamedRun[], quality: Quality, cost: Cost): Markup {
  const points = runs.flatMap((named): readonly Point[] => {
    const y = quality.of(named.run);
    return y === null ? [] : [{ x: cost.of(named.run), y, named }];
  });
  const xDomain: [number, number] = [0, Math.max(cost.upTo, ...points.map(({ x }) => x)) * 1.04 || 1];
  const yDomain = padded(points.map(({ y }) => y));
  // Room for names where there are many.
  const height = 350 + Math.min(150, 10 * Math.max(0, points.length - 8));
  const frame: Bounds = {
    left: margin.left,
    top: margin.top,
    right: width - margin.right,
    bottom: height - margin.bottom,
  };
  const toPixels = ({ x, y }: Place): Place => ({
    x: frame.left + ((x - xDomain[0]) / (xDomain[1] - xDomain[0])) * (frame.right - frame.left),
    y: frame.bottom - ((y - yDomain[0]) / (yDomain[1] - yDomain[0])) * (frame.bottom - frame.top),
  });
  const toData = ({ x, y }: Place): Place => ({
    x: xDomain[0] + ((x - frame.left) / (frame.right - frame.left)) * (xDomain[1] - xDomain[0]),
    y: yDomain[0] + ((frame.bottom - y) / (frame.bottom - frame.top)) * (yDomain[1] - yDomain[0]),
  });
  const curves = curvesOf(points);
  const inPixels = points.map((point) => ({ ...toPixels(point), text: labelOf(point.named) }));
  const along = curves.flatMap((curve) => samples(curve.points.map(toPixels)));
  const labels = placeLabels(inPixels, along, frame).map((place, index) => ({
    ...toData(place),
    point: points[index],
    leader: place.leaderTo === null ? null : toData(place.leaderTo),
  }));
  const leaders = labels.flatMap(({ point, leader }) =>
    point === undefined || leader === null ? [] : [{ x1: point.x, y1: point.y, x2: leader.x, y2: leader.y }],
  );
  const oracle = points[0];
  return chart(descriptionOf(points, quality, cost), {
    width,
    height,
    marginLeft: margin.left,
    marginRight: margin.right,
    marginTop: margin.top,
    marginBottom: margin.bottom,
    x: { domain: xDomain, label: cost.axis, nice: false },
    y: { domain: yDomain, label: `${quality.name}, %`, nice: false },
    marks: [
      gridX({ stroke: "var(--grid)", strokeOpacity: 1 }),
      gridY({ stroke: "var(--grid)", strokeOpacity: 1 }),
      ...(oracle === undefined ? [] : [ruleY([oracle.y], { stroke: "var(--muted)", strokeDasharray: "2 4" })]),
      ...curves.map(({ family, points }) =>
        line(points, {
          x: "x",
          y: "y",
          stroke: family.colour,
          strokeWidth: 1.5,
          ...(family.flow ? { strokeDasharray: "5 3" } : {}),
        }),
      ),
      link(leaders, { x1: "x1", y1: "y1", x2: "x2", y2: "y2", stroke: "var(--muted)", strokeWidth: 0.75 }),
      dot(points, {
        x: "x",
        y: "y",
        r: 4.5,
        fill: ({ named }: Point) => (named.family.flow ? "var(--paper)" : named.family.colour),
        stroke: ({ named }: Point) => named.family.colour,
        strokeWidth: 1.5,
        symbol: ({ named }: Point) => named.family.shape,
        title: (point: Point) => titleOf(point, quality),
        className: "runs",
      }),
      text(labels, {
        x: "x",
        y: "y",
        text: ({ point }: (typeof labels)[number]) => (point === undefined ? "" : labelOf(point.named)),
        fill: ({ point }: (typeof labels)[number]) => point?.named.family.colour ?? "var(--ink)",
        stroke: "var(--paper)",
        strokeWidth: 3,
        fontWeight: 600,
        className: "names-of-runs",
      }),
    ],
  });
}

function labelOf({ name, index }: NamedRun): string {
  return index === 0 ? `${name} (oracle)` : name;
}

/** Families with at least two points, the oracle counted where it belongs to them; from little cost to much. */
function curvesOf(points: readonly Point[]): readonly Curve[] {
  const [oracle, ...others] = points;
  const curves = new Map<string, Point[]>();
  for (const point of others) {
    const members = curves.get(point.named.family.name);
    if (members === undefined) curves.set(point.named.family.name, [point]);
    else members.push(point);
  }
  return [...curves.values()].flatMap((members) => {
    const family = members[0]?.named.family;
    if (family === undefined) return [];
    const all = family.endsAtOracle && oracle !== undefined ? [...members, oracle] : members;
    return all.length < 2 ? [] : [{ family, points: [...all].sort((a, b) => a.x - b.x) }];
  });
}

/** Points every few pixels along a line. */
function samples(path: readonly Place[]): readonly Place[] {
  return path.slice(1).flatMap((to, index) => {
    const from = path[index] ?? to;
    const pieces = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / 5));
    return Array.from({ length: pieces }, (_, piece) => ({
      x: from.x + ((to.x - from.x) * piece) / pieces,
      y: from.y + ((to.y - from.y) * piece) / pieces,
    }));
  });
}

function padded(values: readonly number[]): [number, number] {
  const [low, high] = values.length === 0 ? [0, 100] : [Math.min(...values), Math.max(...values)];
  const room = Math.max((high - low) * 0.1, 0.5);
  return [low - room, high + room];
}

function titleOf({ named }: Point, quality: Quality): string {
  const { run, name } = named;
  return `${name}: ${quality.name} ${percent(quality.of(run))} %, MACs ${shareInPercent(run.macsRatio)} %, ${milliseconds(run.msPerFrame)} ms/frame`;
}

function descriptionOf(points: readonly Point[], quality: Quality, cost: Cost): string {
  const each = points.map(({ x, y, named }) => `${named.name} ${percent(y)} at ${percent(x)}`);
  return `${quality.name} in percent against ${cost.axis}: ${each.join("; ")}`;
}
