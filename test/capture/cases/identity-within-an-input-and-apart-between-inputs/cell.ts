const shared = { count: 0 }
const inputs = [{ a: shared, b: shared }, { a: shared, b: { count: 5 } }]
const task = (x: any) => { x.a.count++; return [x.a === x.b, x.a.count] }
