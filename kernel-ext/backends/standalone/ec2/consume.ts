import { setTimeout as sleep } from "node:timers/promises"
import { BackendError } from "../../../errors.ts"
import type { HostEvents } from "../hosts.ts"
import type { Ec2Api } from "./api.ts"
import { codeOf } from "./api.ts"

/**
 * Instances that somebody has made: those that are stopped are started, and the script is run by Systems Manager, which needs no way in. They are
 * never ended.
 */

const readyMs = 180_000
const commandMs = 300_000

/** Runs the script on each. Resolves with what went wrong on those where it did not run. */
export async function runOnExisting(
  api: Ec2Api,
  ids: readonly string[],
  script: string,
  { events, pollMs, signal }: { events: HostEvents; pollMs: number; signal: AbortSignal },
): Promise<ReadonlyMap<string, BackendError>> {
  await startStopped(api, ids, events, signal)
  const failed = new Map<string, BackendError>()
  await Promise.all(
    ids.map(async (id) => {
      try {
        await runOne(api, id, script, { pollMs, signal })
      } catch (error) {
        signal.throwIfAborted()
        failed.set(id, error as BackendError)
      }
    }),
  )
  return failed
}

async function startStopped(
  api: Ec2Api,
  ids: readonly string[],
  events: HostEvents,
  signal: AbortSignal,
): Promise<void> {
  const { Reservations = [] } = await api.call(
    "ec2:DescribeInstances",
    `look up ${ids.join(", ")}`,
    (client, call) => client.send(new api.sdk.DescribeInstancesCommand({ InstanceIds: [...ids] }), call),
    signal,
  )
  const found = Reservations.flatMap(({ Instances = [] }) => Instances)
  const ended = found.filter(({ State }) => /terminated|shutting-down/.test(State?.Name ?? ""))
  if (ended.length > 0)
    throw problem(
      `The instance ${ended.map(({ InstanceId }) => InstanceId).join(", ")} was terminated, which cannot be undone: look at \`instanceIds\`.`,
    )
  const stopped = found
    .filter(({ State }) => /stop/.test(State?.Name ?? ""))
    .map(({ InstanceId = "" }) => InstanceId)
  if (stopped.length === 0) return
  events.say(`Starting ${stopped.join(", ")} …`)
  await api.call("ec2:StartInstances", `start ${stopped.join(", ")}`, (client) =>
    client.send(new api.sdk.StartInstancesCommand({ InstanceIds: stopped })),
  )
}

async function runOne(
  api: Ec2Api,
  id: string,
  script: string,
  { pollMs, signal }: { pollMs: number; signal: AbortSignal },
): Promise<void> {
  await managed(api, id, { pollMs, signal })
  const { Command } = await api.ssm(
    "ssm:SendCommand",
    `run a script on ${id}`,
    (client, sdk) =>
      client.send(
        new sdk.SendCommandCommand({
          InstanceIds: [id],
          DocumentName: "AWS-RunShellScript",
          Comment: "cellfan: start an agent",
          Parameters: { commands: script.split("\n") },
        }),
      ),
    signal,
  )
  const CommandId = Command?.CommandId ?? ""
  for (const deadline = Date.now() + commandMs; Date.now() < deadline; await sleep(pollMs)) {
    signal.throwIfAborted()
    const { Status = "", StandardErrorContent = "" } = await api
      .ssm("ssm:GetCommandInvocation", `see what became of the script on ${id}`, (client, sdk) =>
        client.send(new sdk.GetCommandInvocationCommand({ CommandId, InstanceId: id })),
      )
      .catch((error) => {
        if (codeOf(error) !== "InvocationDoesNotExist") throw error
        return { Status: "Pending", StandardErrorContent: "" }
      })
    if (Status === "Success") return
    if (!/Pending|InProgress|Delayed/.test(Status))
      throw problem(
        `The agent could not be started on ${id} (${Status}); its log is /var/log/cellfan.log${StandardErrorContent && `, and it said: ${StandardErrorContent.trim().slice(-400)}`}`,
      )
  }
  throw problem(`The script that starts the agent on ${id} did not end within ${commandMs / 1000} s.`)
}

/** Waits until Systems Manager reaches the instance. */
async function managed(
  api: Ec2Api,
  id: string,
  { pollMs, signal }: { pollMs: number; signal: AbortSignal },
): Promise<void> {
  for (const deadline = Date.now() + readyMs; Date.now() < deadline; await sleep(pollMs)) {
    signal.throwIfAborted()
    const { InstanceInformationList: [found] = [] } = await api.ssm(
      "ssm:DescribeInstanceInformation",
      `see whether Systems Manager reaches ${id}`,
      (client, sdk) =>
        client.send(
          new sdk.DescribeInstanceInformationCommand({ Filters: [{ Key: "InstanceIds", Values: [id] }] }),
        ),
      signal,
    )
    if (found?.PingStatus === "Online") return
  }
  throw problem(
    `Systems Manager does not reach ${id}: it needs the SSM agent (Amazon Linux and Ubuntu have it), an instance profile with AmazonSSMManagedInstanceCore, and a way to the network. Or reach it by SSH: option \`hosts\`.`,
  )
}

function problem(message: string): BackendError {
  return new BackendError(message, { backend: "aws_ec2", kind: "setup", retryable: false })
}
