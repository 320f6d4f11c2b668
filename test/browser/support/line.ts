import { type AddressInfo, connect, createServer, type Socket } from "node:net"

/** A line to a server on this machine that can be cut and mended: nothing passes meanwhile, and what was open is gone. */
export class Line {
  readonly url: string
  readonly #server: ReturnType<typeof createServer>
  readonly #open: Set<Socket>
  #isCut = false

  private constructor(url: string, server: ReturnType<typeof createServer>, open: Set<Socket>) {
    this.url = url
    this.#server = server
    this.#open = open
    server.on("connection", (near) => {
      if (this.#isCut) near.destroy()
    })
  }

  static async to(url: string): Promise<Line> {
    const { hostname, port } = new URL(url)
    const open = new Set<Socket>()
    const server = createServer((near) => {
      const far = connect(Number(port), hostname)
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        open.add(socket)
        socket.pipe(other)
        socket.on("error", () => other.destroy())
        socket.on("close", () => {
          open.delete(socket)
          other.destroy()
        })
      }
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const near = new URL(url)
    near.hostname = "127.0.0.1"
    near.port = String((server.address() as AddressInfo).port)
    return new Line(near.href, server, open)
  }

  cut(): void {
    this.#isCut = true
    for (const socket of this.#open) socket.destroy()
  }

  mend(): void {
    this.#isCut = false
  }

  close(): void {
    this.cut()
    this.#server.close()
  }
}
