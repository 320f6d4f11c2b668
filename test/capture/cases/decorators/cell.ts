function traced(method: any, context: ClassMethodDecoratorContext) {
  return function (this: any, ...args: any[]): any { return `${String(context.name)}:${method.apply(this, args) + 100}` }
}
function doubled(_: undefined, _context: ClassFieldDecoratorContext) { return (initial: number) => initial * 2 }
class Decorated { @doubled size = 21; @traced add(x: number) { return x + this.size } }
const inputs = [1]
const task = (x: number) => new Decorated().add(x)
