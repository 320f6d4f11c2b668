import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { readFile, stat } from "node:fs/promises"
import { Readable } from "node:stream"
import { promisify } from "node:util"
import { constants, gzip } from "node:zlib"
import type { Connection } from "./connection.ts"
import { sshError } from "./errors.ts"
import { quote } from "./host-key.ts"
import type { Survey } from "./survey.ts"
import { upload } from "./upload.ts"

/** This machine's own Node, for hosts that have none. */

interface OwnNode {
  readonly bytes: Buffer
  readonly zipped: Buffer
  readonly hash: string
  /** The newest glibc that it asks for, as [2, 28]; undefined where it asks for none. */
  readonly glibc: readonly [number, number] | undefined
}

let own: Promise<OwnNode> | undefined

async function ownNode(): Promise<OwnNode> {
  own ??= (async () => {
    const bytes = await readFile(process.execPath)
    const zipped = await promisify(gzip)(bytes, { level: constants.Z_BEST_SPEED })
    const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 16)
    return { bytes, zipped, hash, glibc: glibcOf(bytes) }
  })()
  return own
}

/** A program names the versions of glibc whose symbols it takes. */
function glibcOf(bytes: Buffer): [number, number] | undefined {
  let newest: [number, number] | undefined
  for (let at = bytes.indexOf("GLIBC_2."); at >= 0; at = bytes.indexOf("GLIBC_2.", at + 8)) {
    const minor = Number(/^\d+/.exec(bytes.toString("latin1", at + 8, at + 11))?.[0] ?? 0)
    if (newest === undefined || minor > newest[1]) newest = [2, minor]
  }
  return newest
}

/** What speaks against this machine's Node on that host; undefined where nothing does. */
async function whyNot(there: Survey): Promise<string | undefined> {
  const here = `${process.platform} ${process.arch}`
  if (`${there.platform} ${there.arch}` !== here)
    return `this machine's Node is for ${here}, and the host is ${there.platform} ${there.arch}`
  if (there.platform !== "linux") return undefined
  const { glibc } = await ownNode()
  if (glibc === undefined) return undefined
  const needed = `this machine's Node needs glibc ${glibc.join(".")} or newer`
  if (there.libc === "musl") return `${needed}, and the host has musl`
  const [, major, minor] = /(\d+)\.(\d+)/.exec(there.libc) ?? []
  if (major !== undefined && (Number(major) < glibc[0] || Number(minor) < glibc[1]))
    return `${needed}, and the host has ${there.libc}`
  return undefined
}

/** Brings it there. Resolves with its path. @throws BackendError where it cannot run there: the host needs a Node of its own. */
export async function bringNode(
  connection: Connection,
  there: Survey,
  say: (text: string) => void,
): Promise<string> {
  const { name } = connection.settings
  const others = there.otherNodes.length === 0 ? "" : ` (it has ${there.otherNodes.join(", ")})`
  const lacks = `${name} has no Node 20.19, 22.12 or newer${others}`
  const install = "Install one there; a folder in your home will do: https://nodejs.org/en/download"
  const problem = await whyNot(there)
  if (problem !== undefined) throw sshError("setup", `${lacks}, and ${problem}. ${install}`)
  const { zipped, bytes, hash } = await ownNode()
  const path = `${there.folder}/node/${process.version}-${hash}/node`
  const sizeMB = Math.round(zipped.length / 1e6)
  say(`${lacks}: this machine's ${process.version} is brought there (${sizeMB} MB)`)
  const content = () => Readable.from([zipped])
  await upload(connection, {
    what: "Node",
    path,
    content,
    sizeBytes: bytes.length,
    mode: "700",
    zipped: true,
  })
  await tryIt(connection, path, `${lacks}, and this machine's does not run there`, install)
  return path
}

async function tryIt(connection: Connection, path: string, problem: string, way: string): Promise<void> {
  const file = quote(path)
  const told = await connection.script(
    "try its new Node",
    `if said=$(${file} -p process.version 2>&1 </dev/null); then echo "cellfan:ok=1"
     else echo "cellfan:problem=$(printf %s "$said" | head -n 1)"; rm -rf "$(dirname ${file})"; fi`,
  )
  if (!told.has("ok")) throw sshError("setup", `${problem}: ${told.get("problem")?.[0]}. ${way}`)
}

/** A file of this machine, as it is. */
export async function fileToUpload(path: string): Promise<{ content: () => Readable; sizeBytes: number }> {
  return { content: () => createReadStream(path), sizeBytes: (await stat(path)).size }
}
