import { EventEmitter } from "node:events"
class Bus extends EventEmitter {}
const task = () => [new Bus()]
