import * as z from "zod"
import { containerOptions, containerSection } from "./containers.ts"

const text = z.string().min(1)

/** Options of executors. */
const options = {
  kubeconfig: text
    .optional()
    .describe("File that says how the cluster is reached (default: KUBECONFIG, or ~/.kube/config)")
    .meta({ lithops: "kubecfg_path" }),
  context: text.optional().describe("Context of the kubeconfig (default: the current one)"),
  namespace: text.optional().describe("Namespace of Kubernetes (default: the context's)"),
  ingressEndpoint: z
    .url({ protocol: /^https?$/, error: "takes a URL that begins with https:// or http://" })
    .optional()
    .describe("URL of the cluster's gateway, where the services' own URLs do not lead to it")
    .meta({ lithops: "ingress_endpoint", taken: "a URL that begins with https:// or http://" }),
  ...containerOptions({
    ...{ memoryMiB: 1024, maxMemoryMiB: 65_536, maxTimeoutMs: 600_000, workers: 100 },
    cpu: "(default: 1)",
  }),
}

/** What is meant where nobody says anything. */
export const knativeDefaults = { memoryMiB: 1024, timeoutMs: 180_000, workers: 100 } as const

export const knative = {
  options,
  section: { schema: z.strictObject({ ...options, ...containerSection }), inherits: [] },
  storage: "localhost",
} as const
