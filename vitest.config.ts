import { defineConfig, type ViteUserConfig } from "vitest/config";

// Worker threads are started from TypeScript sources in tests: `--import tsx` reaches them through the test process.
const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/slow/**", "node_modules/**"],
    pool: "forks",
    execArgv: ["--import", "tsx"],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

// oxlint-disable-next-line import/no-default-export -- the shape that vitest reads
export default config;
