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
  const extra = here.extraArgs.length === 0 ? "" : ", ...extraArgs"
  const taken = [
    ...(name === undefined ? ["fn"] : []),
    "input",
    "ctx",
    ...(extra === "" ? [] : ["extraArgs"]),
  ]
  const input = job.describe(index)?.input
  return [
    `// Task ${index} of ${job.name}, here in the kernel${input === undefined ? "" : `; its input: ${oneLine(input)}`}`,
    'import { taskHere } from "cellfan"',
    `const { ${taken.join(", ")} } = taskHere(${JSON.stringify(job.id)}, ${index})`,
    `await ${name ?? "fn"}(input, ctx${extra})`,
  ].join("\n")
}

/** Nothing in an input may end the comment it stands in. */
function oneLine(text: string): string {
  const line = text.replace(/[\r\n\u2028\u2029]+/g, " ")
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}
