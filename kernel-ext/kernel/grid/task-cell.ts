import { boundName } from "../../capture/capture.ts"
import type { JobView } from "../../executors/observe.ts"

/**
 * A cell that runs one task in the kernel, where breakpoints, `console.log` and the notebook's variables are. A function
 * that a cell declared is called by its name, so that an edit of it counts; any other is taken from the job.
 */
export function taskCell(job: JobView, index: number): string {
  const here = job.here?.(index)
  if (here === undefined) return `// Job ${job.id} has no task ${index} to run here.`
  const name = boundName(here.fn)
  const given = ["input", "ctx", ...(here.extraArgs.length === 0 ? [] : ["...extraArgs"])]
  const passed = name === undefined ? given : given.slice(0, mostArguments(here.fn))
  const taken = [...(name === undefined ? ["fn"] : []), ...passed.map((one) => one.replace("...", ""))]
  const input = job.describe(index)?.input
  return [
    `// Task ${index} of ${job.name}, here in the kernel${input === undefined ? "" : `; its input: ${oneLine(input)}`}`,
    ...(taken.length === 0 ? [] : takeLines(job.id, index, taken)),
    `await ${name ?? "fn"}(${passed.join(", ")})`,
  ].join("\n")
}

function takeLines(jobId: string, index: number, taken: readonly string[]): string[] {
  return [
    'import { taskHere } from "cellfan"',
    `const { ${taken.join(", ")} } = taskHere(${JSON.stringify(jobId)}, ${index})`,
  ]
}

/** A cell is checked: TypeScript refuses arguments that a function does not name. Defaults and rests may take any number. */
function mostArguments(fn: CallableFunction): number {
  const text = Function.prototype.toString.call(fn)
  const head = text.slice(0, text.search(/=>|\)\s*\{/))
  return /=|\.\.\./.test(head) ? Number.POSITIVE_INFINITY : fn.length
}

/** Nothing in an input may end the comment it stands in. */
function oneLine(text: string): string {
  const line = text.replace(/[\r\n\u2028\u2029]+/g, " ")
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}
