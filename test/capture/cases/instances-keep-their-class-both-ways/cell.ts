class Point { x: number; y: number; constructor(x: number, y: number) { this.x = x; this.y = y } sum() { return this.x + this.y } }
class Point3 extends Point { z = 3 }
const origin = new Point3(0, 0)
const inputs = [new Point3(1, 2), new Point(3, 4)]
const task = (p: Point) => [p instanceof Point3, p.sum(), origin.sum(), new Point3(p.x, p.y), p, origin]
// %% after
results.map((r: any) => [r[0], r[1], r[2], r[3] instanceof Point3, r[3].sum(), r[4] instanceof Point, r[4].constructor === Point, r[5] instanceof Point3])
