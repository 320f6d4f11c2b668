import * as net from "net"
const inputs = [1, { connection: new net.Socket() }]
const task = (x: unknown) => x
