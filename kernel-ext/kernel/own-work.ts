/**
 * The compiler at work, which an interrupt must not end half way. Nor may the inspector look into it: to describe the calls
 * on a stack it copies all the variables that each of them sees, and the compiler's are ten thousand in hundreds of calls.
 */

type Hold = <T>(work: () => T) => T

let hold: Hold = (work) => work()

/** `hold` keeps interrupts off while it calls the work. */
export function holdOwnWorkBy(kernels: Hold): void {
  hold = kernels
}

/** Does `work`, which comes to an end and calls no code of the user. */
export function ownWork<T>(work: () => T): T {
  return hold(work)
}
