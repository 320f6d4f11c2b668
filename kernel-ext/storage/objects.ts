import { readFile, stat } from "node:fs/promises"
import { homedir } from "node:os"
import { isAbsolute, resolve, sep } from "node:path"
import { fileURLToPath } from "node:url"
import { StorageError } from "../errors.ts"
import type { ObjectInfo, PartitionOptions } from "../protocol/storage.ts"
import { checkOptions } from "./call-options.ts"
import { refuseCompressedName } from "./compressed.ts"
import { walk } from "./files-walk.ts"
import { parsePattern } from "./glob.ts"
import { measureUrl } from "./http.ts"
import { findStorage } from "./known.ts"
import { checkBucket, describe } from "./names.ts"
import { ObjectPart, type Source, sourceOf } from "./partition.ts"
import { storageBackends } from "./provider.ts"
import { StorageClient } from "./storage.ts"

/** URLs, paths and patterns → partitions. Of the objects, only their sizes are asked for. */

/** An object that was found. */
interface Found {
  readonly at: Source
  readonly size: number
}

/** URLs whose sizes are asked for at once. */
const urlsAtOnce = 16

/** Partitions in the order of the sources, and of the keys where a source has many. */
export async function* partitions(
  sources: string | readonly string[],
  options: PartitionOptions,
  storage: StorageClient,
): AsyncGenerator<ObjectPart> {
  const cut = cutOf(options)
  const authority = options.caFile === undefined ? undefined : await readFile(options.caFile, "utf8")
  const around: Around = { storage, authority, signal: options.signal }
  const list = typeof sources === "string" ? [sources] : sources
  if (!Array.isArray(list) || !list.every((source) => typeof source === "string" && source !== ""))
    throw new TypeError(
      `storage.objects takes a URL, a path or a pattern, none of them empty, or a list of them; got ${show(sources)}.`,
    )
  for (let at = 0; at < list.length; at += urlsAtOnce) {
    const some = list.slice(at, at + urlsAtOnce).map((source) => ahead(find(source, around)))
    for (const found of some) {
      for await (const one of found) yield* cutUp(one, cut)
    }
  }
}

function show(sources: unknown): string {
  if (!Array.isArray(sources)) return sources === "" ? "an empty text" : describe(sources)
  const wrong = sources.findIndex((source) => typeof source !== "string" || source === "")
  return `a list whose element ${wrong} is ${sources[wrong] === "" ? "empty" : describe(sources[wrong])}`
}

/** Begins at once, so that what is waited for by one source is used by the others. */
function ahead<T>(items: AsyncGenerator<T>): AsyncIterable<T> {
  const first = items.next()
  first.catch(() => {})
  return (async function* () {
    const step = await first
    if (step.done === true) return
    yield step.value
    yield* items
  })()
}

/** What sources are found with. */
interface Around {
  readonly storage: StorageClient
  readonly authority: string | undefined
  readonly signal: AbortSignal | undefined
}

interface Cut {
  readonly chunkSize: number | undefined
  readonly chunkCount: number | undefined
  readonly newline: string | undefined
}

function cutOf(options: PartitionOptions): Cut {
  checkOptions(options, "storage.objects", ["chunkSize", "chunkCount", "newline", "caFile", "signal"])
  const { chunkSize, chunkCount, newline, caFile } = options
  if (caFile !== undefined && typeof caFile !== "string")
    throw new TypeError(
      `Option \`caFile\` of storage.objects takes the path of a PEM file, but got ${typeof caFile}.`,
    )
  for (const [name, value] of Object.entries({ chunkSize, chunkCount })) {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 1))
      throw new RangeError(
        `Option \`${name}\` of storage.objects takes an integer of at least 1, but got ${JSON.stringify(value)}.`,
      )
  }
  if (chunkSize !== undefined && chunkCount !== undefined)
    throw new TypeError("storage.objects takes chunkSize or chunkCount, but got both.")
  if (newline !== undefined && (typeof newline !== "string" || newline === ""))
    throw new TypeError('Option `newline` of storage.objects takes the text that ends a line, such as "\\n".')
  if (newline !== undefined && overlapsItself(newline))
    throw new TypeError(
      `Option \`newline\` of storage.objects takes a text that cannot overlap itself, but got ${JSON.stringify(newline)}: among several in a row, a partition could not tell where a line ends.`,
    )
  return { chunkSize, chunkCount, newline }
}

/** Whether it begins as it ends, as "||" does. */
function overlapsItself(text: string): boolean {
  for (let length = 1; length < text.length; length++) if (text.startsWith(text.slice(-length))) return true
  return false
}

function* cutUp({ at, size }: Found, { chunkSize, chunkCount, newline }: Cut): Generator<ObjectPart> {
  if (newline !== undefined) refuseCompressedName(sourceOf(at))
  // A server that gives no parts would be asked for the whole again and again.
  const isWhole = at.kind === "url" && !at.ranges
  const wanted = chunkCount ?? (chunkSize === undefined ? 1 : Math.ceil(size / chunkSize))
  const count = isWhole ? 1 : Math.max(1, Math.min(wanted, size))
  const border = (index: number): number =>
    index === count ? size : chunkSize === undefined ? Math.floor((index * size) / count) : index * chunkSize
  for (let index = 0; index < count; index++) {
    const [start, end] = [border(index), border(index + 1)]
    yield new ObjectPart({ at, index, count, start, end, objectSizeBytes: size, newline })
  }
}

