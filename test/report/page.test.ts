// The page as a reader of its markup sees it: parsed again, and compared with the evaluation that it shows.

import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import type { DetailedEvaluation } from "../../src/evaluate/index.ts";
import { reportHtml, type Strip } from "../../src/report/index.ts";
import { camVidClasses, sampleEvaluation, usualClocks } from "./sample.ts";

const evaluation = sampleEvaluation();
const clocksWithFlow = [...usualClocks, "fixed:2+flow", "fixed:5+flow", "adaptive:0.25@probe"];

describe("consistency", () => {
  it("has no column where it was not measured", () => {
    const head = (consistency: boolean): string =>
      pageOf(sampleEvaluation({ consistency })).querySelector("#summary thead")?.textContent ?? "";
    expect(head(true)).toContain("consistency");
    expect(head(false)).not.toContain("consistency");
    const caption = (consistency: boolean): string =>
      pageOf(sampleEvaluation({ consistency })).querySelector("#summary caption")?.textContent ?? "";
    expect(caption(true)).toContain("true labels have a consistency of 96.30");
    expect(caption(false)).not.toContain("consistency");
  });
});

describe("the summary", () => {
  it("has the numbers of the evaluation, the oracle first, then by cost", () => {
    const [oracle, ...others] = evaluation.runs;
    const expected = [oracle, ...others.toSorted((a, b) => b.macsRatio - a.macsRatio)];
    const rows = bodyRows(pageOf(evaluation), "#summary");
    expect(rows.map((row) => row[0]?.replace(" (oracle)", ""))).toEqual(expected.map((run) => run?.clock));
    for (const [index, run] of expected.entries()) {
      if (run === undefined) throw new Error("a run is missing");
      expect(rows[index]?.slice(2).map(numberIn)).toEqual(
        [
          ...run.updateRates.map((rate) => (100 * rate).toFixed(1)),
          (100 * run.macsRatio).toFixed(1),
          run.msPerFrame.toFixed(2),
          run.speedup.toFixed(2),
          run.mIoU?.toFixed(2),
          run.boundary?.mIoU.toFixed(2),
          run.accuracy?.toFixed(2),
          run.agreement.toFixed(2),
          run.agreementMIoU.toFixed(2),
          run.consistency?.value.toFixed(2),
          run.flicker?.toFixed(2),
          run.age.mean.toFixed(2),
          run.age.max,
          run.latencyMs.p50.toFixed(2),
          run.latencyMs.p95.toFixed(2),
          run.latencyMs.p99.toFixed(2),
          run.latencyMs.max.toFixed(2),
        ].map(Number),
      );
    }
  });

  it("has as many columns in its head as in its body", () => {
    const [groups = [], titles = []] = [...pageOf(evaluation).querySelectorAll("#summary thead tr")].map((row) => [
      ...row.querySelectorAll("th"),
    ]);
    const spans = groups.map((cell) => Number(cell.getAttribute("colspan") ?? 1)).reduce((a, b) => a + b, 0);
    const body = bodyRows(pageOf(evaluation), "#summary")[0]?.length;
    expect(spans).toBe(body);
    expect(titles.length + 2).toBe(body);
  });

  it("leaves out what needs labels where there are none, and compares by agreement", () => {
    const page = pageOf(sampleEvaluation({ labels: false }));
    expect(page.querySelector("#summary thead")?.textContent).not.toContain("boundary");
    expect(page.querySelector("#classes")).toBeNull();
    expect(page.querySelector("#cost h2")?.textContent).toBe("Agreement against cost");
  });
});

