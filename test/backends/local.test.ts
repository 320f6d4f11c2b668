import { LocalBackend } from "../../kernel-ext/backends/local/local.ts"
import { conformsToBackend } from "../conformance/backend.ts"
import { MemoryBackend } from "../support/memory-backend.ts"

conformsToBackend("memory, the reference", () => new MemoryBackend({ workers: 2 }))
conformsToBackend("localhost", () => new LocalBackend({ workers: 2 }))
conformsToBackend("localhost with threads", () => new LocalBackend({ workers: 2 }), { isolation: "thread" })
