import _ from "lodash"
import { chunk } from "lodash"
import * as all from "lodash"
import sum from "lodash/sum"
import type { List } from "lodash"
const { max } = _
const local = (values: List<number>) => [_.size(values), chunk([1, 2], 2).length, all.sum([1, 2])]
const task = () => [...local([1, 2]), sum([4]), max([3, 9]), typeof all.default]
