import { gzipSync } from "node:zlib"
import { BackendError } from "../../../errors.ts"
import { leaving } from "../agent/config.ts"

/**
 * What an instance runs when it starts, as a shell script for any Linux that has bash and curl: it gets Node and the files it is to
 * have, and runs a program as a user without rights, until that ends by itself. Its log: /var/log/cellfan.log.
 */

/** What EC2 takes, before base64. */
export const maxUserDataBytes = 16 * 1024

/** Stands in a file's text for the instance's own id, which is not known before it starts. */
export const ownId = "@@CELLFAN_INSTANCE@@"

/** What the log's lines begin with that are for the kernel, which reads them from the instance's console. */
export const logMark = "cellfan:"

/** Its last word where its program ended by itself; after it comes why. */
export const ended = "ends"

/** A file of an instance: within the script, or fetched from where it was put. */
export type ScriptFile =
  | { readonly name: string; readonly bytes: Uint8Array }
  | {
      readonly name: string
      readonly url: string
      /** In hex; undefined where the file is not made yet: it is waited for. */
      readonly sha256: string | undefined
    }

export interface ScriptSpec {
  /** One line that says what this is. */
  readonly title: string
  readonly folder: string
  readonly files: readonly ScriptFile[]
  /** Names of files that hold `ownId`. */
  readonly named?: readonly string[]
  /** Lines of shell before all files get their owner. */
  readonly prepare?: readonly string[]
  /** Names of files that are programs. */
  readonly executables?: readonly string[]
  readonly node?: { readonly url: string | undefined; readonly platform: string }
  /** A command in the folder; "$NODE" is Node. */
  readonly run: string
  /** How the instance ends: with the program, when nobody is connected to the port for so long, or not at all. */
  readonly end: "with-program" | { readonly port: number; readonly idleMinutes: number } | "never"
}

/** The script, packed as EC2 and cloud-init take it. */
export function userData(spec: ScriptSpec): Uint8Array {
  const packed = gzipSync(script(spec), { level: 9 })
  if (packed.length > maxUserDataBytes)
    throw new BackendError(
      `User data of an instance takes 16 kB, and it would have ${packed.length} bytes: files are to go through storage.`,
      { backend: "aws_ec2", kind: "too-large", retryable: false },
    )
  return packed
}

export function script(spec: ScriptSpec): string {
  const { title, folder, files, named = [], prepare = [], executables = [], node, run, end } = spec
  const fetches = files.map((file) =>
    "url" in file
      ? `get ${quoted(file.url)} ${quoted(file.sha256 ?? "")} ${quoted(file.name)}`
      : `base64 -d >${quoted(file.name)} <<'END'\n${Buffer.from(file.bytes).toString("base64")}\nEND`,
  )
  const naming = named.map((name) => `sed -i "s/${ownId}/$ID/g" ${quoted(name)}`)
  return [
    "#!/bin/bash",
    `# ${title.replace(/[\r\n]+/g, " ")}`,
    header(folder, end === "never"),
    ...(node === undefined ? [] : [nodeFunctions(node.platform, node.url)]),
    ...fetches,
    ...naming,
    ...prepare,
    ...(node === undefined ? [] : ["find_node || bring_node"]),
    "chown -R cellfan . && chmod 600 -- * && chmod 700 .",
    ...executables.map((name) => `chmod 700 ${quoted(name)}`),
    supervise(run, end),
    "",
  ].join("\n")
}

