class Money { cents: number; constructor(cents: number) { this.cents = cents } plus(more: number) { return new Money(this.cents + more) } }
const inputs = [new Money(1), new Money(2)]
const task = (money: any) => money.plus(10)
// %% after
results.map((r: any) => [r instanceof Money, r.cents])
