import { expect } from "chai"
import { UsageError } from "../../../kernel-ext/errors.ts"
import { parse } from "../../../kernel-ext/kernel/magics/syntax.ts"
import { transformCell, transformUnfinishedCell } from "../../../kernel-ext/kernel/magics/transform.ts"
import { notebookWith } from "./notebook.ts"

const notebook = notebookWith("urls", "sum", "fexec", "records")

/** The cell as TypeScript, of which some things always hold. */
function transform(code: string): string {
  const result = transformCell(code, notebook)
  expect(result.code.split("\n").length, "lines").to.equal(code.split("\n").length)
  expect(parse(result.code).errors, result.code).to.deep.equal([])
  return result.code
}

function usage(code: string): string {
  try {
    transformCell(code, notebook)
  } catch (error) {
    expect(error).to.be.instanceOf(UsageError)
    expect(transformUnfinishedCell(code, notebook).code.split("\n").length).to.equal(code.split("\n").length)
    return (error as UsageError).message
  }
  throw new Error("Nothing was thrown")
}

/** Where `word` stands in the cell, and where in the TypeScript. */
function places(code: string, word: string) {
  const result = transformCell(code, notebook)
  const typed = code.indexOf(word)
  const offset = result.toCode(typed)
  expect(result.code.slice(offset, offset + word.length)).to.equal(word)
  for (let i = 0; i < word.length; i++) expect(result.toTyped(offset + i)).to.equal(typed + i)
  const column = (text: string, at: number) => at - text.lastIndexOf("\n", at - 1) - 1
  return { typed: column(code, typed), code: column(result.code, offset) }
}

describe("A cell without magics", () => {
  it("is read at once, however long a word it has", () => {
    const code = `const data = "${"f".repeat(1e6)}"`
    const before = performance.now()
    expect(transformCell(code, notebook).code).to.equal(code)
    expect(performance.now() - before).to.be.below(1000)
  })

  it("stays as it is", () => {
    const code = "const a = 7\nconst b = a\n% 3\nb"
    const result = transformCell(code, notebook)
    expect(result.code).to.equal(code)
    expect(result.toTyped(5)).to.equal(5)
  })
})

describe("%LocalhostExecutor", () => {
  it("makes an executor and binds it", () => {
    expect(transform("%LocalhostExecutor --workers 4 --name pool")).to.equal(
      'var pool = __cellfan.create("LocalhostExecutor", {"workers":4}, "pool");',
    )
    expect(transform("%LocalhostExecutor")).to.include("var fexec = ")
    expect(transform("%LocalhostExecutor; // four")).to.include("var fexec = ")
    expect(transform("%FunctionExecutor --mode localhost --retries 1")).to.equal(
      'var fexec = __cellfan.create("FunctionExecutor", {"mode":"localhost","retries":1}, "fexec");',
    )
    expect(transform("const pool = %LocalhostExecutor --workers=2")).to.equal(
      'const pool = __cellfan.create("LocalhostExecutor", {"workers":2}, "pool");',
    )
  })

  it("names the flag, what is taken and the nearest right word", () => {
    expect(usage("%LocalhostExecutor --workers 0")).to.equal(
      "%LocalhostExecutor: argument --workers takes an integer from 1 to 1024, but got 0.",
    )
    expect(usage("%LocalhostExecutor --wokers 4")).to.equal(
      "%LocalhostExecutor: unrecognized argument --wokers. Did you mean --workers? It takes --name, --workers, --timeout-ms, --memory-mib, --isolation and --retries.",
    )
    expect(usage("%LocalhostExecutor --name my-pool")).to.equal(
      "%LocalhostExecutor: argument --name takes the name of a variable, but got 'my-pool'.",
    )
    expect(usage("%LocalhostExecutor --name class")).to.include("takes the name of a variable")
    expect(usage("%LocalhostExecutor 4")).to.include("unrecognized argument 4")
    expect(usage("const a = %LocalhostExecutor --name b")).to.include("second variable beside a")
  })
})

