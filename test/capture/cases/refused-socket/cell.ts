import * as net from "net"
const client = { socket: new net.Socket() }
const task = () => client.socket
