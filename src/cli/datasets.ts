// `clockwork datasets`: which datasets are read, where their owners give them, and the folders that are expected.

import { Command } from "commander";
import { layoutNamed, layouts, type Layout } from "../datasets/index.ts";
import { print } from "./terminal.ts";

interface DatasetsFlags {
  readonly json?: boolean;
}

/** The command. */
export function datasetsCommand(): Command {
  return new Command("datasets")
    .description("List the datasets that can be read, and show the folders of one.")
    .argument("[name]", "dataset to show in full, such as camvid")
    .option("--json", "print one JSON array on standard output")
    .addHelpText(
      "after",
      `
Nothing is downloaded: get a dataset from its owners, under their terms, and unpack it as they give it.

Examples:
  clockwork datasets                what can be read
  clockwork datasets cityscapes     its folders, splits and classes
  clockwork datasets folder         how to lay out your own data`,
    )
    .action((name: string | undefined, flags: DatasetsFlags) => {
      const shown = name === undefined ? layouts : [layoutNamed(name)];
      if (flags.json === true) print(JSON.stringify(shown.map(described), undefined, 2));
      else print(name === undefined ? shown.map(brief).join("\n\n") : shown.map(inFull).join("\n"));
    });
}

/** What there is to say of a layout, as data. */
function described(layout: Layout): Record<string, unknown> {
  const { name, title, licence, source, splits, defaultSplit, tree, notes } = layout;
  return { name, title, licence, source, splits, defaultSplit: defaultSplit ?? null, tree, notes };
}

function brief(layout: Layout): string {
  return [layout.name, ...facts(layout)].join("\n");
}

function inFull(layout: Layout): string {
  const tree = layout.tree.split("\n").map((line) => `    ${line}`);
  return [brief(layout), "", "  folders", ...tree, "", ...layout.notes.map((note) => `  ${note}`)].join("\n");
}

function facts({ title, licence, source, splits, defaultSplit }: Layout): string[] {
  const marked = splits.map((split) => (split === defaultSplit ? `${split} (default)` : split));
  return [
    `  ${title}`,
    `  licence  ${licence}`,
    `  from     ${source}`,
    ...(marked.length === 0 ? [] : [`  splits   ${marked.join(", ")}`]),
  ];
}
