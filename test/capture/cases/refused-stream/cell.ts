import { createReadStream } from "fs"
const source = createReadStream("/etc/passwd")
const task = () => source.path