describe("the plots of cost", () => {
  it("have a point and a name for every run", () => {
    const page = pageOf(sampleEvaluation({ clocks: clocksWithFlow }));
    const plots = [...page.querySelectorAll("#cost svg")];
    expect(plots).toHaveLength(2);
    for (const plot of plots) {
      const points = [...plot.querySelectorAll("g.runs path")];
      expect(points.map((point) => point.querySelector("title")?.textContent?.split(": ")[0])).toEqual(clocksWithFlow);
      const names = [...plot.querySelectorAll("g.names-of-runs text")].map((name) => name.textContent);
      expect(names).toEqual(clocksWithFlow.map((clock) => (clock === "every" ? "every (oracle)" : clock)));
    }
  });

  it("put points where their numbers say", () => {
    const plot = pageOf(evaluation).querySelector("#cost svg");
    const places = [...(plot?.querySelectorAll("g.runs path") ?? [])].map((point) => translationOf(point));
    // Affine: the ratio of differences is the same for all runs.
    const [first, last] = [evaluation.runs[0], evaluation.runs[2]];
    const along = (value: number, from: number, to: number): number => (value - from) / (to - from);
    for (const [index, run] of evaluation.runs.entries()) {
      const inNumbers = [
        along(run.macsRatio, first?.macsRatio ?? 0, last?.macsRatio ?? 0),
        along(run.mIoU ?? 0, first?.mIoU ?? 0, last?.mIoU ?? 0),
      ];
      const place = places[index];
      expect(along(place?.x ?? 0, places[0]?.x ?? 0, places[2]?.x ?? 0)).toBeCloseTo(inNumbers[0] ?? 0, 2);
      expect(along(place?.y ?? 0, places[0]?.y ?? 0, places[2]?.y ?? 0)).toBeCloseTo(inNumbers[1] ?? 0, 2);
    }
    expect(places[0]?.x).toBeGreaterThan(places[2]?.x ?? Infinity);
    expect(places[0]?.y).toBeLessThan(places[2]?.y ?? -Infinity);
  });
});

describe("the table of classes", () => {
  it("has every class of every run, and its difference to the oracle", () => {
    const rows = bodyRows(pageOf(evaluation), "#classes");
    expect(rows.map((row) => row[0])).toEqual(camVidClasses);
    for (const [index, name] of camVidClasses.entries()) {
      const [oracle = null, ...others] = evaluation.runs.map((run) => run.perClass[name] ?? null);
      const expected = others.map((iou) => {
        if (iou === null || oracle === null) return "–";
        const apart = (iou - oracle).toFixed(2);
        return `${iou.toFixed(2)} ${apart.startsWith("-") ? apart.replace("-", "−") : `+${apart}`}`;
      });
      expect(rows[index]?.slice(1)).toEqual([oracle?.toFixed(2) ?? "–", ...expected]);
    }
  });
});

describe("plots over the video", () => {
  it("show a signal for every run that has one, with its threshold and its firings counted", () => {
    const page = pageOf(sampleEvaluation({ clocks: clocksWithFlow }));
    const figures = [...page.querySelectorAll("#signals figure")].map((figure) => figure.textContent);
    expect(figures).toHaveLength(3);
    const made = sampleEvaluation({ clocks: clocksWithFlow });
    for (const [at, clock] of ["adaptive:0.25", "adaptive:0.35", "adaptive:0.25@probe"].entries()) {
      const timeline = made.timelines[clocksWithFlow.indexOf(clock)];
      const fired = timeline?.fired.filter((stages) => stages[1] === true).length;
      expect(figures[at]).toContain(`threshold${clock.slice(9, 13)}`);
      expect(figures[at]).toContain(`${clock}: fired on ${fired} of 101 frames`);
    }
  });

  it("show the other runs as bar codes", () => {
    const names = [...pageOf(evaluation).querySelectorAll("#firings g.names-of-runs text")];
    expect(names.map((name) => name.textContent)).toEqual(["skip:2", "skip:5", "fixed:2", "fixed:5", "pipeline"]);
  });

  it("stay light for long videos, and say that they were drawn in steps", () => {
    const long = sampleEvaluation({ frames: 20_000, clocks: clocksWithFlow });
    const page = reportHtml(long, { strips: [] });
    expect(page.length).toBeLessThan(1.5e6);
    expect(page).toContain("Of 20,000 frames, each step of the plot stands for 27");
    expect(reportHtml(evaluation, { strips: [] })).not.toContain("each step");
  });
});

