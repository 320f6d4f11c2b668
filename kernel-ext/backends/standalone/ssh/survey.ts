import type { Connection } from "./connection.ts"
import { sshError } from "./errors.ts"

/** What a host is and has, found in one go. Nothing of it is changed but a folder that is made. */
export interface Survey {
  /** As process.platform and process.arch have them where Node knows them: "linux", "x64". */
  readonly platform: string
  readonly arch: string
  /** "glibc 2.36", "musl", or "" where it is not known. */
  readonly libc: string
  readonly processors: number
  readonly hostName: string
  readonly addresses: readonly string[]
  /** Where this user's files of cellfan stand: a folder that can be written to and run from. */
  readonly folder: string
  /** A Node that will do. */
  readonly node: { readonly path: string; readonly version: string } | undefined
  /** Versions that will not. */
  readonly otherNodes: readonly string[]
  /** Hashes of agents whose files are there. */
  readonly agents: readonly string[]
  /** The process that serves this connection. */
  readonly session: number | undefined
}

/** Node's own words for what `uname` says. */
const platforms: Readonly<Record<string, string>> = { Linux: "linux", Darwin: "darwin", FreeBSD: "freebsd" }
const arches: Readonly<Record<string, string>> = {
  x86_64: "x64",
  amd64: "x64",
  aarch64: "arm64",
  arm64: "arm64",
  ppc64le: "ppc64",
  s390x: "s390x",
}

/** @throws BackendError where no folder can be used; it says of each why. */
export async function survey(connection: Connection): Promise<Survey> {
  const told = await connection.script("say what it has", script)
  const one = (key: string) => told.get(key)?.[0] ?? ""
  const folder = one("folder")
  if (folder === "")
    throw sshError(
      "setup",
      `${connection.settings.name} has no folder in which programs can be kept and run: ${(told.get("refused") ?? []).join("; ")}`,
    )
  const [version = "", ...path] = one("node").split(" ")
  return {
    platform: platforms[one("os")] ?? one("os"),
    arch: arches[one("arch")] ?? one("arch"),
    libc: one("libc"),
    processors: Number(one("processors")) || 1,
    hostName: one("host"),
    addresses: one("addresses").split(" ").filter(Boolean),
    folder,
    node: version === "" ? undefined : { version, path: path.join(" ") },
    otherNodes: told.get("other") ?? [],
    agents: told.get("agent") ?? [],
    session: Number(one("session")) || undefined,
  }
}

/**
 * Version managers put Node where only interactive shells look, and what stands in the path may be a script in its place:
 * so each is asked what it is. 20.19 and 22.12 are the first in which CommonJS can require ES modules.
 */
const script = `
say() { printf 'cellfan:%s=%s\\n' "$1" "$2"; }
case "$(ps -o args= -p $PPID 2>/dev/null)" in *sshd*) say session $PPID;; esac
say os "$(uname -s)"
say arch "$(uname -m)"
say host "$(uname -n)"
say processors "$(getconf _NPROCESSORS_ONLN 2>/dev/null || nproc 2>/dev/null)"
say addresses "$(hostname -I 2>/dev/null)"
if ls /lib/ld-musl-* >/dev/null 2>&1; then say libc musl; else say libc "$(getconf GNU_LIBC_VERSION 2>/dev/null)"; fi

use() {
  mkdir -p -m 700 "$1" && chmod 700 "$1" && [ -O "$1" ] || return 1
  printf '#!/bin/sh\\nexit 0\\n' > "$1/try.$$" && chmod 700 "$1/try.$$" && "$1/try.$$"
  used=$?
  rm -f "$1/try.$$"
  return $used
}
# Many hosts may have one home folder, and this machine too.
for folder in "\${XDG_CACHE_HOME:-\${HOME:-/nonexistent}/.cache}/cellfan/hosts/$(uname -n)" "/var/tmp/cellfan-$(id -u)"; do
  if why=$( (use "$folder") 2>&1 </dev/null); then say folder "$folder"; break; fi
  say refused "$folder: $(printf %s "\${why:-it belongs to somebody else}" | head -n 1)"
done

for file in "$folder"/agents/cellfan-agent-*.mjs; do
  [ -f "$file" ] && file=\${file##*-agent-} && say agent "\${file%.mjs}"
done

checked=:
look() {
  [ -f "$1" ] && [ -x "$1" ] || return 1
  told=$("$1" -p 'process.version + " " + process.execPath' </dev/null 2>/dev/null) || return 1
  case "$checked" in *":\${told#* }:"*) return 1;; esac
  checked="$checked\${told#* }:"
  version=\${told%% *}; major=\${version#v}; major=\${major%%.*}; minor=\${version#*.}; minor=\${minor%%.*}
  if [ "$major" -ge 23 ] || { [ "$major" -eq 22 ] && [ "$minor" -ge 12 ]; } || { [ "$major" -eq 20 ] && [ "$minor" -ge 19 ]; }
  then say node "$told"; return 0; fi
  say other "$version"
  return 1
}
for node in "$(command -v node)" "$(command -v nodejs)" "$folder"/node/*/node \
  /usr/local/bin/node /opt/homebrew/bin/node /snap/bin/node /opt/node*/bin/node /usr/local/n/versions/node/*/bin/node \
  "$HOME"/.nvm/versions/node/*/bin/node "$HOME"/.local/share/fnm/node-versions/*/installation/bin/node \
  "$HOME"/.volta/tools/image/node/*/bin/node "$HOME"/.asdf/installs/nodejs/*/bin/node \
  "$HOME"/.local/share/mise/installs/node/*/bin/node "$HOME"/.local/bin/node "$HOME"/miniconda3/bin/node
do
  look "$node" && break
done
exit 0
`
