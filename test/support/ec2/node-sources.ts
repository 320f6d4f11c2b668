import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { findProgram } from "../needs.ts"

/** Where instances without Node may get it: this process's own, packed as others pack theirs. */

export const packaging = {
  what: "dnf, rpmbuild and createrepo_c (apt-get install dnf rpm createrepo-c)",
  find: () => (["dnf", "rpmbuild", "createrepo_c"].every((name) => findProgram(name)) ? true : undefined),
}

/** An archive as Node's makers pack it. @returns its file. */
export function nodeArchive(folder: string, name: string): string {
  const file = join(folder, name)
  const inside = name.replace(/\.tar.*$/, "")
  const packed = name.endsWith(".gz") ? ["--use-compress-program=gzip -1"] : []
  const within = [`--transform=s,^,${inside}/bin/,`, "-C", dirname(process.execPath), "node"]
  execFileSync("tar", ["-cf", file, ...packed, ...within])
  return file
}

/** What stands in a folder of nodejs.org's downloads. */
export function nodejsOrg(folder: string): void {
  const name = "node-v22.99.0-linux-x64.tar.gz"
  const hash = createHash("sha256")
    .update(readFileSync(nodeArchive(folder, name)))
    .digest("hex")
  writeFileSync(
    join(folder, "SHASUMS256.txt"),
    `${"0".repeat(64)}  node-v22.99.0-darwin-arm64.tar.gz\n${hash}  ${name}\n`,
  )
}

/** A repository for dnf that has the one package, as Amazon Linux names it and what is in it. */
export function packageRepository(folder: string): void {
  const repository = join(folder, "repository")
  mkdirSync(repository)
  copyFileSync(process.execPath, join(folder, "node-22"))
  const spec = [
    ...[
      "Name: nodejs22",
      "Version: 22.99.0",
      "Release: 1",
      "Summary: Node.js",
      "License: MIT",
      "AutoReqProv: no",
    ],
    ...["%define _binary_payload w0.gzdio", "%define __os_install_post %{nil}", "%description", "Node.js"],
    ...[
      "%install",
      `install -D -m 755 ${folder}/node-22 %{buildroot}/usr/bin/node-22`,
      "%files",
      "/usr/bin/node-22",
    ],
  ]
  writeFileSync(join(folder, "nodejs22.spec"), `${spec.join("\n")}\n`)
  const run = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: "ignore" })
  const at = ["--define", `_topdir ${folder}/build`, "--define", `_rpmdir ${repository}`]
  run("rpmbuild", "-bb", "--quiet", ...at, join(folder, "nodejs22.spec"))
  run("createrepo_c", repository)
}
