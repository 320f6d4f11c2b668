/**
 * What the helper thread does about an interrupt, step by step: a pure function, without clock, threads or inspector.
 *
 *     idle ── asked ──▶ told ── heard ──▶ heard ── grace is over ──▶ told, to end the cell whatever it does
 *                       │ ▲                 │                         │
 *                  silent rescued ◀── rescuing ◀───────── silent ─────┘     all of them ── obeyed ──▶ idle
 *
 * The main thread is told by a message. It hears it when it serves its events; it obeys when no cell runs any more. Only a
 * main thread that does not hear is interfered with (rescue.ts), and after that it is told again, because what was ended may
 * have been on its way to hear.
 */

export type Phase =
  | { readonly kind: "idle" }
  /** Told, and not heard yet. `insist`: the cell is to end whatever it does. */
  | {
      readonly kind: "told"
      readonly insist: boolean
      readonly untilMs: number
      readonly rescuesLeft: number
    }
  /** Heard: the cell's signal is aborted, and it has a moment to end by itself. */
  | { readonly kind: "heard"; readonly untilMs: number; readonly rescuesLeft: number }
  | { readonly kind: "rescuing"; readonly insist: boolean; readonly rescuesLeft: number }

export type Said = "nothing" | "heard" | "obeyed"

export type InterruptEvent =
  | { readonly kind: "asked" }
  /** What the main thread has said by now about the newest interrupt. */
  | { readonly kind: "looked"; readonly said: Said }
  /** `touched`: code was ended, or nothing could be; else the main thread was at work of its own, which comes to an end. */
  | { readonly kind: "rescued"; readonly touched: boolean; readonly said: Said }

export type Action = "none" | "tell" | "insist" | "rescue" | "give up"

export interface Step {
  readonly phase: Phase
  readonly action: Action
}

/** For the main thread to hear, when it is not busy with one thing. */
const HEARING_MS = 120
/** For a cell that was interrupted, to end by itself. */
const GRACE_MS = 50
/** How often we interfere before we give up, so that code that was ended and loops again is ended too. */
const RESCUES = 20

export function step(phase: Phase, event: InterruptEvent, nowMs: number): Step {
  switch (event.kind) {
    case "asked":
      return phase.kind === "idle" ? tell(false, RESCUES, nowMs) : stay(phase)
    case "looked":
      return looked(phase, event.said, nowMs)
    case "rescued":
      return phase.kind === "rescuing" ? rescued(phase, event, nowMs) : stay(phase)
    default:
      return event satisfies never
  }
}

function looked(phase: Phase, said: Said, nowMs: number): Step {
  if (phase.kind === "idle" || phase.kind === "rescuing") return stay(phase)
  const { rescuesLeft } = phase
  if (said === "obeyed") return { phase: { kind: "idle" }, action: "none" }
  const isLate = nowMs >= phase.untilMs
  if (phase.kind === "heard") return isLate ? tell(true, rescuesLeft, nowMs) : stay(phase)
  if (said === "heard" && !phase.insist)
    return { phase: { kind: "heard", untilMs: nowMs + GRACE_MS, rescuesLeft }, action: "none" }
  if (!isLate) return stay(phase)
  return { phase: { kind: "rescuing", insist: phase.insist, rescuesLeft }, action: "rescue" }
}

function rescued(
  phase: Phase & { kind: "rescuing" },
  { touched, said }: InterruptEvent & { kind: "rescued" },
  nowMs: number,
): Step {
  // It came round while we looked: told again, it would end what it does next.
  if (said === "obeyed") return { phase: { kind: "idle" }, action: "none" }
  const rescuesLeft = phase.rescuesLeft - (touched ? 1 : 0)
  if (rescuesLeft === 0) return { phase: { kind: "idle" }, action: "give up" }
  return tell(phase.insist, rescuesLeft, nowMs)
}

function tell(insist: boolean, rescuesLeft: number, nowMs: number): Step {
  return {
    phase: { kind: "told", insist, untilMs: nowMs + HEARING_MS, rescuesLeft },
    action: insist ? "insist" : "tell",
  }
}

function stay(phase: Phase): Step {
  return { phase, action: "none" }
}
