interface Reading { value: number }

type Readings = Reading[]
function thrower(x: number): number {
  const y: number = x as number
  if (y > 0)
    throw new RangeError("at line 7")
  return y
}
// %%
class Meter {
  read(x: number) { return thrower(x) }
}
const inputs = [1]

const task = (x: number) => {
  const meter = new Meter()
  return meter.read(x)
}
