import type { Interpreter } from "../types.ts"
import { configDeclarations, createConfigRuntime } from "./config.ts"
import { createExecutorList, executorListDeclarations } from "./executor-list.ts"
import { createExecutorRuntime, executorDeclarations } from "./executor-runtime.ts"
import { helpDeclarations, helpFor, listOfMagics } from "./help.ts"
import { createJobRuntime, jobDeclarations } from "./jobs.ts"
import type { Notebook } from "./magic.ts"
import { display, write } from "./output.ts"
import { createSessionRuntime, sessionDeclarations } from "./session.ts"
import { createTimeRuntime, timeDeclarations } from "./time.ts"

/** What translated magics call: the methods of all families in one object, and its type for the cells. */
export const runtimeType = `{${[
  executorDeclarations,
  executorListDeclarations,
  jobDeclarations,
  configDeclarations,
  timeDeclarations,
  sessionDeclarations,
  helpDeclarations,
].join("")}
}`

export function createRuntime(interpreter: Interpreter, notebook: Notebook) {
  const jobs = createJobRuntime()
  const executors = createExecutorRuntime()
  const methods = {
    ...executors.runtime,
    ...createExecutorList(executors, jobs, notebook),
    ...jobs.runtime,
    ...createConfigRuntime(),
    ...createTimeRuntime(),
    ...createSessionRuntime(),
    lsmagic: () => display(listOfMagics(notebook)),
    help(name: string): void {
      const magic = notebook.magics.get(name)
      if (magic !== undefined) display(helpFor(magic))
    },
    inspect(expression: string, detail: 0 | 1): void {
      const bundle = interpreter.inspect(expression, expression.length, detail)
      if (bundle === undefined) write(`Object \`${expression}\` not found.\n`)
      else display(bundle)
    },
  }
  return {
    methods,
    jobIds: () => jobs.ids(),
    async close(): Promise<void> {
      jobs.stop()
      await executors.close()
    },
  }
}
