class Config { static readonly all = new Map<string, number>(); static { Config.all.set("a", 1) } static { this.all.set("b", 2) } static get size() { return Config.all.size } }
Config.all.set("c", 3)
class Counted { static made = 0; id = ++Counted.made }
new Counted()
const task = () => [[...Config.all.keys()], Config.size, new Counted().id, Counted.made]
