// Plain old syntax and no imports: this file has to run on the Node versions it refuses.

/** Says in one sentence that this Node is too old, and ends the process. */
export function requireNode() {
  var version = process.versions.node.split(".").map(Number)
  if (version[0] > 20 || (version[0] === 20 && version[1] >= 19)) return
  console.error(
    "cellfan needs Node 20.19 or newer and this is Node " +
      process.versions.node +
      ": install a newer one (https://nodejs.org) and start again.",
  )
  process.exit(1)
}
