function Maker(this: any) { this.made = () => new.target }
const made = new (Maker as any)().made
const task = () => made()
