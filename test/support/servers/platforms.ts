import type { Context } from "mocha"
import { makeCertificate, openssl } from "../certificate.ts"
import { need } from "../needs.ts"
import { startCloudRun } from "./cloudrun.ts"
import { startCodeEngine, testApiKey } from "./code-engine.ts"
import { drongo, startDrongo } from "./drongo.ts"
import { startFunctions } from "./gcp-functions.ts"
import { startGoogleMetadata } from "./google-metadata.ts"
import { startKnative } from "./knative.ts"
import { startOpenWhisk, testKey } from "./openwhisk.ts"
import { openWhiskRuntime } from "./openwhisk-container.ts"

/** Serverless platforms, one server for each, as a user's kernel finds them: by the environment, with the credentials of the machine. */
export interface Platforms {
  readonly env: Readonly<Record<string, string>>
  /** Names of what is deployed on those that storage does not stand beside. */
  functions(): Readonly<Record<"knative" | "code_engine" | "openwhisk", readonly string[]>>
  /** What of requests the platforms would not have taken. */
  violations(): readonly string[]
  stop(): Promise<void>
}

export async function startPlatforms(context: Context): Promise<Platforms> {
  const runtime = need(context, openWhiskRuntime.what, openWhiskRuntime.find())
  const drongoCommand = need(context, drongo.what, drongo.find())
  // Google's tokens travel over TLS only.
  const certificate = makeCertificate(need(context, openssl.what, openssl.find()))
  const management = await startDrongo(drongoCommand)
  const functions = await startFunctions(management, { tls: certificate })
  const cloudRun = await startCloudRun({ tls: certificate })
  const knative = await startKnative()
  const codeEngine = await startCodeEngine({ runtime })
  const openWhisk = await startOpenWhisk({ runtime })
  const metadata = await startGoogleMetadata()
  const servers = [functions, cloudRun, knative, codeEngine, openWhisk]
  return {
    env: {
      NODE_EXTRA_CA_CERTS: certificate.caFile,
      CELLFAN_GCP_FUNCTIONS_REGION: "europe-west1",
      CELLFAN_GCP_FUNCTIONS_ENDPOINT: functions.url,
      CELLFAN_GCP_CLOUDRUN_REGION: "europe-west1",
      CELLFAN_GCP_CLOUDRUN_ENDPOINT: cloudRun.url,
      CELLFAN_KNATIVE_KUBECONFIG: knative.kubeconfig,
      CELLFAN_KNATIVE_INGRESS_ENDPOINT: knative.url,
      IBMCLOUD_API_KEY: testApiKey,
      CELLFAN_CODE_ENGINE_REGION: "eu-de",
      CELLFAN_CODE_ENGINE_ENDPOINT: `${codeEngine.url}/v2`,
      CELLFAN_CODE_ENGINE_IAM_ENDPOINT: codeEngine.url,
      CELLFAN_OPENWHISK_ENDPOINT: openWhisk.url,
      CELLFAN_OPENWHISK_API_KEY: testKey,
      CELLFAN_OPENWHISK_NAMESPACE: "_",
    },
    functions: () => ({
      knative: [...knative.services.keys()],
      code_engine: [...codeEngine.apps.keys()],
      openwhisk: [...openWhisk.actions.keys()],
    }),
    violations: () => servers.flatMap(({ violations }) => violations),
    async stop() {
      await Promise.all([...servers, metadata].map((server) => server.stop()))
      await management.stop()
      certificate.remove()
    },
  }
}
