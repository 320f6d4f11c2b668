export const tasks: Readonly<Record<string, (input: never) => unknown>> & { cpu(rounds: number): number }
export const workers: number
export function inputsOf(work: string, size: number): unknown[]
export function mixed(count: number): number[]
export function check(work: string, inputs: readonly unknown[], results: readonly unknown[]): void
