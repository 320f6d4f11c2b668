const lists = { format: new Intl.Collator().compare }
const task = () => lists.format("a", "b")
