import { inCell, tellCellEnd } from "../../../kernel-ext/kernel/current-cell.ts"
import { attachGrid } from "../../../kernel-ext/kernel/grid.ts"
import type { Cell, Comm, Comms, DisplayBundle } from "../../../kernel-ext/kernel/types.ts"
import {
  parseViewMessage,
  type ViewCommand,
  type ViewMessage,
} from "../../../kernel-ext/protocol/job-view.ts"

/** A front end in this process: the grid's own comms and outputs, with memory where the wire would be. */

export interface Received {
  readonly message: ViewMessage
  readonly buffers: readonly Uint8Array[]
}

export class FrontEnd {
  readonly outputs: { readonly kind: "display" | "update"; readonly bundle: DisplayBundle }[] = []
  readonly detach: () => void
  /** Comms that the kernel opened, with what it said in doing so. */
  readonly opened: { readonly target: string; readonly data: unknown; readonly comm: RawComm }[] = []
  readonly #targets = new Map<string, Parameters<Comms["register"]>[1]>()
  #cells = 0
  #cell: Cell | undefined

  constructor() {
    this.detach = attachGrid({
      register: (target, accept) => {
        this.#targets.set(target, accept)
      },
      open: (target, data) => {
        const comm = new RawComm(`opened-${this.opened.length}`, target)
        this.opened.push({ target, data, comm })
        return comm.comm
      },
    })
  }

  /** Runs `body` as a cell does. */
  cell<T>(body: () => T, options: { silent?: boolean } = {}): T {
    const count = ++this.#cells
    const cell: Cell = {
      id: `cell-${count}`,
      executionCount: count,
      silent: options.silent ?? false,
      signal: new AbortController().signal,
      output: {
        stream: () => {},
        clearOutput: () => {},
        displayData: (bundle) => this.outputs.push({ kind: "display", bundle }),
        updateDisplayData: (bundle) => this.outputs.push({ kind: "update", bundle }),
      },
    } as Cell
    this.#cell = cell
    return inCell(cell, body)
  }

  /** As the kernel does when the newest cell has run. */
  endCell(): void {
    if (this.#cell !== undefined) tellCellEnd(this.#cell)
  }

  /** Opens a comm, as a view does. */
  open(data: unknown): OpenedComm {
    const opened = new OpenedComm()
    this.#targets.get("cellfan")?.(opened.comm, data, [])
    return opened
  }

  /** Opens a comm on another target: as a widget manager does. */
  openOn(target: string): RawComm {
    const opened = new RawComm("raw", target)
    this.#targets.get(target)?.(opened.comm, {}, [])
    return opened
  }
}

/** The other end of a comm whose messages are not ours to parse. */
export class RawComm {
  readonly sent: unknown[] = []
  closed = false
  readonly comm: Comm
  readonly #onMessage = new Set<(data: unknown, buffers: readonly Uint8Array[]) => void>()

  constructor(id: string, target: string) {
    this.comm = {
      id,
      target,
      send: (data) => this.sent.push(JSON.parse(JSON.stringify(data))),
      onMessage: (listener) => this.#onMessage.add(listener),
      onClose: () => {},
      close: () => {
        this.closed = true
      },
    }
  }

  say(data: unknown): void {
    for (const listener of this.#onMessage) listener(data, [])
  }
}

/** Read when somebody looks at it: the kernel has no part in that. */
class Arrived implements Received {
  readonly buffers: readonly Uint8Array[]
  readonly #json: string

  constructor(json: string, buffers: readonly Uint8Array[]) {
    this.#json = json
    this.buffers = buffers
  }

  get message(): ViewMessage {
    const message = parseViewMessage(JSON.parse(this.#json))
    if (message === undefined) throw new Error(`No view understands ${this.#json}`)
    return message
  }
}

export class OpenedComm {
  readonly received: Received[] = []
  closed = false
  readonly comm: Comm
  #onMessage: (data: unknown, buffers: readonly Uint8Array[]) => void = () => {}
  #onClose: () => void = () => {}
  #waiting: (() => void)[] = []

  constructor() {
    this.comm = {
      id: "comm",
      target: "cellfan",
      // The states are live memory of the kernel: the wire copies, so this does.
      send: (data, buffers = []) => {
        const copies = buffers.map((buffer) => buffer.slice())
        this.received.push(new Arrived(JSON.stringify(data), copies))
        for (const wake of this.#waiting.splice(0)) wake()
      },
      onMessage: (listener) => {
        this.#onMessage = listener
      },
      onClose: (listener) => {
        this.#onClose = listener
      },
      close: () => {
        this.closed = true
      },
    }
  }

  send(command: ViewCommand): void {
    this.#onMessage(command, [])
  }

  hangUp(): void {
    this.#onClose()
  }

  /** The first message, among those received and to come, that `wanted` takes. */
  async until(wanted: (message: ViewMessage) => boolean): Promise<Received> {
    for (let at = 0; ; at++) {
      while (at >= this.received.length) await new Promise<void>((resolve) => this.#waiting.push(resolve))
      const one = this.received[at]
      if (one !== undefined && wanted(one.message)) return one
    }
  }
}
