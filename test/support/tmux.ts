import { execFileSync } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"

/** A program at a terminal of its own, typed at as a person would. */
export class Terminal {
  readonly #server: string

  private constructor(server: string) {
    this.#server = server
  }

  /** `tmux`: path of the program. */
  static open(
    tmux: string,
    command: readonly string[],
    options: { cwd: string; env: NodeJS.ProcessEnv },
  ): Terminal {
    const terminal = new Terminal(`cellfan-${process.pid}-${Date.now()}`)
    // Without the user's tmux around it, and without their settings.
    const { TMUX, ...env } = options.env
    execFileSync(
      tmux,
      ["-L", terminal.#server, "-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "60", ...command],
      { cwd: options.cwd, env },
    )
    return terminal
  }

  /** What is on the screen, and above it. */
  screen(): string {
    return this.#tmux("capture-pane", "-p", "-S", "-")
  }

  /** Types a line and presses Enter. */
  line(text: string): void {
    this.#tmux("send-keys", "-l", text)
    this.#tmux("send-keys", "Enter")
  }

  /** Resolves with the screen once `pattern` is on it. */
  async until(pattern: RegExp, limitMs = 60_000): Promise<string> {
    const endMs = performance.now() + limitMs
    for (;;) {
      const screen = this.screen()
      if (pattern.test(screen)) return screen
      if (performance.now() > endMs) throw new Error(`No ${pattern} within ${limitMs} ms:\n${screen}`)
      await sleep(200)
    }
  }

  close(): void {
    this.#tmux("kill-server")
  }

  #tmux(...args: readonly string[]): string {
    return execFileSync("tmux", ["-L", this.#server, ...args], { encoding: "utf8" })
  }
}