function find(source: string, { storage, authority, signal }: Around): AsyncGenerator<Found> {
  const [, scheme, rest = ""] = /^([a-z][a-z0-9+_.-]+):\/\/(.*)$/s.exec(source) ?? []
  if (scheme === undefined) return findFiles(source, () => noFile(source, storage))
  if (scheme === "http" || scheme === "https") return findUrl(source, authority, signal)
  if (scheme === "file") return findFiles(pathOf(source), () => nothingFound(source, "localhost"))
  const [bucket = "", ...key] = rest.split("/")
  return findObjects(
    storageFor(scheme, storage, source).in(checkBucket(bucket)),
    key.join("/"),
    source,
    signal,
  )
}

/** A path's own `?` and `#` need not be escaped. */
function pathOf(fileUrl: string): string {
  try {
    return fileURLToPath(fileUrl.replaceAll(/[?#]/g, encodeURIComponent))
  } catch (cause) {
    throw new TypeError(
      `storage.objects takes file:///folder/file, but got ${fileUrl}: ${(cause as Error).message}.`,
      { cause },
    )
  }
}

/** "s3" means the storage that is asked, if it speaks S3; otherwise Amazon's. Any backend can be named. */
function storageFor(scheme: string, storage: StorageClient, source: string): StorageClient {
  if (scheme === storage.backend || (scheme === "s3" && storage.backend !== "localhost")) return storage
  const backend = scheme === "s3" ? "aws_s3" : scheme
  if (storageBackends.includes(backend)) return new StorageClient(() => findStorage(backend, undefined))
  throw new TypeError(
    `storage.objects does not know the scheme of ${source}; it takes s3://, file://, https://, a path, or a backend: ${storageBackends.join(", ")}.`,
  )
}

async function* findObjects(
  storage: StorageClient,
  wanted: string,
  source: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Found> {
  const pattern = parsePattern(wanted)
  const call = signal === undefined ? {} : { signal }
  const at = ({ key, etag }: ObjectInfo): Source => ({
    kind: "object",
    ...storage.identify(),
    bucket: storage.bucket ?? "",
    ...{ key, etag },
  })
  if (pattern.isLiteral) {
    const object = await storage.head(wanted, call)
    yield { at: at(object), size: object.sizeBytes }
    return
  }
  let any = false
  for await (const object of storage.list(pattern.prefix, call)) {
    // A key that ends with a slash stands for a folder, in consoles that show folders.
    if (object.key.endsWith("/") || !pattern.matches(object.key)) continue
    any = true
    yield { at: at(object), size: object.sizeBytes }
  }
  if (!any) throw nothingFound(source, storage.backend)
}

async function* findFiles(path: string, missing: () => StorageError): AsyncGenerator<Found> {
  const absolute = resolve(path.replace(/^~(?=[\\/]|$)/, homedir())).replaceAll(sep, "/")
  const isFolder =
    path.endsWith("/") ||
    (await stat(absolute).then(
      (found) => found.isDirectory(),
      () => false,
    ))
  const literal = await stat(absolute).catch(() => undefined)
  if (literal?.isFile()) {
    yield { at: { kind: "file", path: absolute }, size: literal.size }
    return
  }
  const pattern = parsePattern(isFolder ? `${absolute}/` : absolute)
  const folder = pattern.prefix.slice(0, pattern.prefix.lastIndexOf("/") + 1)
  let any = false
  for await (const key of walk(folder, pattern.prefix.slice(folder.length))) {
    if (!pattern.matches(`${folder}${key}`)) continue
    // A link may lead nowhere, and a file may be gone by now.
    const found = await stat(`${folder}${key}`).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined
      throw error
    })
    if (!found?.isFile()) continue
    any = true
    yield { at: { kind: "file", path: `${folder}${key}` }, size: found.size }
  }
  if (!any) throw missing()
}

async function* findUrl(
  url: string,
  given: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Found> {
  checkUrl(url)
  const authority = url.startsWith("https:") ? given : undefined
  const { size, ranges, etag } = await measureUrl(url, authority, signal)
  yield { at: { kind: "url", url, ranges, etag, authority }, size }
}

/** @throws TypeError for what `fetch` would refuse in words of its own, which repeat the password. */
function checkUrl(url: string): void {
  if (!URL.canParse(url))
    throw new TypeError(`storage.objects takes URLs, but ${JSON.stringify(url)} is none.`)
  const { username, password, host } = new URL(url)
  if (username + password !== "")
    throw new TypeError(
      `storage.objects takes no URL with a user's name or password in it, such as the one of ${host}: it is seen wherever the task's input is. Fetch it in the task instead.`,
    )
}

/** A path may have been meant as the key of an object. */
function noFile(path: string, { backend, bucket = "BUCKET" }: StorageClient): StorageError {
  if (isAbsolute(path)) return nothingFound(path, "localhost")
  const message = `No file matches ${path} in ${process.cwd()}. Objects of the storage are named with their bucket: ${backend}://${bucket}/${path}.`
  return new StorageError(message, { kind: "not-found", backend: "localhost" })
}

/** A job over nothing looks as if it had worked. */
function nothingFound(source: string, backend: string): StorageError {
  return new StorageError(`Nothing matches ${source}.`, { kind: "not-found", backend })
}
