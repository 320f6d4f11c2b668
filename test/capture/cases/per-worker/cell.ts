import { perWorker } from "cellfan"
import { Socket } from "node:net"
let built = 0
class Client { #secret = 7; socket = new Socket(); ask(x: number) { return [x + this.#secret, built, this.socket instanceof Socket] } }
const settings = { wrapped: perWorker(() => { built++; return new Client() }) }
const client = settings.wrapped
const other = perWorker(() => ({ from: client.ask(1) }))
const inputs = [1, 2]
const task = (x: number) => [client.ask(x), settings.wrapped === client, client instanceof Client, other.from[0]]
// %% after
[results, built, client.ask(3)[0], built]
