import type { Context } from "mocha"
import { Ec2Hosts } from "../../../kernel-ext/backends/standalone/ec2/ec2.ts"
import type { Ec2Options } from "../../../kernel-ext/backends/standalone/ec2/options.ts"
import { StandaloneBackend } from "../../../kernel-ext/backends/standalone/standalone.ts"
import { need } from "../needs.ts"
import { OwnHome } from "../own-home.ts"
import { moto } from "../servers/moto.ts"
import { natsServer } from "../servers/nats.ts"
import { Cloud } from "./cloud.ts"
import type { Instance } from "./instance.ts"
import { namespaces } from "./network.ts"

/** A cloud whose instances boot, backends on it, and a home folder of their own for what they keep of their pools. */
export class BootedPools {
  readonly cloud: Cloud
  readonly #home = new OwnHome()
  readonly #backends: StandaloneBackend[] = []

  private constructor(cloud: Cloud) {
    this.cloud = cloud
  }

  static async start(context: Context): Promise<BootedPools> {
    need(context, namespaces.what, namespaces.find())
    need(context, natsServer.what, natsServer.find())
    return new BootedPools(await Cloud.start(need(context, moto.what, moto.find())))
  }

  backend(
    pool: string,
    { idleMs = 600_000, ...more }: Partial<Ec2Options> & { idleMs?: number } = {},
  ): StandaloneBackend {
    const options = this.cloud.hostOptions({ pool, workersPerHost: 1, ...more })
    const backend = new StandaloneBackend({
      ...{ name: "aws_ec2", pool, keepMs: 600_000, replicas: 1, expectedWorkers: options.instances },
      machines: {
        ...{ pool, provider: new Ec2Hosts(options), natsServer: natsServer.find() },
        agents: { workersPerHost: 1, idleMs },
      },
    })
    this.#backends.push(backend)
    return backend
  }

  /** Those of a pool that run tasks. */
  workersOf(backend: StandaloneBackend): Instance[] {
    const names = new Set(backend.fleet.agents.map(({ host }) => host))
    return [...this.cloud.instances.values()].filter(({ id }) => names.has(id))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#backends.map((backend) => backend.close()))
    await this.cloud.stop()
    this.#home.remove()
  }
}
