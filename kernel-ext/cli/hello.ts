import { LocalhostExecutor } from "../index.ts"

/** Runs one task in a worker process and says what came back. */
export async function hello(): Promise<string> {
  await using fexec = new LocalhostExecutor({ workers: 1 })
  const { greeting, pid } = await fexec.callAsync(
    (name: string) => ({ greeting: `Hello, ${name}!`, pid: process.pid }),
    process.env.USER ?? "world",
  )
  return `${greeting} cellfan works: process ${pid} said so to process ${process.pid}.`
}