/** Systems differ in where the log of user data is, so it has its own; what matters also goes to the console. */
const header = (folder: string, stays: boolean) => `
umask 077
exec >>/var/log/cellfan.log 2>&1
say() { echo "$(date -u +%FT%TZ) $*"; echo "${logMark} $*" >/dev/console; } 2>/dev/null
die() { say "failed: $*"; ${stays ? "exit 1" : "sleep 2; shutdown -h now; exit 1"}; }
# The metadata service may not answer yet.
meta() {
  local token n
  for n in {1..120}; do
    token=$(curl -sf -m 2 -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 300" http://169.254.169.254/latest/api/token) &&
      curl -sf -m 2 -H "X-aws-ec2-metadata-token: $token" "http://169.254.169.254/latest/meta-data/$1" && return
    sleep 0.5
  done
  return 1
}
# A file by its URL, with the hash it must have, or "any"; without one it may not be there yet.
get() {
  local n
  for n in {1..120}; do
    if curl -fsSL --connect-timeout 10 -m 900 -o "$3.part" "$1"; then
      [ -z "$2" ] || [ "$2" = any ] || echo "$2  $3.part" | sha256sum -c --quiet || die "$3 is not what was sent"
      mv "$3.part" "$3"
      return
    fi
    [ -n "$2" ] && [ "$n" = 8 ] && break
    sleep 1
  done
  die "$3 could not be fetched from \${1%%\\?*}"
}
id cellfan >/dev/null 2>&1 || useradd --system --home-dir ${quoted(folder)} --shell /sbin/nologin cellfan || die "no user cellfan could be made"
mkdir -p ${quoted(folder)} && cd ${quoted(folder)} || die "no folder ${folder}"
ID=$(meta instance-id) || die "the metadata service did not answer for a minute"
say "begins on $ID"`

const nodeFunctions = (platform: string, url: string | undefined) => `
is_right() { "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)' 2>/dev/null; }
find_node() {
  local each
  for each in /opt/cellfan-node/bin/node node node-24 node-22 node-20; do
    NODE=$(command -v "$each") && is_right "$NODE" && say "Node $("$NODE" --version) is there" && return
  done
  return 1
}
unpack_node() {
  mkdir -p /opt/cellfan-node && tar -xf "$1" -C /opt/cellfan-node --strip-components=1 && chmod -R a+rX /opt/cellfan-node && rm -f "$1" && find_node
}
bring_node() {
  ${
    url === undefined
      ? `local each sums
  if command -v dnf >/dev/null; then
    for each in nodejs24 nodejs22 nodejs20; do dnf -q -y install "$each" && find_node && return; done
  fi
  sums=$(curl -fsSL -m 60 https://nodejs.org/dist/latest-v22.x/SHASUMS256.txt | grep '${platform}.tar.gz$') || die "Node is not there and could not be fetched: give nodeUrl or an image that has it"
  get "https://nodejs.org/dist/latest-v22.x/\${sums##* }" "\${sums%% *}" node.tgz
  unpack_node node.tgz || die "the Node that nodejs.org has does not run here"`
      : `get ${quoted(url)} any node.tgz
  unpack_node node.tgz || die "the Node of nodeUrl (${platform}) does not run here, or is older than 20.19"`
  }
}`

function supervise(run: string, end: ScriptSpec["end"]): string {
  const atEnd =
    end === "with-program"
      ? `say "${ended}: $(grep -a '${leaving}' /var/log/cellfan.log | tail -n 1 | sed 's/.*${leaving}//; s/[.]$//')"; shutdown -h now`
      : ":"
  const watch =
    typeof end === "object"
      ? `
# With nobody connected for long, nobody needs it any more.
( idle=0; port=$(printf %04X ${end.port})
  while sleep 60; do
    if grep -qiE "^ *[0-9]+: [0-9A-F]+:$port [0-9A-F]+:[0-9A-F]+ 01 " /proc/net/tcp /proc/net/tcp6; then idle=0; else idle=$((idle + 1)); fi
    [ "$idle" -lt ${end.idleMinutes} ] || { say "nobody is connected for ${end.idleMinutes} minutes: ends"; shutdown -h now; }
  done ) &`
      : ""
  return `
supervise() {
  local failures=0 began code${watch}
  while :; do
    began=$SECONDS
    runuser -u cellfan -- env HOME="$PWD" ${run}
    code=$?
    ${typeof end === "object" ? "" : '[ "$code" = 0 ] && break'}
    [ $((SECONDS - began)) -gt 60 ] && failures=0
    failures=$((failures + 1))
    say "the program ended with code $code"
    [ "$failures" -lt 3 ] || die "the program ended with code $code three times: $(grep -ai error /var/log/cellfan.log | tail -n 1 | tail -c 400)"
    sleep 1
  done
  ${atEnd}
}
export -f supervise say die
export NODE
say "starts"
setsid --fork bash -c supervise </dev/null`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
