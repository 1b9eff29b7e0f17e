// Where the names of points go in a plot: beside their point, and clear of each other, of all points and of the lines as
// far as that can be. Greedy with a second round, on boxes of estimated width; no exact layout.

/** A point with its name, in pixels from the top left. */
export interface NamedPoint {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

/** A place in pixels from the top left. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** The box that labels have to stay in, in pixels. */
export interface Bounds {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Where a label went: its middle, and where a line to it ends if it stands so far off that it needs one. */
export interface LabelPlace extends Place {
  readonly leaderTo: Place | null;
}

/** Width of a bold character and height of a line at 12 px, in pixels. */
const charWidth = 7.3;
const lineHeight = 13;

/** Half the side of the box that is kept free around a point. */
const pointRoom = 5.5;

/** Distances from point to label, in pixels, nearest first. */
const distances = [11, 18, 29, 43];

/** Right first, then above: as people write. */
const directions: readonly Place[] = [
  { x: 1, y: 0 },
  { x: 0, y: -1 },
  { x: 1, y: -0.7 },
  { x: -1, y: 0 },
  { x: 0, y: 1 },
  { x: 1, y: 0.7 },
  { x: -1, y: -0.7 },
  { x: -1, y: 0.7 },
];

/** Places labels; `line` are points along what labels should not cover if they can help it. */
export function placeLabels(
  points: readonly NamedPoint[],
  line: readonly Place[],
  bounds: Bounds,
): readonly LabelPlace[] {
  const boxes = new Map<number, Bounds>();
  const places = new Map<number, LabelPlace>();
  for (const round of [1, 2]) {
    for (const [index, point] of points.entries()) {
      const others = [...boxes].filter(([other]) => other !== index).map(([, box]) => box);
      const best = candidatesOf(point)
        .map((candidate) => ({ ...candidate, cost: costOf(candidate, point, points, others, line, bounds) }))
        .reduce((least, next) => (next.cost < least.cost ? next : least));
      boxes.set(index, best.box);
      if (round === 2)
        places.set(index, { ...best.middle, leaderTo: best.ring >= 2 ? nearest(best.box, point) : null });
    }
  }
  return points.map((point, index) => places.get(index) ?? { ...point, leaderTo: null });
}

interface Candidate {
  readonly middle: Place;
  readonly box: Bounds;
  readonly ring: number;
  readonly turn: number;
}

function candidatesOf(point: NamedPoint): readonly Candidate[] {
  const halfWidth = (point.text.length * charWidth) / 2;
  const halfHeight = lineHeight / 2;
  return distances.flatMap((distance, ring) =>
    directions.map((direction, turn) => {
      const x = point.x + Math.sign(direction.x) * (Math.abs(direction.x) * distance * 0.9 + halfWidth);
      const y = point.y + Math.sign(direction.y) * (Math.abs(direction.y) * distance + halfHeight * 0.8);
      const box = { left: x - halfWidth, right: x + halfWidth, top: y - halfHeight, bottom: y + halfHeight };
      return { middle: { x, y }, box, ring, turn };
    }),
  );
}

/** Pixels of overlap, each kind by how much it hurts. */
function costOf(
  { box, ring, turn }: Candidate,
  own: Place,
  points: readonly Place[],
  others: readonly Bounds[],
  line: readonly Place[],
  bounds: Bounds,
): number {
  const inside = overlap(box, bounds);
  const area = (box.right - box.left) * (box.bottom - box.top);
  const onLabels = sum(others.map((other) => overlap(box, other)));
  const onPoints = sum(points.map((point) => overlap(box, around(point, pointRoom))));
  const onLine = sum(line.map((point) => overlap(box, around(point, 1.5))));
  // A label that stands nearer to another point would be taken for that one's.
  const reach = distanceTo(box, own) + 2;
  const strangers = points.filter((point) => point !== own && distanceTo(box, point) < reach).length;
  return strangers * 150 + (area - inside) * 20 + onLabels * 10 + onPoints * 10 + onLine * 0.8 + ring * 25 + turn * 1.5;
}

function overlap(a: Bounds, b: Bounds): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return Math.max(0, width) * Math.max(0, height);
}

function around({ x, y }: Place, room: number): Bounds {
  return { left: x - room, right: x + room, top: y - room, bottom: y + room };
}

function distanceTo(box: Bounds, place: Place): number {
  const edge = nearest(box, place);
  return Math.hypot(edge.x - place.x, edge.y - place.y);
}

function nearest(box: Bounds, { x, y }: Place): Place {
  return { x: Math.min(box.right, Math.max(box.left, x)), y: Math.min(box.bottom, Math.max(box.top, y)) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
