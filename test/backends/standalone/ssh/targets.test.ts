import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { parseTargets, readHostsFile } from "../../../../kernel-ext/backends/standalone/ssh/targets.ts"

describe("Names of hosts", () => {
  it("are a name, a user, a port, addresses of both kinds, and URLs of ssh", () => {
    const names = ["a, user@b:2222", "10.0.0.7", "[fe80::1%eth0]:2200", "::1", "ssh://eva@c.example.org:22/"]
    expect(parseTargets(names)).to.deep.equal([
      { name: "a", host: "a" },
      { name: "user@b:2222", host: "b", user: "user", port: 2222 },
      { name: "10.0.0.7", host: "10.0.0.7" },
      { name: "[fe80::1%eth0]:2200", host: "fe80::1%eth0", port: 2200 },
      { name: "::1", host: "::1" },
      { name: "ssh://eva@c.example.org:22/", host: "c.example.org", user: "eva", port: 22 },
    ])
  })

  const form = "each is [user@]host[:port], an alias of ~/.ssh/config, or an IPv6 address in brackets."
  const refused: [names: string, message: string][] = [
    ["a,,b", `Option \`hosts\` has an empty name in it; ${form}`],
    ["a b", `Option \`hosts\` has "a b" in it; ${form}`],
    ["a;reboot", `Option \`hosts\` has "a;reboot" in it; ${form}`],
    ["a:ssh", `Option \`hosts\` has "a:ssh" in it; ${form}`],
    [
      "-oProxyCommand=x",
      'Option `hosts` has "-oProxyCommand=x" in it: neither host nor user begins with a dash.',
    ],
    ["-l@a", 'Option `hosts` has "-l@a" in it: neither host nor user begins with a dash.'],
    ["a:70000", "Option `hosts` has a:70000 in it: port 70000 is not between 1 and 65535."],
    ["a,b,a", "Option `hosts` names a twice; one agent runs on a host, with a worker for each processor."],
  ]
  for (const [names, message] of refused)
    it(`are refused where they are none: ${names}`, () => {
      expect(() => parseTargets([names])).to.throw(message)
    })

  it("stand in a file, one a line, with comments", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cellfan-targets-"))
    try {
      const file = join(folder, "hosts")
      writeFileSync(file, "# The cluster\r\na\n\n  user@b:2222  # the large one\n")
      expect(await readHostsFile(file)).to.deep.equal(["a", "user@b:2222"])
      writeFileSync(file, "# None yet\n")
      const problem = await readHostsFile(file).catch((error: Error) => error.message)
      expect(problem).to.match(/^Option `hostsFile` .+hosts names no host; it has one a line/)
      const missing = await readHostsFile(join(folder, "none")).catch((error: Error) => error.message)
      expect(missing).to.match(/^hostsFile .+none cannot be read: ENOENT.+It has one host a line/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
