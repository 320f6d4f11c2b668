import { createHash } from "node:crypto"
const state = new Map([["md5", createHash("md5")]])
const task = () => state.get("md5")!.digest("hex")
