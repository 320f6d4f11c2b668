import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import packageFile from "../../package.json" with { type: "json" }
import { isRecord, PROTOCOL_VERSION } from "./wire.ts"

const require = createRequire(import.meta.url)

/** The compiler's file and version, found without loading it. */
export const compiler = { file: require.resolve("typescript"), version: versionOf("typescript") }

/** Content of kernel_info_reply. */
export const kernelInfo = {
  status: "ok",
  protocol_version: PROTOCOL_VERSION,
  implementation: "cellfan",
  implementation_version: packageFile.version,
  language_info: {
    name: "typescript",
    version: compiler.version,
    mimetype: "application/typescript",
    file_extension: ".ts",
    pygments_lexer: "typescript",
    codemirror_mode: "typescript",
    nbconvert_exporter: "script",
  },
  banner: `cellfan ${packageFile.version}: TypeScript ${compiler.version} on Node ${process.versions.node}`,
  debugger: false,
  supported_features: [],
  help_links: [
    { text: "TypeScript", url: "https://www.typescriptlang.org/docs/" },
    { text: "Node.js", url: `https://nodejs.org/docs/latest-v${process.versions.node.split(".")[0]}.x/api/` },
  ],
}

function versionOf(name: string): string {
  const file: unknown = JSON.parse(readFileSync(require.resolve(`${name}/package.json`), "utf8"))
  return isRecord(file) && typeof file.version === "string" ? file.version : "unknown"
}
