import { parseArgs } from "node:util"
import { FollowedJob, jobsIn } from "../backends/standalone/follow.ts"
import { attach } from "../executors/attach.ts"
import { placesFor } from "../executors/attached.ts"
import type { Job } from "../executors/job.ts"
import { given, listed } from "./worker.ts"

/** `cellfan job`, `cellfan attach`, `cellfan logs`: jobs that a queue keeps. */

const options = {
  nats: { type: "string", multiple: true },
  pool: { type: "string" },
  task: { type: "string" },
} as const

const cancelGraceMs = 500

function read(args: string[]) {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
  return {
    positionals,
    task: values.task,
    where: given({ nats: values.nats?.flatMap(listed), pool: values.pool }),
  }
}

export async function job(args: string[]): Promise<number> {
  const { positionals, where } = read(args)
  const [what, id] = positionals
  const places = placesFor(where)
  if (places.length === 0)
    throw new Error(
      "There is no queue to look into: name it, as in `cellfan job list --nats nats://host:4222`.",
    )
  if (what === "list") {
    for (const place of places)
      for (const { jobId, name, total, startedAtMs } of await jobsIn(place))
        console.log(`${jobId}  ${new Date(startedAtMs).toISOString()}  ${total} tasks  ${name}`)
    return 0
  }
  if (what !== "cancel" || id === undefined)
    throw new Error(
      `cellfan job takes list, or cancel with a job's id, but got ${positionals.join(" ") || "nothing"}.`,
    )
  const found = await FollowedJob.find(places, id)
  if (found === undefined)
    throw new Error(`There is no job ${id}; \`cellfan job list\` shows those there are.`)
  await found.cancel(cancelGraceMs)
  await found.close()
  console.log(`Cancelled ${id}: what waited does not run, what ran is ended.`)
  return 0
}

export async function attachJob(args: string[]): Promise<number> {
  const found = jobOf(args, "attach")
  await found.settled()
  const { done, failed, cancelled } = found.counts
  console.log(`Job ${found.id}: ${done} done, ${failed} failed, ${cancelled} cancelled.`)
  return found.then(
    () => 0,
    (error: unknown) => {
      console.error((error as Error).message)
      return 1
    },
  )
}

export async function logs(args: string[]): Promise<number> {
  const found = jobOf(args, "logs")
  const { task } = read(args)
  await found.settled()
  for (const { index, logs: entries } of found.tasks)
    if (task === undefined || Number(task) === index)
      for (const { text } of entries) process.stdout.write(task === undefined ? prefixed(text, index) : text)
  return found.then(
    () => 0,
    () => 0,
  )
}

function jobOf(args: string[], word: string): Job<unknown> {
  const { positionals, where } = read(args)
  const [id, more] = positionals
  if (id === undefined || more !== undefined)
    throw new Error(`cellfan ${word} takes the id of one job, but got ${positionals.join(" ") || "nothing"}.`)
  return attach(id, where)
}

function prefixed(text: string, index: number): string {
  return text.replace(/^(?=.)/gm, `[${index}] `)
}
