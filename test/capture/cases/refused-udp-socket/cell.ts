import { createSocket } from "node:dgram"
const udp = createSocket("udp4")
udp.unref()
const task = () => udp.address()
// %% after
udp.close()
