function Old(this: any, x: number) { this.x = x }
Old.prototype.get = function () { return this.x }
Old.version = 1
function Older(this: any) {}
Older.prototype = Object.create(Old.prototype, { extra: { value: 8, enumerable: true } })
const old = new (Old as any)(4)
const older = new (Older as any)()
const task = () => [old.get(), old instanceof (Old as any), (Old as any).version, older.extra, older instanceof (Old as any)]