describe("the whole page", () => {
  it("asks for nothing from outside and runs nothing", () => {
    const text = reportHtml(evaluation, { strips: [stripOf("fixed:2")], command: "clockwork evaluate" });
    const page = parse(text);
    const attributes = [...page.querySelectorAll("*")].flatMap((element) => [...element.attributes]);
    const addresses = attributes.filter(({ name }) => /^(?:.*:)?(?:href|src|srcset|action|data|poster)$/.test(name));
    expect(addresses.length).toBeGreaterThan(10);
    for (const { value } of addresses) expect(value).toMatch(/^(?:#|data:image\/)/);
    expect(attributes.filter(({ name }) => name.startsWith("on"))).toEqual([]);
    expect(page.querySelectorAll("script, link, iframe, object, embed, base, form, foreignObject")).toHaveLength(0);
    expect(text).not.toMatch(/url\(|@import|https?:/);
    expect(page.querySelector("meta[http-equiv]")?.getAttribute("content")).toContain("default-src 'none'");
  });

  it("has links that lead somewhere", () => {
    const page = pageOf(evaluation);
    const links = [...page.querySelectorAll("nav a")].map((link) => link.getAttribute("href")?.slice(1) ?? "");
    expect(links.length).toBeGreaterThan(8);
    for (const link of links) expect(page.getElementById(link)?.tagName).toBe("SECTION");
  });

  it("shows text from data as it is, however it is spelt", () => {
    const nasty = `<b>"A" & 'B'</b> &amp; <script>alert(1)</script>`;
    const made = sampleEvaluation({ clocks: ["every", "adaptive:0.25"], sequences: [nasty], classes: [nasty, "road"] });
    const runs = made.runs.map((run, index) => (index === 0 ? run : { ...run, clock: nasty }));
    const strange: DetailedEvaluation = {
      ...made,
      dataset: nasty,
      model: nasty,
      notes: [nasty],
      protocol: { ...made.protocol, split: nasty, map: nasty },
      runs,
    };
    const strip = { ...stripOf(nasty), frameName: nasty, sequence: nasty };
    const page = parse(reportHtml(strange, { strips: [strip], title: nasty, madeWith: nasty, command: nasty }));
    expect(page.querySelectorAll("script")).toHaveLength(0);
    expect(page.querySelector("h1")?.textContent).toBe(nasty);
    expect(page.querySelector("title")?.textContent).toBe(nasty);
    expect(page.querySelector("#notes li")?.textContent).toBe(nasty);
    expect(page.querySelector("#classes tbody th")?.textContent).toBe(nasty);
    expect(page.querySelector("#summary tbody tr:last-child th")?.textContent).toBe(nasty);
    expect(page.querySelector("#protocol pre")?.textContent).toBe(nasty);
    expect(page.querySelector("#frames h3")?.textContent).toBe(nasty);
    expect(page.querySelector("#cost g.names-of-runs text:last-child")?.textContent).toBe(nasty);
    expect(page.querySelector("#cost svg")?.getAttribute("aria-label")).toContain(nasty);
    expect(page.querySelector("#frames img")?.getAttribute("alt")).toContain(nasty);
  });

  it("gives every plot, picture and table words for those who do not see it", () => {
    const page = parse(reportHtml(evaluation, { strips: [stripOf("fixed:2")] }));
    expect(page.documentElement.getAttribute("lang")).toBe("en");
    for (const plot of page.querySelectorAll("svg")) {
      expect(plot.getAttribute("role")).toBe("img");
      expect(plot.getAttribute("aria-label")?.length).toBeGreaterThan(20);
    }
    for (const picture of page.querySelectorAll("img")) expect(picture.getAttribute("alt")).not.toBe("");
    for (const table of page.querySelectorAll("table")) expect(table.querySelector("caption")).not.toBeNull();
    for (const head of page.querySelectorAll("th"))
      expect(head.getAttribute("scope")).toMatch(/^(?:col|row|colgroup)$/);
    const ids = [...page.querySelectorAll("[id]")].map((element) => element.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("carries the bytes of the pictures", () => {
    const strip = stripOf("skip:5");
    const [input, , , difference] = [
      ...parse(reportHtml(evaluation, { strips: [strip] })).querySelectorAll("#frames img"),
    ].map((image) => image.getAttribute("src") ?? "");
    expect(Buffer.from(input?.split("base64,")[1] ?? "", "base64")).toEqual(Buffer.from(strip.pictures.input.bytes));
    expect(difference?.startsWith("data:image/jpeg;base64,")).toBe(true);
  });

  it("is the same for the same evaluation", () => {
    expect(reportHtml(sampleEvaluation(), { strips: [] })).toBe(reportHtml(evaluation, { strips: [] }));
  });

  it("can be made of the oracle alone", () => {
    const page = pageOf(sampleEvaluation({ clocks: ["every"] }));
    expect(bodyRows(page, "#summary")).toHaveLength(1);
    expect([...page.querySelectorAll("#cost, #signals, #firings, #ages, #agreement")]).toHaveLength(0);
  });

  it("keeps apart two runs of one clock", () => {
    const twice = sampleEvaluation({ clocks: ["every", "fixed:2", "fixed:2"] });
    const still = bodyRows(pageOf(twice), "#summary").map((row) => row[0]);
    expect(still.slice(1)).toEqual(["fixed:2", "fixed:2 (2)"]);
    const flowing = { ...twice, runs: twice.runs.map((run, at) => (at === 2 ? { ...run, propagate: "flow" } : run)) };
    const rows = bodyRows(pageOf(flowing as DetailedEvaluation), "#summary");
    expect(rows.slice(1).map((row) => row.slice(0, 2))).toEqual([
      ["fixed:2", "still"],
      ["fixed:2+flow", "flow"],
    ]);
  });

  it("refuses evaluations without runs or timelines, and pictures that are none", () => {
    expect(() => reportHtml({ ...evaluation, runs: [], timelines: [] }, { strips: [] })).toThrow(/at least one run/);
    expect(() => reportHtml({ ...evaluation, timelines: [] }, { strips: [] })).toThrow(/8 runs and 0 timelines/);
    const strip = stripOf("skip:2");
    const input = { mediaType: `text/html"`, bytes: new Uint8Array() };
    expect(() => reportHtml(evaluation, { strips: [{ ...strip, pictures: { ...strip.pictures, input } }] })).toThrow(
      /media type/,
    );
  });
});

function pageOf(evaluation: DetailedEvaluation): Document {
  return parse(reportHtml(evaluation, { strips: [] }));
}

function parse(text: string): Document {
  return parseHTML(text).document;
}

/** Text of the cells of a section's table, row by row. */
function bodyRows(page: Document, section: string): readonly (readonly string[])[] {
  return [...page.querySelectorAll(`${section} tbody tr`)].map((row) =>
    [...row.querySelectorAll("th, td")].map((cell) => cell.textContent ?? ""),
  );
}

/** The number in a cell, without its marks. */
function numberIn(cell: string): number {
  return Number(cell.replace(/[◆×,\s]/g, ""));
}

function translationOf(element: Element): { readonly x: number; readonly y: number } {
  const [x = Number.NaN, y = Number.NaN] = (
    /translate\((.*)\)/.exec(element.getAttribute("transform") ?? "")?.[1] ?? ""
  )
    .split(",")
    .map(Number);
  return { x, y };
}

function stripOf(clock: string): Strip {
  // Longer than what is encoded at once.
  const bytes = Uint8Array.from({ length: 60_001 }, (_, index) => (index * 31) % 256);
  const picture = { mediaType: "image/png", bytes };
  const pictures = { input: picture, oracle: picture, ours: picture, difference: { mediaType: "image/jpeg", bytes } };
  return { clock, kind: "worst", frameName: "0016E5_01200", sequence: "0016E5", index: 12, agreement: 91.2, pictures };
}
