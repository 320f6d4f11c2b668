import sixfold, { pairs, triple, Vec } from "./util"
import settings from "./settings.json"
const known = new Vec(-2)
const inputs = [2]
const task = (x: number) => [triple(x), sixfold(x), new Vec(-3), known.length(), known instanceof Vec, pairs([1, 2, 3]), settings.rates]
// %% after
results.map((r: any) => [r[0], r[1], r[2] instanceof Vec, r[2].length(), r[3], r[4], r[5], r[6]])
