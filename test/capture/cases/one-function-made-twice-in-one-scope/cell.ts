function shared() { let count = 0; const make = () => () => ++count; return [make(), make()] }
const both = shared()
const task = () => { both[0]!(); return both[1]!() }
