let caught = () => ""
try { throw new Error("kept") } catch (error) { caught = () => (error as Error).message }
const counters: { up(): number; get(): number }[] = []
for (let i = 0; i < 3; i++) { let k = i; counters.push({ up: () => ++k, get: () => k }) }
const withDefault = ((a = 5, read = () => a) => read)()
const task = () => { counters[0]!.up(); return [caught(), counters.map((one) => one.get()), withDefault()] }
