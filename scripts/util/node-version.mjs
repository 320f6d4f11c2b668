// Plain old syntax and no imports: this file has to run on the Node versions it refuses.

/** Says in one sentence that this Node is too old, and ends the process. */
export function requireNode() {
  var version = process.versions.node.split(".").map(Number)
  // From these on a CommonJS module can require an ES module, as cells do.
  var oldest = { 20: 19, 22: 12 }[version[0]] || 0
  if (version[0] >= 20 && version[0] !== 21 && version[1] >= oldest) return
  console.error(
    "cellfan needs Node 20.19, 22.12 or newer and this is Node " +
      process.versions.node +
      ": install one (https://nodejs.org) and start again.",
  )
  process.exit(1)
}
