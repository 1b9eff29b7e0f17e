import { defineConfig, type ViteUserConfig } from "vitest/config";

// Worker threads run TypeScript sources in tests: the hook reaches them through the test process.
const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/slow/**", "node_modules/**"],
    // Tests of the command line run the built files.
    globalSetup: ["test/support/fresh-build.ts"],
    pool: "forks",
    execArgv: ["--import", "./scripts/typescript.js"],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

// oxlint-disable-next-line import/no-default-export -- the shape that vitest reads
export default config;
