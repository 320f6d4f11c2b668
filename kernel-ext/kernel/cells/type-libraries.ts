import { readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"

/**
 * The declarations of JavaScript itself and of Node as few files in place of a hundred and fifty. Every cell is a new
 * program to TypeScript, which then goes through all files and puts what they say about the same globals together once
 * more; of one file the parser has done so for good. That is half of what a small cell costs.
 */

export interface TypeLibraries {
  /** The file to give as `lib`, by its name. */
  readonly libraryName: string
  /** What a file is to be read as, where that is not what is on the disk. */
  readonly textOf: (path: string) => string | undefined
}

const LIBRARY_NAME = "lib.cellfan.d.ts"

/**
 * @param folder TypeScript's own library files.
 * @param names those that cells get, such as "es2023" and "decorators".
 */
export function typeLibraries(folder: string, names: readonly string[]): TypeLibraries {
  // Who refers to a part finds it empty: it is in the whole already.
  const texts = new Map<string, string>()
  const wholeLibrary = () => {
    const modules = new Set<string>()
    const parts = names.map((name) => libraryPart(folder, name, texts, modules))
    const referred = [...modules].map((name) => `/// <reference lib="${name}" />\n`)
    return `/// <reference no-default-lib="true"/>\n${referred.join("")}${parts.join("")}`
  }
  const made = (path: string) => {
    if (path === join(folder, LIBRARY_NAME)) return wholeLibrary()
    const isOfNode = /\/@types\/node\/(?:ts[\d.]+\/)?index\.d\.ts$/.test(path)
    return isOfNode ? wholeOfNode(path, texts) : undefined
  }
  return {
    libraryName: LIBRARY_NAME,
    // TypeScript asks twice for some, and what was put together once has no parts left to be put together again.
    textOf(path) {
      const text = texts.get(path) ?? made(path)
      if (text !== undefined) texts.set(path, text)
      return text
    },
  }
}

const reference = /^\/\/\/ *<reference (path|lib|types|no-default-lib) *= *"([^"]*)".*$/gm

/** A library after those it refers to; nothing of those that are modules, which `modules` then names: they stay files. */
function libraryPart(folder: string, name: string, texts: Map<string, string>, modules: Set<string>): string {
  const path = join(folder, `lib.${name}.d.ts`)
  if (texts.has(path) || modules.has(name)) return ""
  if (isModule(path)) {
    modules.add(name)
    return ""
  }
  texts.set(path, "")
  const text = readFileSync(path, "utf8")
  const before = [...text.matchAll(reference)].filter(([, kind]) => kind === "lib")
  const parts = before.map(([, , lib = ""]) => libraryPart(folder, lib, texts, modules))
  return `${parts.join("")}${text.replaceAll(reference, "")}\n`
}

/** Node's declarations as one file, after references to what stays files, which count at the top of a file only. */
function wholeOfNode(path: string, texts: Map<string, string>): string {
  const references: string[] = []
  const text = withReferenced(path, path, texts, references)
  return `${references.join("")}${text}`
}

/** A file after those it refers to, but for modules, whose names are their own: they stay files. */
function withReferenced(
  path: string,
  whole: string,
  texts: Map<string, string>,
  references: string[],
): string {
  const text = readFileSync(path, "utf8")
  const before: string[] = []
  for (const [line, kind, to = ""] of text.matchAll(reference)) {
    if (kind === "types") references.push(`${line}\n`)
    if (kind !== "path") continue
    const part = join(dirname(path), to)
    if (texts.has(part)) continue
    if (isModule(part)) references.push(`/// <reference path="${relative(dirname(whole), part)}" />\n`)
    else {
      texts.set(part, "")
      before.push(withReferenced(part, whole, texts, references))
    }
  }
  return `${before.join("")}${text.replaceAll(reference, "")}\n`
}

function isModule(path: string): boolean {
  return /^(?:import|export)\b/m.test(readFileSync(path, "utf8"))
}
