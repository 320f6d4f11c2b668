import { readFile } from "node:fs/promises"
import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { gzipSync } from "node:zlib"
import { BackendError } from "../../../errors.ts"
import type { HeadRecipe, HostEvents, QueueAddress } from "../hosts.ts"
import type { Ec2Api } from "./api.ts"
import type { Delivery } from "./delivery.ts"
import { lastWords } from "./fleet.ts"
import { isThere, type ListedInstance, listInstances } from "./inventory.ts"
import { type LaunchSpec, launch } from "./launch.ts"
import { type ScriptFile, userData } from "./user-data.ts"

/**
 * The queue's server on an instance of its own. It is reached at one port, by TLS: by workers at its private address, and by the kernel at its public
 * one; its security group lets in the workers' group and the kernel's address, and nobody else. Its key and
 * certificate are made when its addresses are known, after it was launched; it fetches them from storage.
 */

export const headPort = 4222
export const headFolder = "/var/lib/cellfan"

/** Results are kept for a day; so is the server, after the last one who was connected. */
const idleMinutes = 24 * 60

const startMs = 300_000

export interface HeadPlan {
  readonly api: Ec2Api
  readonly delivery: Delivery
  readonly recipe: HeadRecipe
  readonly spec: Omit<LaunchSpec, "userData">
  readonly subnets: readonly (string | undefined)[]
  /** Whether the kernel stands where the private address is reached. */
  readonly isInside: boolean
  readonly pollMs: number
}

export interface RunningHead {
  readonly instance: ListedInstance
  readonly address: QueueAddress
}

/** The server that runs for this pool, or a new one. */
export async function startHead(
  plan: HeadPlan,
  events: HostEvents,
  signal: AbortSignal,
): Promise<RunningHead> {
  const { api, recipe } = plan
  const there = (await listInstances(api, { pool: recipe.pool }, signal)).find(
    (instance) => instance.role === "head" && isThere(instance),
  )
  if (there !== undefined) return reached(plan, await addressed(plan, there.id, signal), signal)
  const place = `head-${Date.now()}`
  const files = await plan.delivery.promise("files.tgz", place)
  const server = await readFile(await recipe.server(plan.spec.machine.platform))
  const program = await plan.delivery.send("nats-server.gz", gzipSync(server, { level: 1 }))
  const spec: LaunchSpec = { ...plan.spec, userData: headScript(recipe.pool, [program, files.file]) }
  const order = { count: 1, markets: ["on-demand" as const], subnets: plan.subnets }
  const { launched, shortage } = await launch(api, spec, order, signal)
  const [head] = launched
  if (head === undefined) throw shortage ?? lost("The queue's server got no instance.")
  events.say(`Launched ${head.id} (${spec.machine.instanceType}) for the queue's server.`)
  const instance = await addressed(plan, head.id, signal)
  // NATS' client names no host that is an address, and Node then checks the certificate for its default.
  const addresses = [instance.privateAddress, instance.publicAddress, "localhost"].filter(
    (one) => one !== undefined,
  )
  const made = recipe.files({ folder: headFolder, port: headPort, addresses })
  await files.put(packed(made))
  return reached(plan, instance, signal)
}

/** Waits until the server answers here. */
async function reached(plan: HeadPlan, instance: ListedInstance, signal: AbortSignal): Promise<RunningHead> {
  const { api, recipe, isInside, pollMs } = plan
  const host = (isInside ? instance.privateAddress : instance.publicAddress) ?? ""
  for (const deadline = Date.now() + startMs; !(await answers(host)); ) {
    const all = await listInstances(api, { pool: recipe.pool }, signal)
    const found = all.find(({ id }) => id === instance.id)
    if (found !== undefined && !isThere(found))
      throw lost(
        `The instance ${instance.id}, which was to run the queue's server, ended: ${(await lastWords(api, instance.id)) ?? found.endReason}.`,
      )
    if (Date.now() > deadline)
      throw lost(
        `The queue's server on ${instance.id} does not answer at ${host}:${headPort} within ${startMs / 1000} s: look at the network between this kernel and its subnet, and at /var/log/cellfan.log there.`,
      )
    await sleep(pollMs, undefined, { signal })
  }
  return { instance, address: addressOf(instance, plan) }
}

function answers(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: headPort, timeout: 3000 })
    const end = (isThere: boolean) => () => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once("connect", end(true)).once("error", end(false)).once("timeout", end(false))
  })
}

/** Files in one, which the script takes apart by lines: a name, and what is in it as base64. */
function packed(files: Readonly<Record<string, string>>): Uint8Array {
  const lines = Object.entries(files).map(
    ([name, text]) => `${name} ${Buffer.from(text).toString("base64")}\n`,
  )
  return gzipSync(lines.join(""))
}

function headScript(pool: string, files: readonly ScriptFile[]): Uint8Array {
  return userData({
    title: `cellfan: the queue's server of ${pool}`,
    folder: headFolder,
    files,
    prepare: [
      "gunzip -f nats-server.gz || die 'the server could not be unpacked'",
      'gunzip -c files.tgz | while read -r name text; do base64 -d <<<"$text" >"$name"; done',
      "rm -f files.tgz",
    ],
    executables: ["nats-server"],
    run: "./nats-server -c nats.conf",
    end: { port: headPort, idleMinutes },
  })
}

/** Waits until it runs and has its addresses. */
async function addressed(plan: HeadPlan, id: string, signal: AbortSignal): Promise<ListedInstance> {
  const { api, recipe, isInside, pollMs } = plan
  for (const deadline = Date.now() + startMs; Date.now() < deadline; ) {
    const all = await listInstances(api, { pool: recipe.pool }, signal)
    const found = all.find((instance) => instance.id === id)
    if (found !== undefined && !isThere(found))
      throw lost(`The instance ${id}, which was to run the queue's server, ended: ${found.endReason}.`)
    if (found?.state === "running" && found.privateAddress !== undefined) {
      if (isInside || found.publicAddress !== undefined) return found
      throw lost(
        `The instance ${id}, which runs the queue's server, has no public address, so that this kernel cannot reach it: give \`subnets\` whose instances get one, or \`kernelAddress\` where the kernel is within the VPC, or name a server of your own with \`nats\`.`,
      )
    }
    await sleep(pollMs, undefined, { signal })
  }
  throw lost(
    `The instance ${id}, which is to run the queue's server, did not start within ${startMs / 1000} s.`,
  )
}

function addressOf({ privateAddress, publicAddress }: ListedInstance, { isInside }: HeadPlan): QueueAddress {
  const at = (host: string | undefined) => `tls://${host}:${headPort}`
  return { agents: [at(privateAddress)], kernel: [at(isInside ? privateAddress : publicAddress)] }
}

function lost(message: string): BackendError {
  return new BackendError(message, { backend: "aws_ec2", kind: "setup", retryable: false })
}
