import { randomUUID } from "node:crypto"
import { currentCell } from "./current-cell.ts"
import { log } from "./log.ts"
import type { Publisher } from "./publish.ts"
import type { Cell, Comm, Comms } from "./types.ts"
import type { Header, Message } from "./wire.ts"

type Accept = (comm: Comm, data: unknown, buffers: readonly Uint8Array[]) => void

/** All comms of the kernel: those that front ends opened and those it opened itself. */
export class KernelComms implements Comms {
  readonly #publisher: Publisher
  readonly #headerOf: (cell: Cell | undefined) => Header | undefined
  readonly #targets = new Map<string, Accept>()
  readonly #open = new Map<string, OpenComm>()
  /** What came before the kernel had loaded who answers it; undefined once that is over. */
  #early: Message[] | undefined = []
  /** The comm message that is being served. */
  #serving: Header | undefined

  /** `headerOf` finds the request of a cell; of the newest one where there is none. */
  constructor(publisher: Publisher, headerOf: (cell: Cell | undefined) => Header | undefined) {
    this.#publisher = publisher
    this.#headerOf = headerOf
  }

  register(target: string, accept: Accept): void {
    this.#targets.set(target, accept)
    // Whoever registers one target may register more within the same turn.
    if (this.#early !== undefined) setImmediate(() => this.#serveEarly())
  }

  open(
    target: string,
    data: unknown,
    buffers?: readonly Uint8Array[],
    metadata?: Readonly<Record<string, unknown>>,
  ): Comm {
    const comm = this.#create(randomUUID(), target)
    this.#send("comm_open", { comm_id: comm.id, target_name: target, data: data ?? {} }, buffers, metadata)
    return comm
  }

  /** comm_info: id and target of each open comm. */
  list(target: string | undefined): Record<string, { target_name: string }> {
    const comms = [...this.#open.values()].filter((comm) => target === undefined || comm.target === target)
    return Object.fromEntries(comms.map((comm) => [comm.id, { target_name: comm.target }]))
  }

  /** comm_open, comm_msg or comm_close from a front end. */
  receive(message: Message): void {
    this.#serving = message.header
    try {
      this.#dispatch(message)
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      this.#publisher.stream(message.header, "stderr", `A comm's listener failed: ${text}\n`)
    } finally {
      this.#serving = undefined
    }
  }

  #dispatch(message: Message): void {
    const { header, content, buffers } = message
    const { comm_id: id, target_name: target, data } = content
    if (typeof id !== "string") {
      log(`Dropped a ${header.msg_type} without comm_id`)
      return
    }
    if (this.#isEarly(header, id, target)) {
      this.#early?.push(message)
      return
    }
    if (header.msg_type === "comm_open") {
      this.#accept(id, String(target), data, buffers)
      return
    }
    const comm = this.#open.get(id)
    if (comm === undefined) {
      log(`Dropped a ${header.msg_type} for the comm ${id}, which is not open`)
    } else if (header.msg_type === "comm_close") {
      this.#open.delete(id)
      comm.closedByPeer()
    } else comm.receive(data, buffers)
  }

  /** A page that is open already greets a kernel as soon as it answers, which is before it has loaded everything. */
  #isEarly(header: Header, id: string, target: unknown): boolean {
    if (this.#early === undefined) return false
    if (header.msg_type === "comm_open") return !this.#targets.has(String(target))
    return !this.#open.has(id) && this.#early.some(({ content }) => content.comm_id === id)
  }

  #serveEarly(): void {
    const messages = this.#early ?? []
    this.#early = undefined
    for (const message of messages) this.receive(message)
  }

  #accept(id: string, target: string, data: unknown, buffers: readonly Uint8Array[]): void {
    const accept = this.#targets.get(target)
    if (accept === undefined) {
      this.#publisher.stream(this.#serving, "stderr", `No such comm target registered: ${target}\n`)
      this.#send("comm_close", { comm_id: id, data: {} })
      return
    }
    const comm = this.#create(id, target)
    try {
      accept(comm, data, buffers)
    } catch (error) {
      comm.close()
      throw error
    }
  }

  #create(id: string, target: string): OpenComm {
    const comm = new OpenComm(id, target, {
      send: (data, buffers, metadata) =>
        this.#send("comm_msg", { comm_id: id, data: data ?? {} }, buffers, metadata),
      close: (data) => {
        if (!this.#open.delete(id)) return
        this.#send("comm_close", { comm_id: id, data: data ?? {} })
      },
    })
    this.#open.set(id, comm)
    return comm
  }

  #send(
    type: string,
    content: Readonly<Record<string, unknown>>,
    buffers?: readonly Uint8Array[],
    metadata?: Readonly<Record<string, unknown>>,
  ): void {
    const parent = this.#serving ?? this.#headerOf(currentCell())
    this.#publisher.publish(parent, type, content, {
      ...(metadata === undefined ? {} : { metadata }),
      ...(buffers === undefined ? {} : { buffers }),
    })
  }
}

interface Wires {
  send(data: unknown, buffers?: readonly Uint8Array[], metadata?: Readonly<Record<string, unknown>>): void
  close(data?: unknown): void
}

class OpenComm implements Comm {
  readonly id: string
  readonly target: string
  readonly #wires: Wires
  readonly #onMessage = new Set<(data: unknown, buffers: readonly Uint8Array[]) => void>()
  readonly #onClose = new Set<() => void>()

  constructor(id: string, target: string, wires: Wires) {
    this.id = id
    this.target = target
    this.#wires = wires
  }

  send(data: unknown, buffers?: readonly Uint8Array[], metadata?: Readonly<Record<string, unknown>>): void {
    this.#wires.send(data, buffers, metadata)
  }

  onMessage(listener: (data: unknown, buffers: readonly Uint8Array[]) => void): void {
    this.#onMessage.add(listener)
  }

  onClose(listener: () => void): void {
    this.#onClose.add(listener)
  }

  close(data?: unknown): void {
    this.#wires.close(data)
  }

  receive(data: unknown, buffers: readonly Uint8Array[]): void {
    for (const listener of this.#onMessage) listener(data, buffers)
  }

  closedByPeer(): void {
    for (const listener of this.#onClose) listener()
  }
}
