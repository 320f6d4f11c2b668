import { expect } from "chai"
import { Ticket } from "../../kernel-ext/worker/ticket.ts"

describe("Ticket", () => {
  it("lets positions be claimed in order, each once", () => {
    const ticket = new Ticket()
    expect([ticket.claim(0, 1), ticket.claim(0, 2), ticket.claim(1, 3)]).to.deep.equal([true, false, true])
    expect([ticket.next, ticket.busy, ticket.startedAtMs]).to.deep.equal([2, true, 3])
    ticket.rest()
    expect(ticket.busy).to.equal(false)
  })

  it("gives what was not claimed to whoever closes it, and nothing of it begins any more", () => {
    const main = new Ticket()
    const watchdog = new Ticket(main.memory)
    main.claim(0, 1)
    expect(watchdog.close(0)).to.equal(1)
    expect(main.claim(1, 2)).to.equal(false)
  })

  it("says that nothing has begun when it is closed twice", () => {
    const ticket = new Ticket()
    ticket.claim(0, 1)
    ticket.close(0)
    expect(ticket.close(1)).to.equal(-1)
  })

  it("does not open for a batch of an epoch that is void", () => {
    const ticket = new Ticket()
    ticket.close(0)
    ticket.close(1)
    ticket.open(5, 1)
    expect(ticket.claim(5, 1)).to.equal(false)
    ticket.open(5, 2)
    expect(ticket.claim(5, 1)).to.equal(true)
  })
})
