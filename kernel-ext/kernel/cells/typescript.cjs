// tslab asks for its own fork of TypeScript by name; the bundle gives it this file. See stand-in.ts, which is evaluated first.
module.exports = globalThis[Symbol.for("cellfan.typescript")]
