import { createHash } from "node:crypto"
import type { ByteRange, ObjectInfo, StorageDescription } from "../protocol/storage.ts"
import { type GcsApi, type GcsOptions, openApi } from "./gcs-api.ts"
import { upload } from "./gcs-upload.ts"
import type { Body, ListCall, Place, Provider, PutCall } from "./provider.ts"
import { type Download, download } from "./resume.ts"

/** Google Cloud Storage, by its JSON interface. Credentials are found as Google's own libraries find them. */

/** Deletions at once. */
const deletionsAtOnce = 32

export async function openGcs(description: StorageDescription): Promise<Provider> {
  return new Gcs(await openApi(description), description.options as GcsOptions)
}

/** What the interface says of an object. */
interface Found {
  readonly name: string
  readonly size?: string
  readonly updated?: string
  readonly etag?: string
  readonly contentType?: string
}

class Gcs implements Provider {
  readonly #api: GcsApi
  readonly #options: GcsOptions

  constructor(api: GcsApi, options: GcsOptions) {
    this.#api = api
    this.#options = options
  }

  /** Named after region and project, so that it is the same for all who work in the project and nobody else's. */
  async defaultBucket(): Promise<string> {
    const owner = createHash("sha256")
      .update(await this.#api.project())
      .digest("hex")
      .slice(0, 12)
    return `cellfan-${this.#location.toLowerCase()}-${owner}`
  }

  get #location(): string {
    return this.#options.region ?? "US"
  }

  put(object: Place, body: Body, call: PutCall): Promise<void> {
    return upload(this.#api, object, body, call)
  }

  get(
    object: Place,
    range: ByteRange | undefined,
    signal: AbortSignal | undefined,
  ): Promise<AsyncIterable<Uint8Array>> {
    return download({
      ...{ range, signal },
      request: (part, version) => this.#request(object, part, version, signal),
      tell: (error) => this.#api.tell(error, object, signal),
    })
  }

  async #request(
    object: Place,
    range: ByteRange | undefined,
    version: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Download> {
    const bounds = range && `bytes=${range.start}-${range.end === undefined ? "" : range.end - 1}`
    const { body, headers } = await this.#api.begun(object, signal, {
      query: { alt: "media", ...(version !== undefined && { generation: version }) },
      // Without it, what was stored compressed would come otherwise than it stands.
      headers: { "accept-encoding": "gzip", ...(bounds && { range: bounds }) },
    })
    const found = headers["x-goog-generation"]
    return { body, version: typeof found === "string" ? found : undefined }
  }

  async head(object: Place, signal: AbortSignal | undefined): Promise<ObjectInfo> {
    const found = await this.#api.json<Found>(object, signal)
    return { ...infoOf(object.bucket, found), contentType: found.contentType }
  }

  async *list(
    bucket: string,
    { prefix, startAfter, pageSize, signal }: ListCall,
  ): AsyncIterable<readonly ObjectInfo[]> {
    let pageToken: string | undefined
    do {
      const query = {
        ...{ prefix, maxResults: String(pageSize) },
        fields: "nextPageToken,items(name,size,updated,etag)",
        ...(startAfter !== undefined && { startOffset: startAfter }),
        ...(pageToken !== undefined && { pageToken }),
      }
      const page = await this.#api.json<{ items?: Found[]; nextPageToken?: string }>({ bucket }, signal, {
        path: "/o",
        query,
      })
      // It begins at the key itself.
      const found = (page.items ?? []).filter(({ name }) => name !== startAfter)
      yield found.map((one) => infoOf(bucket, one))
      pageToken = page.nextPageToken
    } while (pageToken !== undefined && pageToken !== "")
  }

  async delete(bucket: string, keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const left = [...keys]
    const lane = async () => {
      for (let key = left.pop(); key !== undefined; key = left.pop())
        await this.#api.discard({ bucket, key }, signal).catch((error) => {
          if (error.kind !== "not-found") throw error
        })
    }
    await Promise.all(Array.from({ length: Math.min(deletionsAtOnce, keys.length) }, lane))
  }

  async createBucket(bucket: string, signal: AbortSignal | undefined): Promise<void> {
    const isThere = await this.#api.json({ bucket }, signal).then(
      () => true,
      (error) => {
        if (error.kind === "not-found") return false
        throw error
      },
    )
    if (isThere) return
    await this.#api
      .json({}, signal, {
        method: "POST",
        query: { project: await this.#api.project() },
        body: { name: bucket, location: this.#location },
      })
      .catch((error) => {
        // Somebody else of the project was faster.
        if (error.kind !== "exists" || !/you already own it/i.test(error.cause?.message ?? "")) throw error
      })
  }
}

function infoOf(bucket: string, { name, size, updated, etag }: Found): ObjectInfo {
  return {
    ...{ bucket, key: name, etag, contentType: undefined },
    sizeBytes: Number(size ?? 0),
    modifiedAtMs: updated === undefined ? 0 : Date.parse(updated),
  }
}
