import { chunk } from "lodash"
import { half } from "./deeper/half.ts"

export function triple(x: number): number {
  return half(x) * 6
}

export class Vec {
  x: number

  constructor(x: number) {
    this.x = x
  }

  length(): number {
    return Math.abs(this.x)
  }
}

export function pairs(values: number[]): number[][] {
  return chunk(values, 2)
}

export function fail(): never {
  throw new RangeError("thrown in util.ts")
}

export default function sixfold(x: number): number {
  return triple(x) * 2
}

interface Limits {
  readonly most: number
}

export function limited({ most }: Limits): (x: number) => number {
  const seen: number[] = []
  return function check(x: number): number {
    if (x > most) throw new RangeError(`more than ${most}`)
    return seen.push(x)
  }
}
