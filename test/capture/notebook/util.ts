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
