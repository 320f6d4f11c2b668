import { element, setText } from "./dom.ts"

/** Screen readers are told no more often than this. */
const restMs = 1000

/** A `role=status` line that always comes to say the latest. */
export class Announcer {
  readonly node = element("span", "cellfan-Hidden", { role: "status" })
  #latest = ""
  #saidAtMs = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  say(words: string): void {
    this.#latest = words
    if (this.node.textContent === words) return
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined
        this.#saidAtMs = Date.now()
        setText(this.node, this.#latest)
      },
      Math.max(0, this.#saidAtMs + restMs - Date.now()),
    )
  }

  dispose(): void {
    clearTimeout(this.#timer)
  }
}