describe("%%LocalhostExecutor --map", () => {
  const cell = [
    "%%LocalhostExecutor --map urls --as url --into sizes --retries 2",
    "const body = await (await fetch(url)).arrayBuffer()",
    "body.byteLength",
  ].join("\n")

  it("makes the body a task's function whose last expression is the result", () => {
    expect(transform(cell)).to.equal(
      [
        'let sizes = await __cellfan.at("LocalhostExecutor", null).map(urls, {"name":"sizes","retries":2}, async (url, ctx) => {',
        "const body = await (await fetch(url)).arrayBuffer();return (",
        "body.byteLength)})",
      ].join("\n"),
    )
  })

  it("keeps the columns of the body, and leads back to the words of its own line", () => {
    for (const word of ["const body", "arrayBuffer", "body.byteLength"]) {
      const { typed, code } = places(cell, word)
      expect(code, word).to.equal(typed)
    }
    places(cell, "urls")
    places("%%LocalhostExecutor --map urls --as url\n1", "url\n".trim())
  })

  it("takes the last expression from a line that it shares", () => {
    const code = "%%LocalhostExecutor --map urls\nconst n = 1; n + 1"
    expect(transform(code)).to.match(/\nconst n = 1;;return \( n \+ 1\)\}\)$/)
    places(code, "n + 1")
  })

  it("looks past comments, semicolons and blank lines after the last expression", () => {
    const header = "%%LocalhostExecutor --map urls --as url\n"
    for (const body of [
      "url // its name",
      "url; // its name\n",
      "// first\nurl\n\n// last",
      "f()\n/* a */ url /* b */;\n",
    ])
      expect(transform(header + body), body).to.match(/return \((?:[^)]|\/\/.*\n|\/\*.*\*\/)*url\)/)
  })

  it("has no result where the body ends in no expression", () => {
    expect(transform("%%LocalhostExecutor --map urls\nfor (const a of []) {}")).not.to.include("return")
    expect(transform("%%LocalhostExecutor --map urls --as n\nif (n) return 1\nreturn 2")).to.match(
      /return 2\}\)$/,
    )
  })

  it("keeps a statement that ends without semicolon apart from the result", () => {
    expect(transform("%%LocalhostExecutor --map urls\nfunction f() { return 1 }\n[1].map(f)")).to.include(
      "};return (\n[1].map(f))})",
    )
  })

  it("takes expressions and patterns, quoted or in brackets", () => {
    expect(transform("%%LocalhostExecutor --map urls.slice(0, 2) --as { id, href }\nid")).to.include(
      ".map(urls.slice(0, 2), {}, async ({ id, href }, ctx) => {",
    )
    expect(transform('%%LocalhostExecutor --map "urls.filter(u => u !== 1)" --as u\nu')).to.include(
      ".map(urls.filter(u => u !== 1), {}, async (u, ctx) => {",
    )
    expect(transform("%%LocalhostExecutor --map [1, 2, 3]\nitem")).to.include(
      ".map([1, 2, 3], {}, async (item, ctx)",
    )
    expect(transform('%%LocalhostExecutor --map ["a b", `c`]\nitem')).to.include('.map(["a b", `c`], {},')
  })

  it("gives executor options to the executor and job options to the job", () => {
    expect(transform("%%LocalhostExecutor --map urls --workers 2 --fail-fast --env A=1\n1")).to.include(
      '.at("LocalhostExecutor", {"workers":2}).map(urls, {"failFast":true,"env":{"A":"1"}}, ',
    )
  })

  it("reduces", () => {
    expect(transform("%%LocalhostExecutor --map urls --reduce sum --into total\nitem.length")).to.include(
      'let total = await __cellfan.at("LocalhostExecutor", null).mapReduce(urls, sum, {"name":"total"}, async (item, ctx) => {',
    )
  })

  it("is one call without --map", () => {
    expect(transform("%%LocalhostExecutor --into answer\nconst n = 41\nn + 1")).to.equal(
      'let answer = await __cellfan.at("LocalhostExecutor", null).call({"name":"answer"}, async (__none, ctx) => {\nconst n = 41;return (\nn + 1)})',
    )
    expect(transform("%%LocalhostExecutor\n1 + 1")).to.match(/^await __cellfan/)
  })

  it("imports before the function what the body imports", () => {
    const code =
      '%%LocalhostExecutor --map urls\nimport { // names\n  join,\n} from "node:path"\njoin("a", item)'
    const typescript = transform(code)
    expect(typescript.split("\n")[0]).to.match(/^import \{ join , \} from "node:path" ;await /)
    places(code, "join")
  })

  it("keeps its lines where its own line goes on over several", () => {
    expect(
      transform("// note\n%%LocalhostExecutor --map urls \\\n  --as url \\\n  --into sizes\nurl").split(
        "\n",
      )[4],
    ).to.equal("url)})")
  })

  it("refuses what it cannot mean", () => {
    const say = (flags: string) => usage(`%%LocalhostExecutor ${flags}\n1`)
    expect(say("--map notdefined")).to.equal(
      "%%LocalhostExecutor: argument --map takes a variable or an expression, but name 'notdefined' is not defined. Define it in an earlier cell.",
    )
    expect(say("--map url")).to.include("name 'url' is not defined. Did you mean urls?")
    expect(say("--map recrods.slice(1)")).to.include("Did you mean records?")
    expect(say("--map urls --reduce summ"))
      .to.include("argument --reduce")
      .and.to.include("Did you mean sum?")
    expect(say("--map")).to.include("argument --map takes a variable or an expression, but got nothing.")
    expect(say("--map 1+")).to.include("takes a variable or an expression, but got 1+.")
    expect(say("--map urls --as 3")).to.include(
      "--as takes a name, or a pattern such as { id, url }, but got '3'.",
    )
    expect(say("--map urls --as ctx")).to.include("argument --as takes another name than ctx")
    expect(say("--map urls --into a.b")).to.include("--into takes the name of a variable, but got 'a.b'.")
    expect(say("--as url")).to.include("argument --as has a meaning only with --map ITEMS.")
    expect(say("--map urls --workers 0")).to.include("argument --workers takes an integer from 1 to 1024")
    expect(say("--map urls --retires 2")).to.include("Did you mean --retries?")
    expect(usage("%%LocalhostExecutor --map urls\n  \n")).to.equal(
      "%%LocalhostExecutor is a cell magic, but the cell body is empty. Did you mean the line magic %LocalhostExecutor (single %)?",
    )
  })
})

