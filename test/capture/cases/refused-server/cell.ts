import { createServer } from "node:http"
const state = { servers: [createServer()] }
const task = () => state.servers.length
