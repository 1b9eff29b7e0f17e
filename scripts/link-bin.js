// Puts this package's own command where `npx` and npm scripts look for commands, as an installation elsewhere would:
// `npx clockwork` works in a checkout, too.
import { mkdirSync, rmSync, symlinkSync } from "node:fs";

const folder = new URL("../node_modules/.bin/", import.meta.url);
mkdirSync(folder, { recursive: true });
const link = new URL("clockwork", folder);
rmSync(link, { force: true });
if (process.platform !== "win32") symlinkSync("../../bin/clockwork.js", link);
