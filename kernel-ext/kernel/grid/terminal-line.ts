import type { JobView } from "../../executors/observe.ts"
import { jobSentence } from "../../protocol/job-words.ts"
import type { Cell } from "../types.ts"
import { jobText, summarize } from "./bundle.ts"
import type { Pulse } from "./pulse.ts"

/**
 * A job at a terminal: one line that is written over, at most once a second, and the whole story at the end. Several jobs at once take
 * turns on the line.
 */

const intervalMs = 1000
/** What a terminal surely has room for: a line that wraps cannot be written over. */
const columns = 79
const startOfLine = "\r\u001b[K"

export class TerminalLine {
  readonly #job: JobView
  readonly #cell: Cell
  #timer: NodeJS.Timeout | undefined
  #ended = false

  constructor(job: JobView, pulse: Pulse, cell: Cell) {
    this.#job = job
    this.#cell = cell
    pulse.listen(() => this.#look())
    this.#look()
    if (!this.#ended) this.#begin()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #begin(): void {
    this.#timer = setInterval(() => {
      const words = jobSentence(summarize(this.#job), Date.now())
      this.#write(words.length > columns ? `${words.slice(0, columns - 1)}…` : words)
    }, intervalMs).unref()
  }

  /** The job ended, or goes on after a retry. */
  #look(): void {
    if (this.#ended === (this.#job.endedAtMs !== undefined)) return
    this.#ended = !this.#ended
    clearInterval(this.#timer)
    if (this.#ended) this.#write(`${jobText(summarize(this.#job), Date.now())}\n`)
    else this.#begin()
  }

  #write(text: string): void {
    this.#cell.output.stream("stdout", startOfLine + text)
  }
}
