import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { findProgram } from "./needs.ts"

export const openssl = { what: "openssl", find: (): string | undefined => findProgram("openssl") }

export interface Certificate {
  readonly key: string
  readonly cert: string
  /** The certificate as a file: it is its own authority. */
  readonly caFile: string
  remove(): void
}

/** A certificate for 127.0.0.1 that nobody trusts who was not told to. */
export function makeCertificate(command: string): Certificate {
  const folder = mkdtempSync(join(tmpdir(), "cellfan-certificate-"))
  const [keyFile, caFile] = [join(folder, "key.pem"), join(folder, "cert.pem")]
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
  execFileSync(command, ["req", ...kind, ...subject, "-keyout", keyFile, "-out", caFile], { stdio: "ignore" })
  return {
    key: readFileSync(keyFile, "utf8"),
    cert: readFileSync(caFile, "utf8"),
    caFile,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
