const dynamic = "p" + "q"
class Patched { v = 1; static size = 1; a() { return 1 } get [dynamic]() { return this.v } set [dynamic](x: number) { this.v = x } static make() { return "made" } }
Patched.prototype.a = () => 2
;(Patched.prototype as any).b = () => 3
Patched.make = () => "replaced"
const task = () => { const one: any = new Patched(); one.pq = 5; return [one.a(), one.b(), one.pq, Patched.make(), Patched.size] }
