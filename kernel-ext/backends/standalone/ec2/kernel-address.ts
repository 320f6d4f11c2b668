import { BlockList, isIP } from "node:net"
import { BackendError } from "../../../errors.ts"

/** Where this process comes from, as the queue's server on EC2 sees it. */

const asked = "https://checkip.amazonaws.com"

const inside = new BlockList()
inside.addSubnet("10.0.0.0", 8)
inside.addSubnet("172.16.0.0", 12)
inside.addSubnet("192.168.0.0", 16)
inside.addSubnet("100.64.0.0", 10)

export interface KernelAddress {
  /** "198.51.100.7/32". */
  readonly cidr: string
  /** Whether it is one of a private network, from which instances are reached at their private addresses. */
  readonly isInside: boolean
}

/** @param given An address or a range; undefined: what Amazon says it sees. */
export async function kernelAddress(given: string | undefined, signal: AbortSignal): Promise<KernelAddress> {
  const text = given ?? (await seenAddress(signal))
  const [, address = "", bits = "32"] = /^([\d.]+)(?:\/(\d+))?$/.exec(text) ?? []
  if (isIP(address) !== 4 || Number(bits) > 32)
    throw problem(
      `Option \`kernelAddress\` takes an IPv4 address or a range of them, as 198.51.100.7 or 10.0.0.0/16, but got ${text}.`,
    )
  if (bits === "0")
    throw problem(
      `Option \`kernelAddress\` may not be ${text}: the queue's server is not to be open to the whole internet.`,
    )
  return { cidr: `${address}/${bits}`, isInside: inside.check(address) }
}

async function seenAddress(signal: AbortSignal): Promise<string> {
  try {
    const response = await fetch(asked, { signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]) })
    return (await response.text()).trim()
  } catch (cause) {
    signal.throwIfAborted()
    throw problem(
      `The address that this kernel comes from is not known, since ${asked} did not say it: give \`kernelAddress\`, or name a queue's server of your own with \`nats\`.`,
      cause,
    )
  }
}

function problem(message: string, cause?: unknown): BackendError {
  return new BackendError(message, { backend: "aws_ec2", kind: "setup", retryable: false, cause })
}
