import { Socket } from "node:net"
const task = () => ({ socket: new Socket() })
