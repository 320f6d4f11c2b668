const polite = <T extends new (...args: any[]) => { hello(): string }>(Base: T) => class extends Base { override hello() { return "good day, " + super.hello() } }
class Plain { hello() { return "hi" } }
const Polite = polite(Plain)
const task = () => [new Polite().hello(), new Polite() instanceof Plain, Object.getPrototypeOf(Polite) === Plain]
