import { expect } from "chai"
import {
  type InterruptEvent,
  type Phase,
  type Said,
  step,
} from "../../kernel-ext/kernel/thread/interruption.ts"

/** Every edge of the state machine of an interrupt. */

const NOW = 1000
const LATER = NOW + 1000
const told = (insist = false, rescuesLeft = 20): Phase => ({
  kind: "told",
  insist,
  untilMs: NOW + 120,
  rescuesLeft,
})
const heard: Phase = { kind: "heard", untilMs: NOW + 50, rescuesLeft: 20 }
const rescuing = (insist = false, rescuesLeft = 20): Phase => ({ kind: "rescuing", insist, rescuesLeft })
const idle: Phase = { kind: "idle" }
const asked: InterruptEvent = { kind: "asked" }
const said = (what: Said): InterruptEvent => ({ kind: "looked", said: what })
const rescued = (touched: boolean, said: Said = "nothing"): InterruptEvent => ({
  kind: "rescued",
  touched,
  said,
})

const edges: [string, Phase, InterruptEvent, number, Phase, string][] = [
  ["an idle one that is asked tells", idle, asked, NOW, told(), "tell"],
  ["an idle one that looks stays", idle, said("obeyed"), NOW, idle, "none"],
  ["one that is told is part of another that is asked", told(), asked, LATER, told(), "none"],
  ["one that was heard is part of another that is asked", heard, asked, LATER, heard, "none"],
  ["a rescue is part of another that is asked", rescuing(), asked, LATER, rescuing(), "none"],
  ["told and not heard yet, it waits", told(), said("nothing"), NOW, told(), "none"],
  ["told and heard, it gives the cell a moment", told(), said("heard"), NOW, heard, "none"],
  ["told and obeyed, it is over", told(), said("obeyed"), NOW, idle, "none"],
  ["told and not heard in time, it rescues", told(), said("nothing"), LATER, rescuing(), "rescue"],
  ["heard and not obeyed yet, it waits", heard, said("heard"), NOW, heard, "none"],
  ["heard and obeyed, it is over", heard, said("obeyed"), NOW, idle, "none"],
  [
    "heard and not obeyed in time, it insists",
    heard,
    said("heard"),
    NOW + 50,
    { ...told(true), untilMs: NOW + 170 } as Phase,
    "insist",
  ],
  ["insisting, it waits", told(true), said("heard"), NOW, told(true), "none"],
  ["insisting and obeyed, it is over", told(true), said("obeyed"), NOW, idle, "none"],
  [
    "insisting and not obeyed in time, it rescues",
    told(true),
    said("heard"),
    LATER,
    rescuing(true),
    "rescue",
  ],
  ["a rescue is not disturbed by a look", rescuing(), said("obeyed"), NOW, rescuing(), "none"],
  ["a rescue that ended code tells again", rescuing(), rescued(true), NOW, told(false, 19), "tell"],
  ["a rescue that left it alone tells again", rescuing(), rescued(false), NOW, told(), "tell"],
  ["a rescue that finds it obeyed says no more", rescuing(), rescued(false, "obeyed"), NOW, idle, "none"],
  ["a rescue while insisting insists again", rescuing(true), rescued(true), NOW, told(true, 19), "insist"],
  ["the last rescue gives up", rescuing(false, 1), rescued(true), NOW, idle, "give up"],
  ["a rescue that comes back to none changes nothing", idle, rescued(true), NOW, idle, "none"],
]

describe("The steps of an interrupt", () => {
  for (const [name, from, event, nowMs, to, action] of edges) {
    it(name, () => expect(step(from, event, nowMs)).to.deep.equal({ phase: to, action }))
  }
})
