;(globalThis as any).myGlobal = { a: 4 }
;(globalThis as any).otherGlobal = 5
// @ts-expect-error: only V8 knows the name
const task = () => [typeof process.env, typeof globalThis.process, (globalThis as any).myGlobal.a, otherGlobal, typeof console.log]
