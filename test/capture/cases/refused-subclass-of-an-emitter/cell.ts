import { EventEmitter } from "node:events"
class Bus extends EventEmitter {}
const bus = new Bus()
const task = () => bus.listenerCount("x")
