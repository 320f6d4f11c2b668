import { expect } from "chai"
import {
  isSettled,
  nextState,
  type TaskEvent,
  type TaskState,
  taskStates,
} from "../../kernel-ext/protocol/task.ts"

/** Every edge there is. What is not here has no meaning, and leaves the task as it was. */
const edges: readonly (readonly [TaskState, TaskEvent, TaskState])[] = [
  ["queued", "start", "running"],
  ["queued", "succeed", "done"],
  ["queued", "fail", "failed"],
  ["queued", "cancel", "cancelled"],
  ["queued", "retry", "queued"],
  ["running", "succeed", "done"],
  ["running", "fail", "failed"],
  ["running", "cancel", "cancelled"],
  ["running", "retry", "queued"],
  ["failed", "retry", "queued"],
  ["cancelled", "retry", "queued"],
]

const events: readonly TaskEvent[] = ["start", "succeed", "fail", "cancel", "retry"]

describe("A task's state", () => {
  for (const [from, event, to] of edges)
    it(`is ${to} after ${event} in ${from}`, () => {
      expect(nextState(from, event)).to.equal(to)
    })

  for (const from of taskStates) {
    const others = events.filter(
      (event) => !edges.some(([state, known]) => state === from && known === event),
    )
    if (others.length > 0)
      it(`stays ${from} whatever else comes: ${others.join(", ")}`, () => {
        for (const event of others) expect(nextState(from, event)).to.equal(undefined)
      })
  }

  it("is settled where only a retry leads on", () => {
    expect(taskStates.filter(isSettled)).to.deep.equal(["done", "failed", "cancelled"])
    expect(nextState("done", "retry")).to.equal(undefined)
  })
})
