// The teacher that a recipe names: a model whose scores a training follows.

import { ClockworkError } from "../../errors.ts";
import type { Recipe } from "../../train/recipe.ts";
import type { Teacher } from "../../train/teacher.ts";
import { checkSameClasses, type NamedClasses } from "./same-classes.ts";
import { networkOfFile } from "./starting-network.ts";

/**
 * Opens a recipe's teacher for its batch and crop; `undefined` where it has none.
 * @param student classes of the network that it teaches
 * @throws ClockworkError `invalid-argument` where classes differ, `unsupported-model` where it has no scores
 */
export async function openTeacher(recipe: Recipe, student: NamedClasses): Promise<Teacher | undefined> {
  if (recipe.teacher === undefined) return undefined;
  const { training, classNames, preprocessing, output } = await networkOfFile(recipe.teacher, recipe);
  const where = `teacher ${recipe.teacher}`;
  const { kind, layout, dtype, dims } = output;
  if (kind !== "scores" || layout !== "nchw" || dtype !== "float32") {
    throw new ClockworkError(
      "unsupported-model",
      `${where}: expected scores float32 [N,C,H,W], got ${kind} ${dtype} [${dims.join(",")}]`,
    );
  }
  if (classNames !== undefined) checkSameClasses([student, { where, classNames }]);
  const classes = dims[1];
  if (classes !== student.classNames.length) {
    throw new ClockworkError(
      "invalid-argument",
      `${where}: expected scores of the ${student.classNames.length} classes of ${student.where}, got ${classes}`,
    );
  }
  return { model: training, scores: output.name, preprocessing };
}
