// Debian's Chromium with its software renderer in place of a GPU, and a server for what its pages load.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type Page } from "playwright-core";

const browserPath = "/usr/bin/chromium";
const vulkanDriver = "/usr/lib/chromium/vk_swiftshader_icd.json";

/** Path of the browser; `undefined` where it is not installed. */
export const chromiumPath: string | undefined = existsSync(browserPath) ? browserPath : undefined;

/** Where Debian puts the loader of Vulkan, which the driver needs and Chromium's package does not bring. */
const vulkanLoaders = ["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu/libvulkan.so.1`);

/**
 * Description of the Vulkan driver that comes with the browser, for `VK_ICD_FILENAMES`; `undefined` where it or the loader is
 * not installed.
 */
export const swiftshader: string | undefined =
  existsSync(vulkanDriver) && vulkanLoaders.some((path) => existsSync(path)) ? vulkanDriver : undefined;

/** A page, and the address of its server. */
export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** Lines that the page wrote to its console. */
  readonly lines: readonly string[];
}

/**
 * Opens a page that has WebGPU in software.
 * @param script a module that has run when the page is there; it can import `/drive.js` and onnxruntime-web's files
 * @param files further bytes by path
 */
export async function openPage(
  executablePath: string,
  script: string,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<OpenPage> {
  const dist = dirname(fileURLToPath(import.meta.resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm")));
  const driver = fileURLToPath(new URL("../../web/drive.js", import.meta.url));
  const body = async (path: string): Promise<Uint8Array | string> => {
    if (path === "/") return `<!doctype html><script type="module">${script}</script>`;
    return files[path] ?? (await readFile(path === "/drive.js" ? driver : join(dist, path)));
  };
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    const type = /\.m?js$/.test(path) ? "text/javascript" : path.endsWith(".wasm") ? "application/wasm" : "text/html";
    body(path).then(
      (bytes) => response.setHeader("content-type", type).end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({
    executablePath,
    // Without a GPU process there is no adapter.
    ignoreDefaultArgs: ["--disable-gpu"],
    args: ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--headless=new", "--no-sandbox"],
  });
  const page = await browser.newPage();
  const lines: string[] = [];
  page.on("console", (message) => lines.push(message.text()));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return {
    page,
    lines,
    async [Symbol.asyncDispose]() {
      await browser.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
