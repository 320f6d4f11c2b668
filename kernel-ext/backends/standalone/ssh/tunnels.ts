import { createServer, type Server } from "node:net"
import type { Duplex } from "node:stream"

/** Ways through connections to hosts. */
export class Tunnels {
  readonly #servers = new Set<Server>()
  readonly #ends = new Set<Duplex>()

  /** Resolves with a port of this machine's loopback that leads there. */
  async open(reach: () => Promise<Duplex>): Promise<number> {
    const local = createServer((socket) => this.join(socket, reach))
    await new Promise<void>((resolve, reject) => {
      local.once("error", reject).listen(0, "127.0.0.1", resolve)
    })
    this.#servers.add(local)
    return (local.address() as { port: number }).port
  }

  /** Joins a connection with one that is being made. */
  join(near: Duplex, reach: () => Promise<Duplex>): void {
    near.on("error", () => {})
    reach().then(
      (far) => {
        this.#lead(near, far)
        this.#lead(far, near)
      },
      () => near.destroy(),
    )
  }

  /** What comes from one goes to the other; when one ends, both do. */
  #lead(from: Duplex, to: Duplex): void {
    this.#ends.add(from)
    from.on("error", () => to.destroy())
    from.on("close", () => {
      this.#ends.delete(from)
      to.destroy()
    })
    if (from.destroyed) to.destroy()
    else from.pipe(to)
  }

  close(): void {
    for (const server of this.#servers) server.close()
    for (const end of this.#ends) end.destroy()
    this.#servers.clear()
  }
}
