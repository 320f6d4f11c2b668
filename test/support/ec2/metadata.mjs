import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"

/** An instance's metadata service, version 2: node metadata.mjs FILE DELAY_MS. Runs within the instance's network, as root of the machine. */

const [file, delayMs] = process.argv.slice(2)
const token = "dG9rZW4="

// Instances often run before it answers.
await sleep(Number(delayMs))

createServer((request, response) => {
  const { method, url = "/", headers } = request
  // Not Amazon's: the instance's own `shutdown` asks for power to be cut.
  if (method === "POST" && url === "/shutdown") {
    process.stdout.write("shutdown\n")
    response.end()
  } else if (method === "PUT" && url === "/latest/api/token") response.end(token)
  else if (headers["x-aws-ec2-metadata-token"] !== token) response.writeHead(401).end()
  else {
    const value = JSON.parse(readFileSync(file, "utf8"))[url.replace("/latest/meta-data/", "")]
    if (value === undefined) response.writeHead(404).end()
    else response.end(value)
  }
}).listen(80, "169.254.169.254")
