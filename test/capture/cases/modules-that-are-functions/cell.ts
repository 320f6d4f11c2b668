import { EventEmitter } from "node:events"
const lodash = require("lodash")
const assert = require("node:assert")
class Bus extends EventEmitter { twice(n: number) { let sum = 0; this.on("n", (x) => { sum += x }); this.emit("n", n); this.emit("n", n); return sum } }
const tools = { lodash, path: require("path"), disk: require("fs").promises }
const task = () => { assert(true); assert.equal(1, 1); return [new Bus().twice(4), lodash([1, 2]).sum(), tools.lodash.chunk([1, 2, 3], 2), tools.path.basename("/a/b"), typeof tools.disk.readFile, new Bus() instanceof EventEmitter] }
