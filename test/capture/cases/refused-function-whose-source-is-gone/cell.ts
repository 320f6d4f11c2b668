import { Script } from "node:vm"
const text = "(function gone() { return 1 })"
const compiled = new Script(text)
compiled.runInThisContext()()
const gone = new Script(" ".repeat(text.length), { cachedData: compiled.createCachedData() }).runInThisContext()
const task = () => gone()
