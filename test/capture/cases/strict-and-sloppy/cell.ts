const frozen = Object.freeze({ a: 1 })
const task = () => { try { (frozen as any).a = 2; return "silent" } catch (error) { return (error as Error).name } }