describe("Other magics", () => {
  it("are calls, which keep the lines around them", () => {
    expect(transform("f()\n  %jobs\n(1)")).to.equal("f()\n  __cellfan.jobs();\n(1)")
    expect(transform("const all = %jobs;")).to.equal("const all = __cellfan.jobs();")
    expect(transform("found = %jobs")).to.equal("var found = __cellfan.jobs();")
    expect(transform("let found; found = %jobs")).to.equal("let found; found = __cellfan.jobs();")
    expect(transform("%cancel abc-1")).to.equal('__cellfan.cancel("abc-1");')
    expect(transform("%env A = b c")).to.equal('__cellfan.env("A = b c");')
    expect(transform("if (urls)\n%pwd\nelse\n%cd ..")).to.equal(
      'if (urls)\n__cellfan.pwd();\nelse\n__cellfan.cd("..");',
    )
  })

  it("wait where they can", () => {
    expect(transform("%clean")).to.equal("await __cellfan.clean();")
    expect(transform("%clean all")).to.equal('await __cellfan.clean("all");')
    expect(() => transform("%clean some")).to.throw("%clean takes `all` or nothing, but got some.")
    expect(transform("function f() {\n%clean\n}")).to.equal("function f() {\n__cellfan.clean();\n}")
  })

  it("time an expression, statements, or a cell, whose value stays", () => {
    expect(transform("%time f(1) // slow")).to.equal("await __cellfan.time(async () => (f(1)));")
    expect(transform("const n = %time f(1);")).to.equal("const n = await __cellfan.time(async () => (f(1)));")
    expect(transform("%time const n = f(1)")).to.equal(
      "__cellfan.timeStart();const n = f(1);__cellfan.timeEnd();",
    )
    expect(transform("%%time\nconst n = 1\nn + 1 // more")).to.equal(
      "__cellfan.timeStart();\nconst n = 1;await __cellfan.timeEnd((\nn + 1)) // more",
    )
    expect(transform("%%time\nconst n = 1")).to.equal(
      "__cellfan.timeStart();\nconst n = 1;__cellfan.timeEnd()",
    )
    places("%time urls.slice(2)", "urls.slice(2)")
  })

  it("stand within a timed cell, also another cell magic", () => {
    const code = "%%time\n%%LocalhostExecutor --map urls --as url\nurl"
    expect(transform(code)).to.match(
      /timeEnd\(\(\nawait __cellfan.at\("LocalhostExecutor", null\).map\(urls, /,
    )
    places(code, "url\n".trim())
    expect(transform("%%time\n%cd ..\nurls")).to.equal(
      '__cellfan.timeStart();\n__cellfan.cd("..");;await __cellfan.timeEnd((\nurls))',
    )
  })

  it("give help", () => {
    for (const code of [
      "%LocalhostExecutor?",
      "%%LocalhostExecutor?",
      "?%LocalhostExecutor",
      "%LocalhostExecutor --help",
    ])
      expect(transform(code), code).to.equal('__cellfan.help("LocalhostExecutor");')
    expect(transform("urls.length?")).to.equal('__cellfan.inspect("urls.length", 0);')
  })
})

describe("Usage errors", () => {
  it("say in IPython's words what is not found, and what is near", () => {
    expect(usage("%x")).to.equal("Line magic function `%x` not found. %lsmagic lists them all.")
    expect(usage("%lsmagik")).to.equal("Line magic function `%lsmagik` not found. Did you mean `%lsmagic`?")
    expect(usage("%localhostexecutor")).to.include("Did you mean `%LocalhostExecutor`?")
    expect(usage("%%Localhost\n1")).to.equal(
      "Cell magic `%%Localhost` not found. Did you mean `%%LocalhostExecutor`?",
    )
    expect(usage("%%jobs\n1")).to.equal(
      "Cell magic `%%jobs` not found (But line magic `%jobs` exists, did you mean that instead?).",
    )
    expect(usage("%nosuch?")).to.include("`%nosuch` not found")
  })

  it("tell what there is here for each magic of IPython's", () => {
    const ofIPython =
      "alias autoreload bookmark colors conda debug edit gui history load_ext logstart ls macro matplotlib mkdir " +
      "notebook pdb pdoc pinfo2 pip precision prun psearch pushd pylab rerun run save set_env store tb timeit uv who who_ls xmode"
    for (const name of ofIPython.split(" ")) {
      expect(usage(`%${name}`), name).to.include(`\`%${name}\` not found. `)
      expect(usage(`%${name}`), name).not.to.match(/Did you mean|%lsmagic lists them all/)
    }
    for (const name of ["R", "HTML", "SVG", "bash", "capture", "file", "perl", "sql", "timeit", "writefile"])
      expect(usage(`%%${name}\nx`), name).not.to.match(/Did you mean|%lsmagic lists them all/)
  })

  it("cannot stand where a worker runs the code", () => {
    expect(usage("%%LocalhostExecutor --map urls --as url\nconst a = 1\n%pwd")).to.equal(
      "The body of %%LocalhostExecutor runs in a worker, and `%pwd` is for the notebook: put it in a cell of its own.",
    )
    expect(usage("%%LocalhostExecutor\n!ls -la")).to.include("`!ls -la` is for the notebook")
    transform("%%LocalhostExecutor --map urls --as url\nconst a = 7\nreturn a\n% url.length")
  })

  it("take a shell's line for one where nobody knows its names", () => {
    expect(usage("files = !ls")).to.include("a line for a shell")
    expect(usage("files = !ls -la")).to.include("`!ls -la`")
    const code = "const files = !ls"
    expect(transformCell(code, notebook).code).to.equal(code)
  })

  it("end with their line, whatever the next one begins with", () => {
    for (const next of ["[1, 2].length", "(1 + 2)", "`a`", "/b/.source"])
      expect(transform(`const home = %env HOME\n${next}`)).to.match(/^const home = [^;\n]*;\n/)
    expect(usage("f()\n%%time")).to.include("put it on the first line of a cell of its own")
  })

  it("help those who come from IPython", () => {
    expect(usage("%load_ext autoreload")).to.include("what `import` brings is there at once")
    expect(usage("%matplotlib inline")).to.include("@observablehq/plot")
    expect(usage("%pip install x")).to.include("npm install NAME")
    expect(usage("%%bash\nls")).to.include("node:child_process")
    expect(usage("!ls -la")).to.include('execSync("ls -la", { encoding: "utf8" })')
  })

  it("refuse arguments that a magic does not take", () => {
    expect(usage("%jobs now")).to.equal("%jobs takes no arguments, but got now.")
    expect(usage("%cancel a b")).to.equal("%cancel takes one job, but got a b.")
    expect(usage("%time")).to.include("%time takes the code to time")
    expect(usage("%%time now\n1")).to.include("%%time takes no arguments")
  })
})
