import * as fs from "node:fs"
import { createHash } from "crypto"
import path, { join } from "path"
import { readFile } from "fs/promises"
import os = require("os")
const { existsSync } = fs
const digest = (text: string) => createHash("md5").update(text).digest("hex").slice(0, 4)
const readers = { read: fs.promises.readFile, exists: existsSync, posix: path.posix }
const inputs = ["a"]
const task = async (x: string) => [digest(x), fs.existsSync("/"), join("a", "b"), path.basename("/q/z"), (await readFile("/etc/passwd")).length > 0, os.EOL, existsSync("/"), readers.exists("/"), typeof readers.read, readers.posix.sep]
