import type { ZodType } from "zod"
import chunk from "lodash/chunk"
import { type DebouncedFunc, sum } from "lodash"
import * as mini from "zod/mini"
type Rows = ZodType<number[]>
const later: DebouncedFunc<() => void> | undefined = undefined
const inputs = [[1, 2, 3]]
const task = (rows: number[]) => [chunk(rows, 2), sum(rows), mini.safeParse(mini.number(), 4).success, later]
