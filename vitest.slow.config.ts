import { defineConfig, mergeConfig, type ViteUserConfig } from "vitest/config";
import config from "./vitest.config.ts";

// Tests that take minutes: soak, full data sets.
const slow: ViteUserConfig = mergeConfig(
  { ...config, test: { ...config.test, include: [], exclude: [] } },
  defineConfig({
    test: { include: ["test/slow/**/*.test.ts"], testTimeout: 1_200_000, hookTimeout: 120_000 },
  }),
);

// oxlint-disable-next-line import/no-default-export -- the shape that vitest reads
export default slow;
