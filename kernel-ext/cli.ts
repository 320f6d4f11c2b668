#!/usr/bin/env node
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { install, userDataFolder } from "./cli/install.ts"
import { nearest } from "./util/nearest.ts"

/** The `cellfan` command. cli/ has one file for each of its words. */

const help = `cellfan hello                  run one task in a local worker process and say whether it worked
cellfan test                   run some tasks and keep an object where the configuration says, and say whether it worked
cellfan install                make the kernel and the extension known to your own Jupyter
cellfan install --prefix DIR   … to the Jupyter of a virtual environment or conda environment
cellfan verify NOTEBOOK        run a notebook again and say whether it gives the same
cellfan worker --nats URL      run tasks here that StandaloneExecutor puts into that queue; --pool, --workers, --host NAME
cellfan job list               show the jobs that a queue keeps; --nats URL and --pool say which, for all of these
cellfan job cancel JOB         cancel one
cellfan attach JOB             wait for a job on machines, and say how it ended
cellfan logs JOB               print what its tasks wrote; --task N for one of them
cellfan storage list [PREFIX]  show the objects of the configured storage; --backend and --bucket name others, for all of these
cellfan storage get KEY [FILE] write one to a file
cellfan storage put FILE [KEY] make an object of a file
cellfan storage delete KEY…    delete some; --prefix P deletes all that begin so
cellfan runtime list           show the functions that cellfan has made on the configured backend
cellfan runtime update         deploy the configured one, delete those of other versions
cellfan runtime delete NAME…   delete some
cellfan clean                  delete all of them, temporary data in storage but for that of jobs that run, and configured machines (EC2, ssh)
cellfan lambda policy          print the rights that Lambda needs, as a policy of IAM; --role ARN for a role of your own
cellfan vm list                show what cellfan has made on EC2, and what it costs
cellfan vm delete ID…          end some instances
cellfan vm clean               end all of them, and delete security groups and disks
cellfan ec2 policy             print the rights that EC2 needs; --role ARN for the role of an instance profile
cellfan --version
cellfan --help`

/** Each resolves with the exit code. */
const words: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  hello: async (args) => {
    parseArgs({ args, options: {} })
    const { hello } = await import("./cli/hello.ts")
    console.log(await hello())
    return 0
  },
  test: async (args) => {
    parseArgs({ args, options: {} })
    const { test } = await import("./cli/test.ts")
    return test(
      (text) => console.log(text),
      (text) => console.error(text),
    )
  },
  install: async (args) => {
    const { values } = parseArgs({ args, options: { prefix: { type: "string" }, link: { type: "boolean" } } })
    const dataFolder =
      values.prefix === undefined ? userDataFolder() : join(resolve(values.prefix), "share", "jupyter")
    const { kernel, extension } = await install({ dataFolder, link: values.link ?? false })
    console.log(`Kernel: ${kernel}\nExtension: ${extension}`)
    return 0
  },
  worker: async (args) => {
    const { worker } = await import("./cli/worker.ts")
    return worker(args)
  },
  job: async (args) => (await import("./cli/job.ts")).job(args),
  attach: async (args) => (await import("./cli/job.ts")).attachJob(args),
  logs: async (args) => (await import("./cli/job.ts")).logs(args),
  storage: async (args) => (await import("./cli/storage.ts")).storage(args, (text) => console.log(text)),
  runtime: async (args) => {
    const { positionals } = parseArgs({ args, options: {}, allowPositionals: true })
    const [what, ...names] = positionals
    const { deleteRuntimes, listRuntimes, updateRuntimes } = await import("./cli/runtime.ts")
    if (what === "list") console.log(await listRuntimes())
    else if (what === "update") console.log(await updateRuntimes())
    else if (what === "delete" && names.length > 0) console.log(await deleteRuntimes(names))
    else
      throw new Error(
        `cellfan runtime takes list, update, or delete with names, but got ${args.join(" ") || "nothing"}.`,
      )
    return 0
  },
  clean: async (args) => {
    parseArgs({ args, options: {} })
    const { clean } = await import("./cli/clean.ts")
    const problems = await clean((text) => console.log(text))
    for (const problem of problems) console.error(problem)
    return problems.length === 0 ? 0 : 1
  },
  lambda: async (args) => {
    const options = { role: { type: "string" } } as const
    const { positionals, values } = parseArgs({ args, options, allowPositionals: true })
    if (positionals.join(" ") !== "policy")
      throw new Error(`cellfan lambda takes policy, but got ${positionals.join(" ") || "nothing"}.`)
    const { policy } = await import("./cli/runtime.ts")
    console.log(policy(values.role))
    return 0
  },
  vm: async (args) => {
    const { positionals } = parseArgs({ args, options: {}, allowPositionals: true })
    const [what, ...ids] = positionals
    const { cleanMachines, deleteMachines, listMachines } = await import("./cli/vm.ts")
    if (what === "list" && ids.length === 0) console.log(await listMachines())
    else if (what === "clean" && ids.length === 0) console.log(await cleanMachines())
    else if (what === "delete" && ids.length > 0) console.log(await deleteMachines(ids))
    else
      throw new Error(
        `cellfan vm takes list, clean, or delete with ids of instances, but got ${args.join(" ") || "nothing"}.`,
      )
    return 0
  },
  ec2: async (args) => {
    const options = { role: { type: "string" } } as const
    const { positionals, values } = parseArgs({ args, options, allowPositionals: true })
    if (positionals.join(" ") !== "policy")
      throw new Error(`cellfan ec2 takes policy, but got ${positionals.join(" ") || "nothing"}.`)
    const { ec2Policy } = await import("./cli/vm.ts")
    console.log(ec2Policy(values.role))
    return 0
  },
  verify: async (args) => {
    const { positionals } = parseArgs({ args, options: {}, allowPositionals: true })
    const { verify } = await import("./cli/verify.ts")
    if (positionals.length === 0)
      throw new Error("cellfan verify takes the file of a notebook: cellfan verify a.ipynb")
    let code = 0
    for (const file of positionals) {
      const { same, report } = await verify(file)
      console.log(report)
      if (!same) code = 1
    }
    return code
  },
}

/** The lines of the help that are of one word. */
function helpOn(word: string): string {
  const lines = help.split("\n").filter((line) => line.split(" ")[1] === word)
  return lines.join("\n")
}

function version(): string {
  const file = fileURLToPath(new URL("../package.json", import.meta.url))
  return JSON.parse(readFileSync(file, "utf8")).version
}

async function main([word, ...args]: string[]): Promise<number> {
  if (word === undefined || word === "--help" || word === "-h") {
    console.log(help)
    return 0
  }
  if (word === "--version" || word === "-v") {
    console.log(version())
    return 0
  }
  const run = words[word]
  if (run === undefined) {
    const near = nearest(word, Object.keys(words))
    console.error(
      `cellfan has no command ${word}${near === undefined ? "" : `: did you mean ${near}`}? It takes:\n${help}`,
    )
    return 2
  }
  if (args.includes("--help") || args.includes("-h")) {
    console.log(helpOn(word))
    return 0
  }
  try {
    return await run(args)
  } catch (error) {
    const usage =
      error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS")
    const message = error instanceof Error ? error.message : String(error)
    console.error(usage ? `cellfan ${word}: ${message}. It takes:\n${helpOn(word)}` : message)
    return usage ? 2 : 1
  }
}

process.exitCode = await main(process.argv.slice(2))
