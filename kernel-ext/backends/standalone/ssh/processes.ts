import { sshError } from "./errors.ts"
import { quote } from "./host-key.ts"
import type { Shell } from "./shell.ts"

/**
 * Programs on a host, or on this machine, that outlive the connection: each in a session of its own, with NAME.pid and NAME.log in its folder. A
 * process is the one meant if the folder stands in its arguments: numbers of processes are used again.
 */
export interface RemoteProgram {
  /** What its files are called. */
  readonly name: string
  readonly folder: string
  readonly program: string
  /** The last one names a file in `folder`. */
  readonly args: readonly string[]
  /** Written first, where it does not run yet: name and text. Only their owner may read them. */
  readonly files: Readonly<Record<string, string>>
}

/** Functions for all scripts below. */
const common = `
umask 077
# The words of a process, or nothing where there is none.
words() { if [ -d /proc/self ]; then tr '\\0' ' ' < "/proc/$1/cmdline"; else ps -p "$1" -o args=; fi 2>/dev/null; }
# Whether the process that a file names runs, and is one of this folder.
runs() {
  pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || return 1
  case "$(words "$pid")" in *"$2/"*) return 0;; esac
  return 1
}
`

/**
 * Starts it unless it runs. Two who do so at once start one.
 *
 * @throws BackendError with its last words where it ends within moments.
 */
export async function startProgram(
  shell: Shell,
  { name, folder, program, args, files }: RemoteProgram,
): Promise<"started" | "running"> {
  const end = `CELLFAN-${Math.random().toString(36).slice(2)}`
  const writing = Object.entries(files).map(
    ([file, text]) =>
      `cat > ${quote(`${file}.new`)} <<'${end}'\n${text}\n${end}\nmv -f ${quote(`${file}.new`)} ${quote(file)}`,
  )
  const script = `${common}
folder=${quote(folder)}
mkdir -p "$folder" && cd "$folder" || exit 1
tries=0
until mkdir ${name}.lock 2>/dev/null; do
  tries=$((tries + 1)); [ $tries -gt 50 ] && break
  sleep 0.1
done
trap 'rmdir ${name}.lock 2>/dev/null' EXIT
if runs ${name}.pid "$folder"; then echo cellfan:state=running; exit 0; fi
set -e
${writing.join("\n")}
[ ! -f ${name}.log ] || mv -f ${name}.log ${name}.log.1
set +e
session=$(command -v setsid || command -v nohup)
$session /bin/sh -c 'echo $$ > "$0"; exec "$@"' ${name}.pid ${[program, ...args].map(quote).join(" ")} </dev/null >${name}.log 2>&1 &
# What is wrong with its settings shows by then.
sleep 0.3
if runs ${name}.pid "$folder"; then echo cellfan:state=started
else tail -n 12 ${name}.log >&2; rm -f ${name}.pid; exit 1; fi
`
  const told = await shell.script(`start ${name} (${folder}/${name}.log)`, script)
  return told.get("state")?.[0] === "running" ? "running" : "started"
}

/** Tells the folder's other programs to end when what they do is done. */
export async function askOthersToEnd(shell: Shell, folder: string, name: string): Promise<void> {
  const script = `${common}
folder=${quote(folder)}
for file in "$folder"/*.pid; do
  [ "$(basename "$file")" = ${quote(`${name}.pid`)} ] || { runs "$file" "$folder" && kill -TERM "$pid"; }
done
exit 0`
  await shell.script("end an older agent", script)
}

/**
 * Ends all programs of a pool, which takes as long as they need and no longer than `patienceS`, and removes its folder.
 * Resolves with what was ended.
 *
 * @param pool Its name; "*" stands for all.
 */
export async function endPrograms(
  shell: Shell,
  parent: string,
  pool: string,
  patienceS: number,
): Promise<string[]> {
  const script = `${common}
for folder in ${quote(parent)}/${pool === "*" ? pool : quote(pool)}; do
  [ -d "$folder" ] || continue
  for file in "$folder"/*.pid "$folder"/*/*.pid; do
    runs "$file" "$folder" || continue
    name=$(basename "$file" .pid)
    kill -TERM "$pid"
    ticks=$((${patienceS} * 10))
    while [ $ticks -gt 0 ] && runs "$file" "$folder"; do ticks=$((ticks - 1)); sleep 0.1; done
    # Its children go with it: it began a session, and so a group.
    if runs "$file" "$folder"; then kill -KILL "-$pid" 2>/dev/null || kill -KILL "$pid"; fi
    echo "cellfan:ended=$name"
  done
  rm -rf "$folder"
done
exit 0
`
  const told = await shell.script("end what runs there", script)
  return told.get("ended") ?? []
}

/** Removes what nothing of cellfan uses any more: the folder, once no pool stands in it. */
export async function removeUnused(shell: Shell, folder: string): Promise<boolean> {
  const script = `folder=${quote(folder)}
cd "$folder" 2>/dev/null || exit 0
rmdir pools 2>/dev/null
[ -d pools ] && exit 0
cd / && rm -rf "$folder" && echo cellfan:removed=1
# Those above it, where nothing else stands in them.
case "$folder" in */cellfan/hosts/*) rmdir "\${folder%/*}" "\${folder%/*/*}" 2>/dev/null;; esac
exit 0`
  return (await shell.script("remove its files", script)).has("removed")
}

/** @throws BackendError where a pool's name could leave its folder. */
export function poolFolder(folder: string, pool: string): string {
  if (!/^[\w-]+(\.[\w-]+)*$/.test(pool))
    throw sshError("setup", `Pool ${JSON.stringify(pool)} is no name: letters, digits, - and _ are`)
  return `${folder}/pools/${pool}`
}
