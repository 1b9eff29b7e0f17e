// Teachers as models on disk: which are taken, and which are refused.

import { join } from "node:path";
import { expect, test } from "vitest";
import { openTeacher } from "../../../src/node/training/teacher.ts";
import { modelOf, type Model } from "../../../src/onnx/index.ts";
import { temporaryFolder, writeModelFolder } from "../../support/model-folder.ts";
import { TrialNetwork } from "../../support/trial-network.ts";
import { tiny } from "../../node/training/tiny-training.ts";

const classNames = ["road", "sky", "Traffic Light"];
const crop = { widthPx: 48, heightPx: 32 };

function network(hasLabels = false): Model {
  const trial = new TrialNetwork(crop.heightPx, crop.widthPx);
  const scores = trial.conv("scores", trial.image, classNames.length);
  if (hasLabels) {
    const labels = trial.node("labels", "ArgMax", [scores.name], 1, { axis: 1, keepdims: 0 });
    trial.graph.output(labels.name, "int64", [1, crop.heightPx, crop.widthPx]);
  } else {
    trial.graph.output(scores.name, "float32", [1, classNames.length, crop.heightPx, crop.widthPx]);
  }
  return modelOf(trial.graph.build());
}

test("a teacher is opened for the recipe's batch, with how it sees pictures, and has to know the classes", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "big");
  const preprocessor = { do_resize: false, do_flip_channel_order: true, do_rescale: false };
  await writeModelFolder(path, network(), { classNames, preprocessor });
  const losses = [{ kind: "distillation" }];
  const recipe = tiny({ batch: 3, augmentation: { crop }, teacher: path, losses });
  const teacher = await openTeacher(recipe, { where: "street", classNames: ["Road", "sky", "traffic_light"] });
  expect(teacher?.model.graph.inputs.map(({ type }) => type.kind === "tensor" && type.shape)).toEqual([[3, 3, 32, 48]]);
  expect(teacher?.scores).toBe("scores");
  expect(teacher?.preprocessing).toMatchObject({ channelOrder: "bgr", scale: 1 });

  await expect(openTeacher(recipe, { where: "street", classNames: ["sky", "road", "x"] })).rejects.toThrow(
    /^teacher .*big: expected the classes of street, 3 \(sky, road, x\), got 3 \(road, sky, Traffic Light\)/u,
  );
  expect(await openTeacher(tiny(), { where: "street", classNames })).toBeUndefined();

  const nameless = join(folder.path, "nameless.onnx");
  await writeModelFolder(join(folder.path, "labels"), network(true), { classNames });
  const bare = tiny({ augmentation: { crop }, teacher: join(folder.path, "labels"), losses });
  await expect(openTeacher(bare, { where: "street", classNames })).rejects.toThrow("expected scores float32");
  await expect(openTeacher({ ...bare, teacher: nameless }, { where: "street", classNames })).rejects.toThrow(nameless);
});
